// `thaw topics`, `subscriptions`, `publish` and `pull`: Pub/Sub without Google's tools.
#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "cli/api.h"
#include "cli/messaging_handlers.h"
#include "cli/table.h"
#include "http/query.h"
#include "spec/emit.h"

namespace thaw::cli {
namespace {

constexpr ByteCount kLargestMessage = mib(10);

std::string project_of(const Words& words) {
  return std::string(words.value("project").value_or("thaw"));
}

/// "landed" or "projects/P/topics/landed" as the full name.
std::string full_name(const Words& words, std::string_view collection, std::string_view name) {
  if (name.starts_with("projects/")) return std::string(name);
  return fmt::format("projects/{}/{}/{}", project_of(words), collection, name);
}

/// Each part escaped, the slashes between them kept.
std::string path_of(std::string_view full) {
  std::string path = "/v1";
  for (const std::string_view part : split(full, '/')) path += "/" + http::percent_encode(part);
  return path;
}

std::string short_name(const std::string& full) { return full.substr(full.rfind('/') + 1); }

Outcome<Json::Array> list_all(Api& api, const std::string& path, std::string_view key) {
  Json::Array all;
  std::string token;
  do {
    const std::string query = token.empty()
                                  ? "?pageSize=1000"
                                  : "?pageSize=1000&pageToken=" + http::percent_encode(token);
    ASSIGN_OR_RETURN(const Json page, api.get(path + query));
    if (page[key].is_array()) {
      for (const Json& item : page[key].as_array()) all.push_back(item);
    }
    token = page.string_or("nextPageToken");
  } while (!token.empty());
  return all;
}

/// KEY=VALUE of each flag of that name.
Outcome<Json> pairs_of(const Words& words, std::string_view flag) {
  Json pairs = Json::object();
  for (const std::string_view pair : words.values(flag)) {
    const size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return usage_failure(fmt::format("--{} {}: KEY=VALUE is wanted", flag, pair));
    }
    pairs.set(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return pairs;
}

Outcome<ExitCode> delete_each(Context& context, const Words& words, std::string_view collection,
                              std::string_view word) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json deleted = Json::array();
  for (const std::string_view name : words.arguments()) {
    const std::string full = full_name(words, collection, name);
    RETURN_IF_ERROR(api.remove(path_of(full)));
    deleted.push_back(full);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Deleted {} [{}].\n", word, short_name(full))));
    }
  }
  return context.json() ? context.print_json(Json::object({{"deleted", deleted}})) : ExitCode::kOk;
}

Outcome<Json> subscription_of(Api& api, const Words& words) {
  Json body = Json::object({{"topic", full_name(words, "topics", *words.value("topic"))}});
  if (const auto endpoint = words.value("push-endpoint")) {
    body.set("pushConfig", Json::object({{"pushEndpoint", *endpoint}}));
  }
  if (const auto service = words.value("push-service")) {
    ASSIGN_OR_RETURN(const Json found, api.get(services_path(*service)));
    const std::string path(words.value("push-path").value_or("/"));
    body.set("pushConfig",
             Json::object({{"pushEndpoint", found["status"].string_or("url") + path}}));
  }
  ASSIGN_OR_RETURN(const auto deadline, words.integer("ack-deadline", {10, 600}));
  if (deadline) body.set("ackDeadlineSeconds", *deadline);
  if (words.is_on("enable-message-ordering")) body.set("enableMessageOrdering", true);
  if (words.is_on("enable-exactly-once-delivery")) body.set("enableExactlyOnceDelivery", true);
  if (const auto filter = words.value("message-filter")) body.set("filter", *filter);
  ASSIGN_OR_RETURN(const auto attempts, words.integer("max-delivery-attempts", {5, 100}));
  const auto dead = words.value("dead-letter-topic");
  if (attempts && !dead) {
    return usage_failure("--max-delivery-attempts goes with --dead-letter-topic");
  }
  if (dead) {
    Json policy = Json::object({{"deadLetterTopic", full_name(words, "topics", *dead)}});
    if (attempts) policy.set("maxDeliveryAttempts", *attempts);
    body.set("deadLetterPolicy", std::move(policy));
  }
  return body;
}

}  // namespace

Outcome<ExitCode> topics_create_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  for (const std::string_view name : words.arguments()) {
    const std::string full = full_name(words, "topics", name);
    ASSIGN_OR_RETURN(const Json made, api.put(path_of(full), Json::object()));
    if (context.json()) RETURN_IF_ERROR(context.print_json(made));
    context.note(fmt::format("Created topic [{}].", full));
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> topics_list_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string path = fmt::format("/v1/projects/{}/topics", project_of(words));
  ASSIGN_OR_RETURN(const Json::Array all, list_all(api, path, "topics"));
  if (context.json()) return context.print_json(Json(all));
  if (all.empty()) return context.print("No topics.\n");
  std::string text;
  for (const Json& topic : all) text += short_name(topic.string_or("name")) + "\n";
  return context.print(text);
}

Outcome<ExitCode> topics_delete_command(Context& context, const Words& words) {
  return delete_each(context, words, "topics", "topic");
}

Outcome<ExitCode> subscriptions_create_command(Context& context, const Words& words) {
  if (!words.value("topic")) return usage_failure("--topic TOPIC is wanted");
  if (words.value("push-service") && words.value("push-endpoint")) {
    return usage_failure("one of --push-service and --push-endpoint is wanted");
  }
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json body, subscription_of(api, words));
  const std::string full = full_name(words, "subscriptions", words.arguments()[0]);
  ASSIGN_OR_RETURN(const Json made, api.put(path_of(full), body));
  if (context.json()) return context.print_json(made);
  context.note(fmt::format("Created subscription [{}].", full));
  return ExitCode::kOk;
}

