#include "api/pubsub_v1.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "api/reply.h"

namespace thaw::api {
namespace {

using pubsub_api::Answer;
using pubsub_api::Fault;
using pubsub_api::Service;

constexpr std::string_view kProject = "/v1/projects/{project}";
constexpr std::string_view kTopic = "/v1/projects/{project}/topics/{topic}";
constexpr std::string_view kSubscription = "/v1/projects/{project}/subscriptions/{subscription}";
constexpr std::string_view kSnapshot = "/v1/projects/{project}/snapshots/{snapshot}";
constexpr std::string_view kSchema = "/v1/projects/{project}/schemas/{schema}";

/// How a method of google/pubsub/v1/pubsub.proto looks over REST (its google.api.http options).
/// The request is the body, with the name that the path holds put into `name_field`.
struct Rest {
  std::string_view http_method;
  std::string_view resource;    // kTopic...
  std::string_view rest;        // behind it: ":publish"
  std::string_view rpc;         // "Publisher.Publish"
  std::string_view name_field;  // "topic", or "topic.name": of the topic in the body
  std::string_view help;
};

constexpr Rest kRest[] = {
    {"GET", kProject, "/topics", "Publisher.ListTopics", "project", "topics"},
    {"PUT", kTopic, "", "Publisher.CreateTopic", "name", "create a topic"},
    {"GET", kTopic, "", "Publisher.GetTopic", "topic", "a topic"},
    {"PATCH", kTopic, "", "Publisher.UpdateTopic", "topic.name", "change a topic"},
    {"DELETE", kTopic, "", "Publisher.DeleteTopic", "topic",
     "delete a topic; its subscriptions stay"},
    {"POST", kTopic, ":publish", "Publisher.Publish", "topic", "publish messages"},
    {"GET", kTopic, "/subscriptions", "Publisher.ListTopicSubscriptions", "topic",
     "names of a topic's subscriptions"},
    {"GET", kTopic, "/snapshots", "Publisher.ListTopicSnapshots", "topic",
     "names of a topic's snapshots"},
    {"GET", kProject, "/subscriptions", "Subscriber.ListSubscriptions", "project", "subscriptions"},
    {"PUT", kSubscription, "", "Subscriber.CreateSubscription", "name", "create a subscription"},
    {"GET", kSubscription, "", "Subscriber.GetSubscription", "subscription", "a subscription"},
    {"PATCH", kSubscription, "", "Subscriber.UpdateSubscription", "subscription.name",
     "change a subscription"},
    {"DELETE", kSubscription, "", "Subscriber.DeleteSubscription", "subscription",
     "delete a subscription"},
    {"POST", kSubscription, ":pull", "Subscriber.Pull", "subscription",
     "messages, with a lease on each"},
    {"POST", kSubscription, ":acknowledge", "Subscriber.Acknowledge", "subscription",
     "take messages away for good"},
    {"POST", kSubscription, ":modifyAckDeadline", "Subscriber.ModifyAckDeadline", "subscription",
     "lengthen leases, or with 0 end them"},
    {"POST", kSubscription, ":seek", "Subscriber.Seek", "subscription",
     "go to a time or a snapshot"},
    {"POST", kSubscription, ":modifyPushConfig", "Subscriber.ModifyPushConfig", "subscription",
     "push elsewhere, or not at all"},
    {"POST", kSubscription, ":detach", "Publisher.DetachSubscription", "subscription",
     "take it off its topic"},
    {"GET", kProject, "/snapshots", "Subscriber.ListSnapshots", "project", "snapshots"},
    {"PUT", kSnapshot, "", "Subscriber.CreateSnapshot", "name",
     "keep what a subscription has not acknowledged"},
    {"GET", kSnapshot, "", "Subscriber.GetSnapshot", "snapshot", "a snapshot"},
    {"PATCH", kSnapshot, "", "Subscriber.UpdateSnapshot", "snapshot.name", "change a snapshot"},
    {"DELETE", kSnapshot, "", "Subscriber.DeleteSnapshot", "snapshot", "delete a snapshot"},
    {"GET", kProject, "/schemas", "SchemaService.ListSchemas", "parent", "schemas: there are none"},
    {"POST", kProject, "/schemas", "SchemaService.CreateSchema", "parent",
     "refused: Thaw keeps no schemas"},
    {"POST", kProject, "/schemas:validate", "SchemaService.ValidateSchema", "parent",
     "refused likewise"},
    {"POST", kProject, "/schemas:validateMessage", "SchemaService.ValidateMessage", "parent",
     "refused likewise"},
    {"GET", kSchema, "", "SchemaService.GetSchema", "name", "refused likewise"},
    {"DELETE", kSchema, "", "SchemaService.DeleteSchema", "name", "refused likewise"},
    {"POST", kSchema, ":commit", "SchemaService.CommitSchema", "name", "refused likewise"},
    {"POST", kSchema, ":rollback", "SchemaService.RollbackSchema", "name", "refused likewise"},
    {"GET", kSchema, ":listRevisions", "SchemaService.ListSchemaRevisions", "name",
     "refused likewise"},
    {"DELETE", kSchema, ":deleteRevision", "SchemaService.DeleteSchemaRevision", "name",
     "refused likewise"},
};

/// "projects/P/topics/T": what the path names, of the kind that the route is for.
std::string name_of(const Call& call, std::string_view resource) {
  std::string name = "projects/" + call.path.at("project");
  for (const auto& [pattern, kind, part] :
       {std::tuple(kTopic, "topics", "topic"), std::tuple(kSchema, "schemas", "schema"),
        std::tuple(kSubscription, "subscriptions", "subscription"),
        std::tuple(kSnapshot, "snapshots", "snapshot")}) {
    if (pattern == resource) name += fmt::format("/{}/{}", kind, call.path.find(part)->second);
  }
  return name;
}

/// "" and white space are an empty object, as clients send for calls without arguments.
Result<Json> body_of(const Call& call) {
  if (call.request.body.find_first_not_of(" \r\n\t") == std::string::npos) return Json::object();
  ASSIGN_OR_RETURN(Json json, Json::parse(call.request.body));
  if (!json.is_object()) return Error(Code::kInvalidArgument, "the body must be a JSON object");
  return json;
}

bool is_of_schemas(const Rest& rest) {
  return rest.rpc.starts_with("SchemaService.") && rest.rpc != "SchemaService.ListSchemas";
}

Result<Json> request_of(const Call& call, const Rest& rest) {
  ASSIGN_OR_RETURN(Json request, body_of(call));
  if (is_of_schemas(rest)) request = Json::object();  // refused whatever it is
  const std::string name = name_of(call, rest.resource);
  const size_t dot = rest.name_field.find('.');
  if (dot == std::string_view::npos) {
    request.set(rest.name_field, name);
  } else {
    const std::string_view outer = rest.name_field.substr(0, dot);
    Json inner = request[outer].is_object() ? request[outer] : Json::object();
    inner.set(rest.name_field.substr(dot + 1), name);
    request.set(outer, std::move(inner));
  }
  if (const auto text = call.query("pageSize"); !text.empty()) {
    int size = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (fault != std::errc() || end != text.data() + text.size()) {
      return Error(Code::kInvalidArgument, fmt::format("pageSize: '{}' is no whole number", text));
    }
    request.set("pageSize", size);
  }
  if (const auto token = call.query("pageToken"); !token.empty()) request.set("pageToken", token);
  return request;
}

Duration longest_wait(const http::Request& request) {
  const std::string_view text = request.headers.get("x-server-timeout");
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || !(value > 0)) return Service::kLongestPull;
  return seconds(std::min(value, to_seconds(Service::kLongestPull)));
}

/// A call and the right to answer it, until one of the two ends.
struct Waiting {
  explicit Waiting(http::Responder r) : responder(std::move(r)) {}
  http::Responder responder;
  Service::Pending pending;
  enum class Phase { kOpen, kAnswered } phase = Phase::kOpen;
};

http::Response reply_to(const Answer<Json>& answer) {
  if (answer) return json_reply(*answer);
  return error_reply(answer.error().error, answer.error().details());
}

void handle(Service& service, const Rest& rest, const Call& call, http::Responder responder) {
  const auto request = request_of(call, rest);
  if (!request) return responder.answer(error_reply(request.error()));
  auto waiting = std::make_shared<Waiting>(std::move(responder));
  // The messages of an answer that nobody reads come again after their deadline.
  waiting->responder.when_gone([weak = std::weak_ptr(waiting)] {
    if (const auto gone = weak.lock()) gone->pending.reset();
  });
  auto pending = service.call(rest.rpc, *request, {.longest_wait = longest_wait(call.request)},
                              [waiting](const Answer<Json>& answer) {
                                waiting->phase = Waiting::Phase::kAnswered;
                                waiting->responder.answer(reply_to(answer));
                                waiting->pending.reset();
                              });
  if (waiting->phase == Waiting::Phase::kOpen) waiting->pending = std::move(pending);
}

void add_policy_routes(std::vector<Route>& routes, Service& service, std::string_view resource) {
  static constexpr Rest kPolicy[] = {
      {"GET", "", ":getIamPolicy", "IAMPolicy.GetIamPolicy", "resource",
       "the policy that was set last"},
      {"POST", "", ":setIamPolicy", "IAMPolicy.SetIamPolicy", "resource",
       "keep a policy; nobody is asked"},
      {"POST", "", ":testIamPermissions", "IAMPolicy.TestIamPermissions", "resource",
       "what the caller may do: all that it asks for"},
  };
  for (const Rest& policy : kPolicy) {
    Rest rest = policy;
    rest.resource = resource;
    std::vector<std::string> query;
    if (rest.http_method == "GET") query = {"options.requestedPolicyVersion"};
    routes.push_back({std::string(rest.http_method), fmt::format("{}{}", resource, rest.rest),
                      std::move(query), std::string(rest.help),
                      [&service, rest](Call call, http::Responder responder) {
                        handle(service, rest, call, std::move(responder));
                      }});
  }
}

}  // namespace

std::vector<Route> pubsub_v1_routes(pubsub_api::Service& service) {
  std::vector<Route> routes;
  for (const Rest& rest : kRest) {
    std::vector<std::string> query;
    if (rest.rpc.find(".List") != std::string_view::npos) query = {"pageSize", "pageToken"};
    if (rest.resource == kSchema || rest.rest == "/schemas") query.push_back("view");
    if (rest.rpc == "SchemaService.CreateSchema") query.push_back("schemaId");
    if (rest.rpc == "SchemaService.DeleteSchemaRevision") query.push_back("revisionId");
    routes.push_back({std::string(rest.http_method), fmt::format("{}{}", rest.resource, rest.rest),
                      std::move(query), std::string(rest.help),
                      [&service, &rest](Call call, http::Responder responder) {
                        handle(service, rest, call, std::move(responder));
                      }});
  }
  for (const std::string_view resource : {kTopic, kSubscription, kSnapshot}) {
    add_policy_routes(routes, service, resource);
  }
  return routes;
}

}  // namespace thaw::api
