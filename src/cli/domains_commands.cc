// `thaw domains map | list | describe | unmap`.
#include <fmt/format.h>

#include "cli/api.h"
#include "cli/domains_handlers.h"
#include "cli/table.h"
#include "http/query.h"
#include "spec/emit.h"

namespace thaw::cli {
namespace {

constexpr std::string_view kPath =
    "/apis/domains.cloudrun.com/v1/namespaces/default/domainmappings";

std::string path_of(std::string_view domain) {
  return fmt::format("{}/{}", kPath, http::percent_encode(domain));
}

/// The condition of that type; null when there is none.
const Json& condition_of(const Json& mapping, std::string_view type) {
  static const Json kNone;
  const Json& all = mapping["status"]["conditions"];
  if (!all.is_array()) return kNone;
  for (const Json& each : all.as_array()) {
    if (each.string_or("type") == type) return each;
  }
  return kNone;
}

std::string certificate_word(const Context& context, const Json& mapping) {
  const Json& condition = condition_of(mapping, "CertificateProvisioned");
  const std::string status = condition.string_or("status");
  const std::string until =
      mapping["metadata"]["annotations"].string_or("thaw.local/certificate-not-after");
  if (!until.empty()) return context.out.green("until " + until.substr(0, 10));
  if (status == "True") return "not automatic";
  return status == "False" ? context.out.red("failed") : context.out.yellow("pending");
}

}  // namespace

Outcome<ExitCode> domains_map_command(Context& context, const Words& words) {
  if (!words.given("service")) return usage_failure("--service is missing");
  Json spec =
      Json::object({{"routeName", words.value("service").value_or("")},
                    {"certificateMode", words.given("no-certificate") ? "NONE" : "AUTOMATIC"}});
  if (words.given("force-override")) spec.set("forceOverride", true);
  const Json wished = Json::object({{"apiVersion", "domains.cloudrun.com/v1"},
                                    {"kind", "DomainMapping"},
                                    {"metadata", Json::object({{"name", words.arguments()[0]}})},
                                    {"spec", std::move(spec)}});
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json made, api.post(kPath, wished));
  if (context.json()) return context.print_json(made);
  const std::string domain = made["metadata"].string_or("name");
  RETURN_IF_ERROR(context.print(fmt::format("Domain [{}] leads to service [{}].\n", domain,
                                            made["spec"].string_or("routeName"))));
  if (condition_of(made, "CertificateProvisioned").string_or("status") == "Unknown") {
    context.note(
        fmt::format("A certificate is being asked for; 'thaw domains describe {}' shows "
                    "how it fares.",
                    domain));
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> domains_list_command(Context& context, const Words&) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json answer, api.get(kPath));
  const Json& items = answer["items"];
  if (context.json()) return context.print_json(items.is_array() ? items : Json::array());
  if (!items.is_array() || items.as_array().empty()) {
    context.note("No domains yet; 'thaw domains map' maps one.");
    return ExitCode::kOk;
  }
  Table table({{.title = "DOMAIN", .may_shrink = true},
               {.title = "SERVICE", .may_shrink = true},
               {.title = "CERTIFICATE"}});
  for (const Json& item : items.as_array()) {
    table.add_row({item["metadata"].string_or("name"), item["spec"].string_or("routeName"),
                   certificate_word(context, item)});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> domains_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json mapping, api.get(path_of(words.arguments()[0])));
  return context.json() ? context.print_json(mapping) : context.print(spec::yaml_text(mapping));
}

Outcome<ExitCode> domains_unmap_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json unmapped = Json::array();
  for (const std::string_view domain : words.arguments()) {
    RETURN_IF_ERROR(api.remove(path_of(domain)));
    unmapped.push_back(domain);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Unmapped domain [{}].\n", domain)));
    }
  }
  return context.json() ? context.print_json(Json::object({{"unmapped", unmapped}}))
                        : ExitCode::kOk;
}

}  // namespace thaw::cli
