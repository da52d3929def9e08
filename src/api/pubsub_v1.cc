#include "api/pubsub_v1.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "api/reply.h"

namespace thaw::api {
namespace {

using messaging::Bus;
using messaging::Received;
using messaging::Spelling;

constexpr Duration kLongestPull = seconds(90);
constexpr size_t kMostPulled = 1000;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

std::string name_of(const Call& call, std::string_view kind, std::string_view part) {
  return fmt::format("projects/{}/{}/{}", call.path.at("project"), kind,
                     call.path.find(part)->second);
}
std::string topic_of(const Call& call) { return name_of(call, "topics", "topic"); }
std::string sub_of(const Call& call) { return name_of(call, "subscriptions", "subscription"); }
std::string snapshot_of(const Call& call) { return name_of(call, "snapshots", "snapshot"); }

/// "" and white space are an empty object, as clients send for calls without arguments.
Result<Json> body_of(const Call& call) {
  if (call.request.body.find_first_not_of(" \r\n\t") == std::string::npos) return Json::object();
  ASSIGN_OR_RETURN(Json json, Json::parse(call.request.body));
  if (!json.is_object()) return invalid("the body must be a JSON object");
  return json;
}

using Sync = std::function<Result<Json>(const Call& call)>;

Route route(std::string method, std::string pattern, std::vector<std::string> query,
            std::string help, Sync handler) {
  return {std::move(method), std::move(pattern), std::move(query), std::move(help),
          [handler = std::move(handler)](const Call& call, http::Responder responder) {
            const auto answer = handler(call);
            responder.answer(answer ? json_reply(*answer) : error_reply(answer.error()));
          }};
}

/// A page of `items` under `field`: those after the token, which is the last name of the page
/// before.
Result<Json> page(const Call& call, std::string_view field, Json::Array items) {
  size_t size = 1000;
  if (const auto text = call.query("pageSize"); !text.empty()) {
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (fault != std::errc() || end != text.data() + text.size()) {
      return invalid(fmt::format("pageSize: '{}' is no whole number", text));
    }
    size = std::clamp<size_t>(size == 0 ? 1000 : size, 1, 1000);
  }
  const auto name = [](const Json& item) {
    return item.is_string() ? item.as_string() : item.string_or("name");
  };
  const std::string after(call.query("pageToken"));
  Json::Array shown;
  Json json = Json::object();
  for (Json& item : items) {
    if (!after.empty() && name(item) <= after) continue;
    if (shown.size() == size) {
      json.set("nextPageToken", name(shown.back()));
      break;
    }
    shown.push_back(std::move(item));
  }
  if (!shown.empty()) json.set(field, std::move(shown));
  return json;
}

template <class T>
Json::Array shapes(const std::vector<T>& all) {
  Json::Array items;
  for (const T& each : all) items.push_back(to_json(each));
  return items;
}

Json::Array texts(const std::vector<std::string>& all) { return {all.begin(), all.end()}; }

Result<std::vector<std::string>> ack_ids_of(const Json& body) {
  std::vector<std::string> ids;
  const Json& list = body["ackIds"];
  if (!list.is_array() || list.as_array().empty()) return invalid("ackIds: is missing or empty");
  for (const Json& id : list.as_array()) {
    if (!id.is_string()) return invalid("ackIds: must be strings");
    ids.push_back(id.as_string());
  }
  return ids;
}

/// The status of an exactly-once subscription whose acks did not all take effect.
http::Response failed_acks(const Bus::Ignored& ignored) {
  Json metadata = Json::object();
  for (const std::string& id : ignored.ack_ids) {
    metadata.set(id, "PERMANENT_FAILURE_INVALID_ACK_ID");
  }
  const Json info = Json::object({{"@type", "type.googleapis.com/google.rpc.ErrorInfo"},
                                  {"reason", "INVALID_ACK_ID"},
                                  {"domain", "pubsub.googleapis.com"},
                                  {"metadata", std::move(metadata)}});
  const Json error = Json::object(
      {{"error", Json::object({{"code", 400},
                               {"message", "Some acknowledgement ids in the request were invalid."},
                               {"status", "FAILED_PRECONDITION"},
                               {"details", Json::Array{info}}})}});
  return http::Response::json(400, error.dump());
}

bool is_exactly_once(const Bus& bus, const std::string& subscription) {
  const auto found = bus.subscription(subscription);
  return found && found->acks == messaging::DeliveryRules::Acks::kExactlyOnce;
}

void publish(Bus& bus, const Call& call, http::Responder responder) {
  const auto fail = [&](const Error& error) { responder.answer(error_reply(error)); };
  const auto body = body_of(call);
  if (!body) return fail(body.error());
  if (const auto known = messaging::check_members(*body, "publish", {"messages"}); !known) {
    return fail(known.error());
  }
  const Json& list = (*body)["messages"];
  if (!list.is_array()) return fail(invalid("messages: must be an array"));
  std::vector<messaging::Message> messages;
  for (const Json& each : list.as_array()) {
    auto message = messaging::message_from_json(each, fmt::format("messages[{}]", messages.size()));
    if (!message) return fail(message.error());
    messages.push_back(*std::move(message));
  }
  auto answer = std::make_shared<http::Responder>(std::move(responder));
  bus.publish(topic_of(call), std::move(messages),
              [answer](Result<std::vector<messaging::MessageId>> ids) {
                if (!ids) return answer->answer(error_reply(ids.error()));
                Json::Array texts;
                for (const messaging::MessageId id : *ids) texts.push_back(std::to_string(id));
                answer->answer(json_reply(Json::object({{"messageIds", std::move(texts)}})));
              });
}

Json received_json(const std::vector<Received>& received) {
  Json::Array items;
  for (const Received& each : received) {
    Json item =
        Json::object({{"ackId", each.ack_id}, {"message", to_json(each.stored, Spelling::kCamel)}});
    if (each.attempt > 0) item.set("deliveryAttempt", each.attempt);
    items.push_back(std::move(item));
  }
  Json json = Json::object();
  if (!items.empty()) json.set("receivedMessages", std::move(items));
  return json;
}

Duration longest_wait(const http::Request& request) {
  const std::string_view text = request.headers.get("x-server-timeout");
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || !(value > 0)) return kLongestPull;
  return seconds(std::min(value, to_seconds(kLongestPull)));
}

/// The pull and the right to answer it, until one of the two ends.
struct WaitingPull {
  explicit WaitingPull(http::Responder r) : responder(std::move(r)) {}
  http::Responder responder;
  std::unique_ptr<Bus::PullHandle> handle;
};

void pull(Bus& bus, const Call& call, http::Responder responder) {
  const auto fail = [&](const Error& error) { responder.answer(error_reply(error)); };
  const auto body = body_of(call);
  if (!body) return fail(body.error());
  if (const auto known =
          messaging::check_members(*body, "pull", {"maxMessages", "returnImmediately"});
      !known) {
    return fail(known.error());
  }
  const int64_t most = (*body).int_or("maxMessages", 0);
  if (most < 1) return fail(invalid("maxMessages: must be a whole number of at least 1"));
  Bus::PullOptions options{.most = std::min<size_t>(static_cast<size_t>(most), kMostPulled)};
  if (!(*body).bool_or("returnImmediately", false)) options.wait = longest_wait(call.request);
  auto waiting = std::make_shared<WaitingPull>(std::move(responder));
  // The messages of an answer that nobody reads come again after their deadline.
  waiting->responder.when_gone([weak = std::weak_ptr(waiting)] {
    if (const auto gone = weak.lock()) gone->handle.reset();
  });
  const std::string name = sub_of(call);
  auto handle = bus.pull(name, options, [waiting](Result<std::vector<Received>> received) {
    waiting->responder.answer(received ? json_reply(received_json(*received))
                                       : error_reply(received.error()));
    waiting->handle.reset();
  });
  if (!handle->is_done()) waiting->handle = std::move(handle);
}

void acknowledge(Bus& bus, const Call& call, http::Responder responder) {
  const auto body = body_of(call);
  if (!body) return responder.answer(error_reply(body.error()));
  const auto ids = ack_ids_of(*body);
  if (!ids) return responder.answer(error_reply(ids.error()));
  auto answer = std::make_shared<http::Responder>(std::move(responder));
  const std::string name = sub_of(call);
  bus.acknowledge(name, *ids,
                  [answer, exact = is_exactly_once(bus, name)](Result<Bus::Ignored> ignored) {
                    if (!ignored) return answer->answer(error_reply(ignored.error()));
                    const bool failed = exact && !ignored->ack_ids.empty();
                    answer->answer(failed ? failed_acks(*ignored) : json_reply(Json::object()));
                  });
}

void modify_deadline(Bus& bus, const Call& call, http::Responder responder) {
  const auto body = body_of(call);
  if (!body) return responder.answer(error_reply(body.error()));
  const auto ids = ack_ids_of(*body);
  if (!ids) return responder.answer(error_reply(ids.error()));
  const Json& deadline = (*body)["ackDeadlineSeconds"];
  if (!deadline.is_null() && !deadline.is_int()) {
    return responder.answer(error_reply(invalid("ackDeadlineSeconds: must be a whole number")));
  }
  const std::string name = sub_of(call);
  const int left =
      static_cast<int>(std::clamp<int64_t>((*body).int_or("ackDeadlineSeconds", 0), -1, 601));
  const auto ignored = bus.modify(name, *ids, left);
  if (!ignored) return responder.answer(error_reply(ignored.error()));
  const bool failed = is_exactly_once(bus, name) && !ignored->ack_ids.empty();
  responder.answer(failed ? failed_acks(*ignored) : json_reply(Json::object()));
}

void seek(Bus& bus, const Call& call, http::Responder responder) {
  const auto fail = [&](const Error& error) { responder.answer(error_reply(error)); };
  const auto body = body_of(call);
  if (!body) return fail(body.error());
  if (const auto known = messaging::check_members(*body, "seek", {"time", "snapshot"}); !known) {
    return fail(known.error());
  }
  std::variant<WallTime, std::string> to = (*body).string_or("snapshot");
  if (const std::string text = (*body).string_or("time"); !text.empty()) {
    const auto time = parse_rfc3339(text);
    if (!time) return fail(invalid(fmt::format("time: '{}' is no RFC 3339 time", text)));
    to = *time;
  } else if (std::get<std::string>(to).empty()) {
    return fail(invalid("time or snapshot: one of them must be given"));
  }
  auto answer = std::make_shared<http::Responder>(std::move(responder));
  bus.seek(sub_of(call), std::move(to), [answer](const Status& status) {
    answer->answer(status ? json_reply(Json::object()) : error_reply(status.error()));
  });
}

template <class T>
Result<Json> shaped(const Result<T>& resource) {
  if (!resource) return resource.error();
  return to_json(*resource);
}

Result<Json> empty(const Status& status) {
  if (!status) return status.error();
  return Json::object();
}

Result<Json> update_topic(Bus& bus, const Call& call) {
  ASSIGN_OR_RETURN(const Json body, body_of(call));
  ASSIGN_OR_RETURN(const messaging::Topic old, bus.topic(topic_of(call)));
  const std::string mask = body.string_or("updateMask");
  if (mask.empty()) return invalid("updateMask: is missing: it names the fields to change");
  Json merged = to_json(old);
  for (size_t start = 0; start <= mask.size();) {
    const size_t end = std::min(mask.find(',', start), mask.size());
    std::string field = mask.substr(start, end - start);
    if (field == "message_retention_duration") field = "messageRetentionDuration";
    if (field != "labels" && field != "messageRetentionDuration") {
      return invalid(
          fmt::format("updateMask: '{}' cannot be changed; labels and "
                      "messageRetentionDuration can",
                      field));
    }
    merged.set(field, body["topic"][field]);
    start = end + 1;
  }
  ASSIGN_OR_RETURN(const messaging::Topic topic, messaging::topic_from_json(merged, old.name));
  return shaped(bus.update_topic(topic));
}

void add_topic_routes(std::vector<Route>& routes, Bus& bus) {
  const std::string all = "/v1/projects/{project}/topics", one = all + "/{topic}";
  routes.push_back(route("GET", all, {"pageSize", "pageToken"}, "topics", [&](const Call& c) {
    return page(c, "topics", shapes(bus.topics(c.path.at("project"))));
  }));
  routes.push_back(route("PUT", one, {}, "create a topic", [&](const Call& c) -> Result<Json> {
    ASSIGN_OR_RETURN(const Json body, body_of(c));
    ASSIGN_OR_RETURN(const auto topic, messaging::topic_from_json(body, topic_of(c)));
    return shaped(bus.create_topic(topic));
  }));
  routes.push_back(route("GET", one, {}, "a topic",
                         [&](const Call& c) { return shaped(bus.topic(topic_of(c))); }));
  routes.push_back(route("PATCH", one, {}, "change a topic",
                         [&](const Call& c) { return update_topic(bus, c); }));
  routes.push_back(route("DELETE", one, {}, "delete a topic; its subscriptions stay",
                         [&](const Call& c) { return empty(bus.remove_topic(topic_of(c))); }));
  routes.push_back(
      {"POST", one + ":publish", {}, "publish messages", [&](Call c, http::Responder r) {
         publish(bus, c, std::move(r));
       }});
  routes.push_back(route("GET", one + "/subscriptions", {"pageSize", "pageToken"},
                         "names of a topic's subscriptions", [&](const Call& c) -> Result<Json> {
                           ASSIGN_OR_RETURN(const auto names, bus.subscriptions_of(topic_of(c)));
                           return page(c, "subscriptions", texts(names));
                         }));
  routes.push_back(route("GET", one + "/snapshots", {"pageSize", "pageToken"},
                         "names of a topic's snapshots", [&](const Call& c) -> Result<Json> {
                           ASSIGN_OR_RETURN(const auto names, bus.snapshots_of(topic_of(c)));
                           return page(c, "snapshots", texts(names));
                         }));
}

Result<Json> update_subscription(Bus& bus, const Call& call) {
  ASSIGN_OR_RETURN(const Json body, body_of(call));
  ASSIGN_OR_RETURN(const auto old, bus.subscription(sub_of(call)));
  ASSIGN_OR_RETURN(const auto changed,
                   messaging::updated(old, body["subscription"], body.string_or("updateMask")));
  return shaped(bus.update_subscription(changed));
}

Result<Json> modify_push(Bus& bus, const Call& call) {
  ASSIGN_OR_RETURN(const Json body, body_of(call));
  ASSIGN_OR_RETURN(auto subscription, bus.subscription(sub_of(call)));
  ASSIGN_OR_RETURN(subscription.push, messaging::push_from_json(body["pushConfig"]));
  const auto updated = bus.update_subscription(subscription);
  if (!updated) return updated.error();
  return Json::object();
}

Result<Json> detach(Bus& bus, const Call& call) {
  ASSIGN_OR_RETURN(auto subscription, bus.subscription(sub_of(call)));
  subscription.state = messaging::Subscription::State::kDetached;
  const auto updated = bus.update_subscription(subscription);
  if (!updated) return updated.error();
  return Json::object();
}

void add_subscription_routes(std::vector<Route>& routes, Bus& bus) {
  const std::string all = "/v1/projects/{project}/subscriptions", one = all + "/{subscription}";
  const auto later = [&](const char* verb, const char* help, auto handler) {
    routes.push_back({"POST", one + verb, {}, help, [&bus, handler](Call c, http::Responder r) {
                        handler(bus, c, std::move(r));
                      }});
  };
  routes.push_back(
      route("GET", all, {"pageSize", "pageToken"}, "subscriptions", [&](const Call& c) {
        return page(c, "subscriptions", shapes(bus.subscriptions(c.path.at("project"))));
      }));
  routes.push_back(
      route("PUT", one, {}, "create a subscription", [&](const Call& c) -> Result<Json> {
        ASSIGN_OR_RETURN(const Json body, body_of(c));
        ASSIGN_OR_RETURN(const auto sub, messaging::subscription_from_json(body, sub_of(c)));
        return shaped(bus.create_subscription(sub));
      }));
  routes.push_back(route("GET", one, {}, "a subscription",
                         [&](const Call& c) { return shaped(bus.subscription(sub_of(c))); }));
  routes.push_back(route("PATCH", one, {}, "change a subscription",
                         [&](const Call& c) { return update_subscription(bus, c); }));
  routes.push_back(route("DELETE", one, {}, "delete a subscription",
                         [&](const Call& c) { return empty(bus.remove_subscription(sub_of(c))); }));
  later(":pull", "messages, with a lease on each", pull);
  later(":acknowledge", "take messages away for good", acknowledge);
  later(":modifyAckDeadline", "lengthen leases, or with 0 end them", modify_deadline);
  later(":seek", "go to a time or a snapshot", seek);
  routes.push_back(route("POST", one + ":modifyPushConfig", {}, "push elsewhere, or not at all",
                         [&](const Call& c) { return modify_push(bus, c); }));
  routes.push_back(route("POST", one + ":detach", {}, "take it off its topic",
                         [&](const Call& c) { return detach(bus, c); }));
}

void add_snapshot_routes(std::vector<Route>& routes, Bus& bus) {
  const std::string all = "/v1/projects/{project}/snapshots", one = all + "/{snapshot}";
  routes.push_back(route("GET", all, {"pageSize", "pageToken"}, "snapshots", [&](const Call& c) {
    return page(c, "snapshots", shapes(bus.snapshots(c.path.at("project"))));
  }));
  routes.push_back(route(
      "PUT", one, {}, "keep what a subscription has not acknowledged",
      [&](const Call& c) -> Result<Json> {
        ASSIGN_OR_RETURN(const Json body, body_of(c));
        RETURN_IF_ERROR(
            messaging::check_members(body, "snapshot", {"subscription", "labels", "tags"}));
        ASSIGN_OR_RETURN(const auto labels, messaging::strings_from_json(body["labels"], "labels"));
        return shaped(bus.create_snapshot(snapshot_of(c), body.string_or("subscription"), labels));
      }));
  routes.push_back(route("GET", one, {}, "a snapshot",
                         [&](const Call& c) { return shaped(bus.snapshot(snapshot_of(c))); }));
  routes.push_back(route("DELETE", one, {}, "delete a snapshot", [&](const Call& c) {
    return empty(bus.remove_snapshot(snapshot_of(c)));
  }));
}

void add_policy_routes(std::vector<Route>& routes, Bus& bus, const std::string& pattern,
                       std::string (*name)(const Call& call)) {
  routes.push_back(route("GET", pattern + ":getIamPolicy", {"options.requestedPolicyVersion"},
                         "the policy that was set last",
                         [&bus, name](const Call& c) { return bus.policy(name(c)); }));
  routes.push_back(route("POST", pattern + ":setIamPolicy", {}, "keep a policy; nobody is asked",
                         [&bus, name](const Call& c) -> Result<Json> {
                           ASSIGN_OR_RETURN(const Json body, body_of(c));
                           Json policy =
                               body["policy"].is_object() ? body["policy"] : Json::object();
                           policy.set("etag", "ACAB");
                           RETURN_IF_ERROR(bus.set_policy(name(c), policy));
                           return policy;
                         }));
  routes.push_back(route("POST", pattern + ":testIamPermissions", {},
                         "what the caller may do: all that it asks for",
                         [](const Call& c) -> Result<Json> {
                           ASSIGN_OR_RETURN(const Json body, body_of(c));
                           return Json::object({{"permissions", body["permissions"]}});
                         }));
}

}  // namespace

std::vector<Route> pubsub_v1_routes(Bus& bus) {
  std::vector<Route> routes;
  add_topic_routes(routes, bus);
  add_subscription_routes(routes, bus);
  add_snapshot_routes(routes, bus);
  add_policy_routes(routes, bus, "/v1/projects/{project}/topics/{topic}", topic_of);
  add_policy_routes(routes, bus, "/v1/projects/{project}/subscriptions/{subscription}", sub_of);
  add_policy_routes(routes, bus, "/v1/projects/{project}/snapshots/{snapshot}", snapshot_of);
  return routes;
}

}  // namespace thaw::api
