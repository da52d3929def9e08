#include "pubsub_api/methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "messaging/names.h"

namespace thaw::pubsub_api {
namespace {

using messaging::Bus;

constexpr size_t kLargestPage = 1000;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

/// A page of `items` under `field`: those after the token, which is the last name of the page
/// before.
Result<Json> page(const Json& request, std::string_view field, Json::Array items) {
  const int64_t asked = request.int_or("pageSize", 0);
  if (asked < 0) return invalid(fmt::format("pageSize: {} is negative", asked));
  const size_t size = asked == 0 ? kLargestPage : std::min<size_t>(asked, kLargestPage);
  const auto name = [](const Json& item) {
    return item.is_string() ? item.as_string() : item.string_or("name");
  };
  const std::string after = request.string_or("pageToken");
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

template <class T>
Result<Json> shaped(const Result<T>& resource) {
  if (!resource) return resource.error();
  return to_json(*resource);
}

Result<Json> empty(const Status& status) {
  if (!status) return status.error();
  return Json::object();
}

Result<std::string> project_in(const Json& request) {
  const std::string name = request.string_or("project");
  const std::string project(messaging::project_of(name));
  if (!project.empty() && name == "projects/" + project) return project;
  return invalid(fmt::format("project: '{}' must be projects/PROJECT", name));
}

// ---- topics ----

Result<Json> create_topic(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const auto topic,
                   messaging::topic_from_json(request, request.string_or("name")));
  return shaped(bus.create_topic(topic));
}

Result<Json> update_topic(Bus& bus, const Json& request) {
  const Json& changed = request["topic"];
  ASSIGN_OR_RETURN(const messaging::Topic old, bus.topic(changed.string_or("name")));
  ASSIGN_OR_RETURN(const auto topic,
                   messaging::updated(old, changed, request.string_or("updateMask")));
  return shaped(bus.update_topic(topic));
}

Result<Json> get_topic(Bus& bus, const Json& request) {
  return shaped(bus.topic(request.string_or("topic")));
}

Result<Json> delete_topic(Bus& bus, const Json& request) {
  return empty(bus.remove_topic(request.string_or("topic")));
}

Result<Json> list_topics(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const std::string project, project_in(request));
  return page(request, "topics", shapes(bus.topics(project)));
}

Result<Json> list_topic_subscriptions(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const auto names, bus.subscriptions_of(request.string_or("topic")));
  return page(request, "subscriptions", texts(names));
}

Result<Json> list_topic_snapshots(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const auto names, bus.snapshots_of(request.string_or("topic")));
  return page(request, "snapshots", texts(names));
}

// ---- subscriptions ----

Result<Json> create_subscription(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const auto subscription,
                   messaging::subscription_from_json(request, request.string_or("name")));
  return shaped(bus.create_subscription(subscription));
}

Result<Json> update_subscription(Bus& bus, const Json& request) {
  const Json& changed = request["subscription"];
  ASSIGN_OR_RETURN(const auto old, bus.subscription(changed.string_or("name")));
  ASSIGN_OR_RETURN(const auto subscription,
                   messaging::updated(old, changed, request.string_or("updateMask")));
  return shaped(bus.update_subscription(subscription));
}

Result<Json> get_subscription(Bus& bus, const Json& request) {
  return shaped(bus.subscription(request.string_or("subscription")));
}

Result<Json> delete_subscription(Bus& bus, const Json& request) {
  return empty(bus.remove_subscription(request.string_or("subscription")));
}

Result<Json> list_subscriptions(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const std::string project, project_in(request));
  return page(request, "subscriptions", shapes(bus.subscriptions(project)));
}

Result<Json> modify_push_config(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(auto subscription, bus.subscription(request.string_or("subscription")));
  ASSIGN_OR_RETURN(subscription.push, messaging::push_from_json(request["pushConfig"]));
  RETURN_IF_ERROR(bus.update_subscription(subscription));
  return Json::object();
}

