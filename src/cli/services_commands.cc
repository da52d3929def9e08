// `thaw services list | describe | delete | usage`.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "cli/api.h"
#include "cli/deploy_wait.h"
#include "cli/handlers.h"
#include "cli/service_page.h"
#include "cli/table.h"
#include "http/query.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

constexpr int kLinesSearchedForEvents = 1000;

std::string ready_word(const spec::Condition* ready) {
  if (ready == nullptr || ready->status == spec::ConditionStatus::kUnknown) return "not yet";
  return ready->status == spec::ConditionStatus::kTrue ? "yes" : "no";
}

Json without(const Json& object, std::initializer_list<std::string_view> keys) {
  Json rest = Json::object();
  if (!object.is_object()) return rest;
  for (const auto& [key, value] : object.as_object()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) rest.set(key, value);
  }
  return rest;
}

/// The service without what the platform wrote: what deploys the same again. Without the
/// revision's name too, which would be taken as soon as anything is changed.
Json exported(const Json& service) {
  Json bare = without(service, {"status"});
  bare.set("metadata", without(service["metadata"], {"uid", "resourceVersion", "generation",
                                                     "creationTimestamp", "selfLink"}));
  Json revision = service["spec"]["template"];
  revision.set("metadata", without(revision["metadata"], {"name"}));
  Json spec = service["spec"];
  spec.set("template", std::move(revision));
  bare.set("spec", std::move(spec));
  return bare;
}

/// A part of the page that is missing does not spoil the rest.
Json get_or_null(Api& api, const std::string& path) {
  auto json = api.get(path);
  return json ? *std::move(json) : Json();
}

Json array_of(Json json, std::string_view member) {
  return json.is_object() ? json[member] : std::move(json);
}

/// The log lines that the platform itself wrote about the service.
std::vector<Json> events_of(Api& api, std::string_view service) {
  std::vector<Json> events;
  const std::string path =
      service_path(service, fmt::format("logs?tail={}", kLinesSearchedForEvents));
  const auto all_read = api.lines(path, seconds(30), [&](std::string_view line) {
    auto json = Json::parse(line);
    if (json && json->string_or("stream") == "platform") events.push_back(*std::move(json));
    return true;
  });
  if (!all_read) events.clear();
  return events;
}

Json instances_of(Api& api, std::string_view service) {
  const Json all = array_of(get_or_null(api, thaw_path("instances")), "instances");
  if (!all.is_array()) return Json();
  Json own = Json::array();
  for (const Json& instance : all.as_array()) {
    if (instance.string_or("service") == service) own.push_back(instance);
  }
  return own;
}

ServiceFacts facts_of(Api& api, spec::Service service) {
  const std::string name = service.metadata.name;
  return {.service = std::move(service),
          .instances = instances_of(api, name),
          .starts = array_of(get_or_null(api, service_path(name, "starts")), "starts"),
          .usage = get_or_null(api, service_path(name, "usage")),
          .prices = array_of(get_or_null(api, service_path(name, "prices")), "revisions"),
          .events = events_of(api, name)};
}

Outcome<ExitCode> print_details(Context& context, Api& api, const Json& json,
                                const ServiceFacts& facts) {
  const std::string name = facts.service.metadata.name;
  const Json revisions = get_or_null(
      api, revisions_path() +
               "?labelSelector=" + http::percent_encode("serving.knative.dev/service=" + name));
  return context.print_json(Json::object({{"service", json},
                                          {"revisions", revisions["items"]},
                                          {"instances", facts.instances},
                                          {"starts", facts.starts},
                                          {"usage", facts.usage},
                                          {"prices", facts.prices},
                                          {"logs", Json(Json::Array(facts.events))}}));
}

}  // namespace

static Outcome<ExitCode> list_all(Context& context, spec::ServiceKind kind) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json answer, api.get(deployed_path(kind)));
  const Json& items = answer["items"];
  if (context.json()) return context.print_json(items.is_array() ? items : Json::array());
  if (!items.is_array() || items.as_array().empty()) {
    context.note(kind == spec::ServiceKind::kService
                     ? "No services yet; 'thaw deploy FILE' makes one."
                     : "No worker pools yet; 'thaw worker-pools deploy FILE' makes one.");
    return ExitCode::kOk;
  }
  Table table({{.title = "NAME"},
               {.title = "READY"},
               {.title = "REVISION", .may_shrink = true},
               {.title = "URL", .may_shrink = true},
               {.title = "CREATED"}});
  const WallTime now = context.ports.loop().wall_now();
  for (const Json& item : items.as_array()) {
    ASSIGN_OR_RETURN(const spec::Service service, spec::service_from_json(item));
    const spec::Condition* ready = condition(service, "Ready");
    const std::string word = ready_word(ready);
    const std::string age = service.metadata.creation_timestamp
                                ? format_age(to_seconds(now - *service.metadata.creation_timestamp))
                                : "";
    table.add_row({service.metadata.name,
                   word == "yes"  ? context.out.green(word)
                   : word == "no" ? context.out.red(word)
                                  : context.out.yellow(word),
                   service.status.latest_ready_revision_name, service.status.url, age});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> services_list_command(Context& context, const Words&) {
  return list_all(context, spec::ServiceKind::kService);
}

Outcome<ExitCode> worker_pools_list_command(Context& context, const Words&) {
  return list_all(context, spec::ServiceKind::kWorkerPool);
}

Outcome<ExitCode> worker_pools_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json json, api.get(worker_pools_path(words.arguments()[0])));
  return context.json() ? context.print_json(json) : context.print(spec::yaml_text(json));
}

Outcome<ExitCode> services_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json json, api.get(services_path(words.arguments()[0])));
  if (words.is_on("export")) {
    return context.json() ? context.print_json(exported(json))
                          : context.print(spec::yaml_text(exported(json)));
  }
  if (context.json() && !words.is_on("details")) return context.print_json(json);
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(json));
  const ServiceFacts facts = facts_of(api, std::move(service));
  if (context.json()) return print_details(context, api, json, facts);
  const size_t width = context.table_width();
  return context.print(service_page(facts, {.width = width == 0 ? 100 : width,
                                            .style = context.out,
                                            .now = context.ports.loop().wall_now()}));
}

Outcome<ExitCode> services_usage_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string name(words.arguments()[0]);
  ASSIGN_OR_RETURN(const Json usage, api.get(service_path(name, "usage")));
  if (context.json()) return context.print_json(usage);
  return context.print(fmt::format("{}: {}\n", name, usage_text(usage)));
}

/// Deletes all that are named; the first failure ends it.
static Outcome<ExitCode> delete_all(Context& context, const Words& words, std::string_view what,
                                    std::string (*path)(std::string_view)) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json deleted = Json::array();
  for (const std::string_view name : words.arguments()) {
    RETURN_IF_ERROR(api.remove(path(name)));
    deleted.push_back(name);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Deleted {} [{}].\n", what, name)));
    }
  }
  return context.json() ? context.print_json(Json::object({{"deleted", deleted}})) : ExitCode::kOk;
}

Outcome<ExitCode> services_delete_command(Context& context, const Words& words) {
  return delete_all(context, words, "service", services_path);
}

Outcome<ExitCode> worker_pools_delete_command(Context& context, const Words& words) {
  return delete_all(context, words, "worker pool", worker_pools_path);
}

Outcome<ExitCode> revisions_delete_command(Context& context, const Words& words) {
  return delete_all(context, words, "revision", revisions_path);
}

}  // namespace thaw::cli
