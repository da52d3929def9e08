// `thaw revisions list | describe`.
#include <fmt/format.h>

#include <algorithm>

#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/service_page.h"
#include "cli/table.h"
#include "http/query.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

/// A Revision of v1 has no type of its own in spec/: its parts are read one by one.
const Json* condition_of(const Json& object, std::string_view type) {
  const Json& conditions = object["status"]["conditions"];
  if (!conditions.is_array()) return nullptr;
  for (const Json& each : conditions.as_array()) {
    if (each.string_or("type") == type) return &each;
  }
  return nullptr;
}

std::string yes_or_no(const Context& context, const Json* condition) {
  const std::string status = condition == nullptr ? "Unknown" : condition->string_or("status");
  if (status == "True") return context.out.green("yes");
  if (status == "False") return context.out.red("no");
  return context.out.yellow("not yet");
}

std::string active_word(const Json* active) {
  if (active == nullptr) return "";
  return active->string_or("status") == "True" ? "yes" : "no";
}

spec::Condition typed(const Json& json) {
  const std::string status = json.string_or("status");
  return {.type = json.string_or("type"),
          .status = status == "True"    ? spec::ConditionStatus::kTrue
                    : status == "False" ? spec::ConditionStatus::kFalse
                                        : spec::ConditionStatus::kUnknown,
          .reason = json.string_or("reason"),
          .message = json.string_or("message")};
}

/// The revision's template, read by the rules for services.
Outcome<spec::RevisionTemplate> template_of(const Json& revision) {
  const Json labels = revision["metadata"]["labels"];
  const Json service = Json::object(
      {{"apiVersion", "serving.knative.dev/v1"},
       {"kind", "Service"},
       {"metadata", Json::object({{"name", labels.string_or("serving.knative.dev/service")}})},
       {"spec",
        Json::object(
            {{"template",
              Json::object({{"metadata",
                             Json::object({{"annotations", revision["metadata"]["annotations"]}})},
                            {"spec", revision["spec"]}})}})}});
  ASSIGN_OR_RETURN(spec::Service parsed, spec::service_from_json(service));
  return std::move(parsed.template_);
}

/// "ready, 190 MiB, 211 modules (3 left to the program)"; empty when the API has no answer.
std::string template_words(Api& api, const std::string& revision) {
  const auto answer = api.get(thaw_path("revisions/" + revision + "/template"));
  if (!answer) return "";
  const std::string state = answer->string_or("state");
  if (state == "recording") return "recording: the next start is cold and notes what it imports";
  if (state == "recorded") return "recorded: its snapshot will be made";
  if (state == "refused") return "refused: " + answer->string_or("why");
  if (state != "ready") return state;
  return fmt::format("ready, {}, {} modules ({} left to the program)",
                     format_bytes(ByteCount{answer->int_or("sizeBytes", 0)}),
                     answer->int_or("modules", 0), answer->int_or("leftOut", 0));
}

std::string age_cell(const Json& metadata, WallTime now) {
  return age_of(metadata.string_or("creationTimestamp"), now);
}

/// What its rungs cost; null where the API does not tell.
Json rungs_of(Api& api, const Json& revision) {
  const Json& metadata = revision["metadata"];
  const std::string service = metadata["labels"].string_or("serving.knative.dev/service");
  const auto answer = api.get(service_path(service, "prices"));
  if (!answer || !(*answer)["revisions"].is_array()) return Json();
  for (const Json& each : (*answer)["revisions"].as_array()) {
    if (each.string_or("revision") == metadata.string_or("name")) return each["rungs"];
  }
  return Json::array();
}

}  // namespace

Outcome<ExitCode> revisions_list_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  std::string path = revisions_path();
  if (const auto service = words.value("service")) {
    path += "?labelSelector=" +
            http::percent_encode(fmt::format("serving.knative.dev/service={}", *service));
  }
  ASSIGN_OR_RETURN(const Json answer, api.get(path));
  const Json& items = answer["items"];
  if (context.json()) return context.print_json(items.is_array() ? items : Json::array());
  if (!items.is_array() || items.as_array().empty()) {
    context.note("No revisions.");
    return ExitCode::kOk;
  }
  Table table({{.title = "NAME"},
               {.title = "SERVICE", .may_shrink = true},
               {.title = "READY"},
               {.title = "ACTIVE"},
               {.title = "DEPLOYED"},
               {.title = "REASON", .may_shrink = true}});
  const WallTime now = context.ports.loop().wall_now();
  for (const Json& item : items.as_array()) {
    const Json* ready = condition_of(item, "Ready");
    const Json& metadata = item["metadata"];
    table.add_row({metadata.string_or("name"),
                   metadata["labels"].string_or("serving.knative.dev/service"),
                   yes_or_no(context, ready), active_word(condition_of(item, "Active")),
                   age_cell(metadata, now), ready == nullptr ? "" : ready->string_or("reason")});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> revisions_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json json, api.get(revisions_path(words.arguments()[0])));
  if (context.json()) {
    Json whole = json;
    whole.set("rungs", rungs_of(api, json));
    return context.print_json(whole);
  }
  const size_t width = context.table_width();
  const PageFormat format{.width = width == 0 ? 100 : width,
                          .style = context.out,
                          .now = context.ports.loop().wall_now()};
  const Json& metadata = json["metadata"];
  std::string page = labelled("Revision", metadata.string_or("name"), format);
  page += labelled("Service", metadata["labels"].string_or("serving.knative.dev/service"), format);
  page += labelled("Deployed", age_cell(metadata, format.now), format);
  for (const std::string_view type :
       {"Ready", "ContainerHealthy", "ResourcesAvailable", "Active"}) {
    const Json* json_condition = condition_of(json, type);
    if (json_condition == nullptr) continue;
    const spec::Condition each = typed(*json_condition);
    page += labelled(type == "ContainerHealthy"     ? "Healthy"
                     : type == "ResourcesAvailable" ? "Resources"
                                                    : type,
                     condition_text(&each, format.style), format);
  }
  const std::string wanted = metadata["annotations"].string_or("thaw.local/template", "off");
  const std::string state = wanted == "off" ? "" : template_words(api, metadata.string_or("name"));
  if (!state.empty()) page += labelled("Template", state, format);
  ASSIGN_OR_RETURN(const spec::RevisionTemplate revision, template_of(json));
  page += settings_lines(revision, format);
  const std::string rungs = rungs_text(rungs_of(api, json));
  if (!rungs.empty()) page += labelled("To first byte", rungs, format);
  return context.print(page);
}

}  // namespace thaw::cli