Result<Json> detach(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(auto subscription, bus.subscription(request.string_or("subscription")));
  subscription.state = messaging::Subscription::State::kDetached;
  RETURN_IF_ERROR(bus.update_subscription(subscription));
  return Json::object();
}

// ---- snapshots ----

Result<Json> create_snapshot(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const auto labels, messaging::strings_from_json(request["labels"], "labels"));
  return shaped(
      bus.create_snapshot(request.string_or("name"), request.string_or("subscription"), labels));
}

Result<Json> update_snapshot(Bus& bus, const Json& request) {
  const Json& changed = request["snapshot"];
  ASSIGN_OR_RETURN(const auto old, bus.snapshot(changed.string_or("name")));
  ASSIGN_OR_RETURN(const auto snapshot,
                   messaging::updated(old, changed, request.string_or("updateMask")));
  return shaped(bus.update_snapshot(snapshot));
}

Result<Json> get_snapshot(Bus& bus, const Json& request) {
  return shaped(bus.snapshot(request.string_or("snapshot")));
}

Result<Json> delete_snapshot(Bus& bus, const Json& request) {
  return empty(bus.remove_snapshot(request.string_or("snapshot")));
}

Result<Json> list_snapshots(Bus& bus, const Json& request) {
  ASSIGN_OR_RETURN(const std::string project, project_in(request));
  return page(request, "snapshots", shapes(bus.snapshots(project)));
}

// ---- who may do what: kept, but nobody is asked ----

Result<Json> get_policy(Bus& bus, const Json& request) {
  return bus.policy(request.string_or("resource"));
}

Result<Json> set_policy(Bus& bus, const Json& request) {
  Json policy = request["policy"].is_object() ? request["policy"] : Json::object();
  policy.set("etag", "ACAB");
  RETURN_IF_ERROR(bus.set_policy(request.string_or("resource"), policy));
  return policy;
}

Result<Json> test_permissions(Bus&, const Json& request) {
  return Json::object({{"permissions", request["permissions"]}});
}

// ---- what Thaw has not ----

Result<Json> no_schemas(Bus&, const Json&) {
  return Error(Code::kUnimplemented,
               "schemas: Thaw keeps none; publish without, or check messages in the service");
}

/// No schema of a project is also what a client that only looks should be told.
Result<Json> list_schemas(Bus&, const Json& request) { return page(request, "schemas", {}); }

using Kind = Method::Kind;

