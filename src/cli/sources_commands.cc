// `thaw sources create | list | describe | delete`.
#include <fmt/format.h>

#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/table.h"
#include "http/query.h"
#include "spec/emit.h"

namespace thaw::cli {
namespace {

std::string source_path(std::string_view name) {
  return thaw_path("sources/" + http::percent_encode(name));
}

void put_text(const Words& words, std::string_view flag, std::string_view field, Json& json) {
  if (const auto value = words.value(flag)) json.set(field, *value);
}

/// The duration as the API takes it: parsed here, so that a fault names the flag.
Outcome<ExitCode> put_duration(const Words& words, std::string_view flag, std::string_view field,
                               Json& json) {
  ASSIGN_OR_RETURN(const auto value, words.duration(flag));
  if (value) {
    json.set(field, fmt::format("{}ms", value->count() / 1'000'000));
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> put_number(const Words& words, std::string_view flag, std::string_view field,
                             IntRange range, Json& json) {
  ASSIGN_OR_RETURN(const auto value, words.integer(flag, range));
  if (value) json.set(field, *value);
  return ExitCode::kOk;
}

Outcome<Json> source_of(const Words& words) {
  Json redis = Json::object({{"address", words.value("redis-address").value_or("127.0.0.1:6379")}});
  RETURN_IF_ERROR(put_number(words, "redis-database", "database", {0, 1'000'000}, redis));
  put_text(words, "redis-user", "user", redis);
  put_text(words, "redis-password-file", "passwordFile", redis);
  put_text(words, "redis-password-env", "passwordEnv", redis);
  Json json = Json::object({{"name", words.arguments()[0]}, {"redis", std::move(redis)}});
  for (const std::string_view flag : {"service", "stream"}) {
    if (!words.given(flag)) return usage_failure(fmt::format("--{} is missing", flag));
    put_text(words, flag, flag, json);
  }
  json.set("group", words.value("group").value_or("thaw"));
  put_text(words, "path", "path", json);
  put_text(words, "format", "format", json);
  put_text(words, "dead-letter-stream", "deadLetterStream", json);
  put_text(words, "ordering-field", "orderingField", json);
  put_text(words, "data-field", "dataField", json);
  put_text(words, "data-content-type", "dataContentType", json);
  RETURN_IF_ERROR(put_number(words, "batch", "batch", {1, 1000}, json));
  RETURN_IF_ERROR(put_number(words, "max-in-flight", "maxInFlight", {1, 1000}, json));
  RETURN_IF_ERROR(put_number(words, "max-attempts", "maxAttempts", {1, 1000}, json));
  RETURN_IF_ERROR(put_duration(words, "min-backoff", "minBackoff", json));
  RETURN_IF_ERROR(put_duration(words, "max-backoff", "maxBackoff", json));
  RETURN_IF_ERROR(put_duration(words, "timeout", "timeout", json));
  RETURN_IF_ERROR(put_duration(words, "claim-after", "claimAfter", json));
  return json;
}

}  // namespace

Outcome<ExitCode> sources_create_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const Json wished, source_of(words));
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json made, api.post(thaw_path("sources"), wished));
  if (context.json()) return context.print_json(made);
  return context.print(fmt::format("Source [{}] reads stream [{}] for service [{}].\n",
                                   made.string_or("name"), made.string_or("stream"),
                                   made.string_or("service")));
}

Outcome<ExitCode> sources_list_command(Context& context, const Words&) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json answer, api.get(thaw_path("sources")));
  const Json& items = answer["sources"];
  if (context.json()) return context.print_json(items.is_array() ? items : Json::array());
  if (!items.is_array() || items.as_array().empty()) {
    context.note("No sources yet; 'thaw sources create' makes one.");
    return ExitCode::kOk;
  }
  Table table({{.title = "NAME"},
               {.title = "SERVICE", .may_shrink = true},
               {.title = "STREAM", .may_shrink = true},
               {.title = "STATE"},
               {.title = "DELIVERED"},
               {.title = "DEAD"}});
  for (const Json& item : items.as_array()) {
    const Json& status = item["status"];
    const std::string state = status.string_or("state");
    table.add_row({item.string_or("name"), item.string_or("service"), item.string_or("stream"),
                   state == "reading" ? context.out.green(state) : context.out.yellow(state),
                   std::to_string(status.int_or("delivered", 0)),
                   std::to_string(status.int_or("deadLettered", 0))});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> sources_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json source, api.get(source_path(words.arguments()[0])));
  return context.json() ? context.print_json(source) : context.print(spec::yaml_text(source));
}

Outcome<ExitCode> sources_delete_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json deleted = Json::array();
  for (const std::string_view name : words.arguments()) {
    RETURN_IF_ERROR(api.remove(source_path(name)));
    deleted.push_back(name);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Deleted source [{}].\n", name)));
    }
  }
  return context.json() ? context.print_json(Json::object({{"deleted", deleted}})) : ExitCode::kOk;
}

}  // namespace thaw::cli