Outcome<ExitCode> subscriptions_list_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string path = fmt::format("/v1/projects/{}/subscriptions", project_of(words));
  ASSIGN_OR_RETURN(const Json::Array all, list_all(api, path, "subscriptions"));
  if (context.json()) return context.print_json(Json(all));
  if (all.empty()) return context.print("No subscriptions.\n");
  Table table({{.title = "NAME"},
               {.title = "TOPIC"},
               {.title = "PUSHES TO", .may_shrink = true},
               {.title = "DEAD LETTERS"}});
  for (const Json& each : all) {
    table.add_row(
        {short_name(each.string_or("name")), short_name(each.string_or("topic")),
         escape_controls(each["pushConfig"].string_or("pushEndpoint", "-"), Keep::kNothing),
         short_name(each["deadLetterPolicy"].string_or("deadLetterTopic", "-"))});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> subscriptions_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string full = full_name(words, "subscriptions", words.arguments()[0]);
  ASSIGN_OR_RETURN(const Json found, api.get(path_of(full)));
  return context.json() ? context.print_json(found) : context.print(spec::yaml_text(found));
}

Outcome<ExitCode> subscriptions_delete_command(Context& context, const Words& words) {
  return delete_each(context, words, "subscriptions", "subscription");
}

Outcome<ExitCode> publish_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Json attributes, pairs_of(words, "attribute"));
  const auto lines = words.is_on("lines");
  std::vector<std::string> texts;
  if (words.arguments().size() > 1 && !lines) {
    for (size_t i = 1; i < words.arguments().size(); ++i) {
      texts.emplace_back(words.arguments()[i]);
    }
  } else if (words.arguments().size() == 1) {
    auto input = context.terminal.read_input(kLargestMessage);
    if (!input) return Failure(ExitCode::kFailed, std::move(input).error());
    if (!lines) {
      texts.push_back(*std::move(input));
    } else {
      for (const std::string_view line : split(*input, '\n')) {
        if (!line.empty()) texts.emplace_back(line);
      }
    }
  } else {
    return usage_failure("--lines reads standard input: give no MESSAGE with it");
  }
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string path = path_of(full_name(words, "topics", words.arguments()[0])) + ":publish";
  constexpr size_t kMostAtOnce = 100;
  Json ids = Json::array();
  for (size_t start = 0; start < texts.size(); start += kMostAtOnce) {
    Json messages = Json::array();
    for (size_t i = start; i < std::min(start + kMostAtOnce, texts.size()); ++i) {
      Json message = Json::object({{"data", base64(texts[i])}});
      if (!attributes.as_object().empty()) message.set("attributes", attributes);
      if (const auto key = words.value("ordering-key")) message.set("orderingKey", *key);
      messages.push_back(std::move(message));
    }
    ASSIGN_OR_RETURN(const Json done, api.post(path, Json::object({{"messages", messages}})));
    for (const Json& id : done["messageIds"].as_array()) ids.push_back(id);
  }
  if (context.json()) return context.print_json(Json::object({{"messageIds", ids}}));
  std::string text;
  for (const Json& id : ids.as_array()) text += id.as_string() + "\n";
  return context.print(text);
}

namespace {

Outcome<ExitCode> show_pulled(const Context& context, const Json::Array& received) {
  if (context.json()) return context.print_json(Json(received));
  std::string text;
  for (const Json& each : received) {
    const Json& message = each["message"];
    const auto data = from_base64(message.string_or("data"));
    std::string line = data ? *data : "";
    text += escape_controls(line, Keep::kLinesAndTabs);
    if (!text.ends_with('\n')) text += '\n';
    std::string marks = "id " + message.string_or("messageId");
    if (!message.string_or("orderingKey").empty()) {
      marks += ", key " + message.string_or("orderingKey");
    }
    if (message["attributes"].is_object()) {
      for (const auto& [key, value] : message["attributes"].as_object()) {
        marks += fmt::format(", {}={}", key, value.is_string() ? value.as_string() : "");
      }
    }
    context.note(context.err.dim(escape_controls(marks, Keep::kNothing)));
  }
  return context.print(text);
}

}  // namespace

Outcome<ExitCode> pull_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const auto most, words.integer("limit", {1, 1000}));
  ASSIGN_OR_RETURN(const auto wait, words.duration("wait"));
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string path = path_of(full_name(words, "subscriptions", words.arguments()[0]));
  Json request = Json::object({{"maxMessages", most.value_or(1)}});
  if (!wait) request.set("returnImmediately", true);
  api.set_timeout(wait.value_or(Duration(0)) + seconds(30));
  const Instant deadline = context.ports.loop().now() + wait.value_or(Duration(0));
  Json::Array received;
  // A waiting pull is answered with nothing now and then; the caller's patience counts.
  do {
    ASSIGN_OR_RETURN(const Json answer, api.post(path + ":pull", request));
    if (answer["receivedMessages"].is_array()) received = answer["receivedMessages"].as_array();
  } while (received.empty() && wait && context.ports.loop().now() < deadline);
  RETURN_IF_ERROR(show_pulled(context, received));
  if (received.empty() || words.is_on("no-ack")) return ExitCode::kOk;
  // Acknowledged only after it was printed: what nobody saw comes again.
  Json ids = Json::array();
  for (const Json& each : received) ids.push_back(each.string_or("ackId"));
  RETURN_IF_ERROR(api.post(path + ":acknowledge", Json::object({{"ackIds", ids}})));
  return ExitCode::kOk;
}

}  // namespace thaw::cli