const std::vector<Method>& table() {
  static const std::vector<Method> methods = {
      {"Publisher.CreateTopic", {}, Kind::kSimple, create_topic},
      {"Publisher.UpdateTopic", {"topic", "updateMask"}, Kind::kSimple, update_topic},
      {"Publisher.Publish", {"topic", "messages"}, Kind::kPublish},
      {"Publisher.GetTopic", {"topic"}, Kind::kSimple, get_topic},
      {"Publisher.ListTopics", {"project", "pageSize", "pageToken"}, Kind::kSimple, list_topics},
      {"Publisher.ListTopicSubscriptions",
       {"topic", "pageSize", "pageToken"},
       Kind::kSimple,
       list_topic_subscriptions},
      {"Publisher.ListTopicSnapshots",
       {"topic", "pageSize", "pageToken"},
       Kind::kSimple,
       list_topic_snapshots},
      {"Publisher.DeleteTopic", {"topic"}, Kind::kSimple, delete_topic},
      {"Publisher.DetachSubscription", {"subscription"}, Kind::kSimple, detach},
      {"Subscriber.CreateSubscription", {}, Kind::kSimple, create_subscription},
      {"Subscriber.GetSubscription", {"subscription"}, Kind::kSimple, get_subscription},
      {"Subscriber.UpdateSubscription",
       {"subscription", "updateMask"},
       Kind::kSimple,
       update_subscription},
      {"Subscriber.ListSubscriptions",
       {"project", "pageSize", "pageToken"},
       Kind::kSimple,
       list_subscriptions},
      {"Subscriber.DeleteSubscription", {"subscription"}, Kind::kSimple, delete_subscription},
      {"Subscriber.ModifyAckDeadline",
       {"subscription", "ackIds", "ackDeadlineSeconds"},
       Kind::kModifyDeadline},
      {"Subscriber.Acknowledge", {"subscription", "ackIds"}, Kind::kAcknowledge},
      {"Subscriber.Pull", {"subscription", "returnImmediately", "maxMessages"}, Kind::kPull},
      {"Subscriber.ModifyPushConfig",
       {"subscription", "pushConfig"},
       Kind::kSimple,
       modify_push_config},
      {"Subscriber.GetSnapshot", {"snapshot"}, Kind::kSimple, get_snapshot},
      {"Subscriber.ListSnapshots",
       {"project", "pageSize", "pageToken"},
       Kind::kSimple,
       list_snapshots},
      {"Subscriber.CreateSnapshot",
       {"name", "subscription", "labels", "tags"},
       Kind::kSimple,
       create_snapshot},
      {"Subscriber.UpdateSnapshot", {"snapshot", "updateMask"}, Kind::kSimple, update_snapshot},
      {"Subscriber.DeleteSnapshot", {"snapshot"}, Kind::kSimple, delete_snapshot},
      {"Subscriber.Seek", {"subscription", "time", "snapshot"}, Kind::kSeek},
      {"IAMPolicy.GetIamPolicy", {"resource", "options"}, Kind::kSimple, get_policy},
      {"IAMPolicy.SetIamPolicy", {"resource", "policy", "updateMask"}, Kind::kSimple, set_policy},
      {"IAMPolicy.TestIamPermissions",
       {"resource", "permissions"},
       Kind::kSimple,
       test_permissions},
      {"SchemaService.CreateSchema", {"parent", "schema", "schemaId"}, Kind::kSimple, no_schemas},
      {"SchemaService.GetSchema", {"name", "view"}, Kind::kSimple, no_schemas},
      {"SchemaService.ListSchemas",
       {"parent", "view", "pageSize", "pageToken"},
       Kind::kSimple,
       list_schemas},
      {"SchemaService.DeleteSchema", {}, Kind::kSimple, no_schemas},
      {"SchemaService.CommitSchema", {}, Kind::kSimple, no_schemas},
      {"SchemaService.RollbackSchema", {}, Kind::kSimple, no_schemas},
      {"SchemaService.ListSchemaRevisions", {}, Kind::kSimple, no_schemas},
      {"SchemaService.DeleteSchemaRevision", {}, Kind::kSimple, no_schemas},
      {"SchemaService.ValidateSchema", {}, Kind::kSimple, no_schemas},
      {"SchemaService.ValidateMessage", {}, Kind::kSimple, no_schemas},
  };
  return methods;
}

}  // namespace

const Method* find_method(std::string_view name) {
  const auto& all = table();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Method& method) { return method.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> grpc_paths() {
  std::vector<std::string> paths;
  for (const Method& method : table()) {
    const size_t dot = method.name.find('.');
    const std::string_view service = method.name.substr(0, dot);
    paths.push_back(fmt::format("/google.{}.{}/{}", service == "IAMPolicy" ? "iam.v1" : "pubsub.v1",
                                service, method.name.substr(dot + 1)));
  }
  return paths;
}

void seek(Bus& bus, const Json& request, const Service::Done& done) {
  const auto fail = [&](Error error) { done(tl::unexpected(Fault(std::move(error)))); };
  std::variant<WallTime, std::string> to = request.string_or("snapshot");
  if (const std::string text = request.string_or("time"); !text.empty()) {
    const auto time = parse_rfc3339(text);
    if (!time) return fail(invalid(fmt::format("time: '{}' is no RFC 3339 time", text)));
    to = *time;
  } else if (std::get<std::string>(to).empty()) {
    return fail(invalid("time or snapshot: one of them must be given"));
  }
  bus.seek(request.string_or("subscription"), std::move(to), [done](const Status& status) {
    if (!status) return done(tl::unexpected(Fault(status.error())));
    done(Json::object());
  });
}

}  // namespace thaw::pubsub_api
