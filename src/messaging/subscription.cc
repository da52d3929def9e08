#include "messaging/subscription.h"

#include <fmt/format.h>

#include <array>

#include "base/nearest.h"
#include "messaging/endpoint.h"
#include "messaging/names.h"

namespace thaw::messaging {
namespace {

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

constexpr auto kFields = std::to_array<std::string_view>({"name",
                                                          "topic",
                                                          "pushConfig",
                                                          "ackDeadlineSeconds",
                                                          "retainAckedMessages",
                                                          "messageRetentionDuration",
                                                          "labels",
                                                          "enableMessageOrdering",
                                                          "expirationPolicy",
                                                          "filter",
                                                          "deadLetterPolicy",
                                                          "retryPolicy",
                                                          "detached",
                                                          "enableExactlyOnceDelivery",
                                                          "topicMessageRetentionDuration",
                                                          "state",
                                                          "bigqueryConfig",
                                                          "cloudStorageConfig",
                                                          "messageTransforms",
                                                          "analyticsHubSubscriptionInfo",
                                                          "bigtableConfig",
                                                          "tags"});

Result<Duration> duration_between(const Json& json, std::string_view field, Duration least,
                                  Duration most, Duration otherwise) {
  if (json.is_null()) return otherwise;
  ASSIGN_OR_RETURN(const Duration value, duration_from_json(json, field));
  if (value < least || value > most) {
    return invalid(fmt::format("{}: {} is not between {} and {}", field, duration_text(value),
                               duration_text(least), duration_text(most)));
  }
  return value;
}

Result<bool> flag(const Json& json, std::string_view field) {
  if (json.is_null()) return false;
  if (!json.is_bool()) return invalid(fmt::format("{}: must be true or false", field));
  return json.as_bool();
}

Result<int> whole(const Json& json, std::string_view field, int least, int most, int otherwise) {
  if (json.is_null() || (json.is_int() && json.as_int() == 0)) return otherwise;
  if (!json.is_int() || json.as_int() < least || json.as_int() > most) {
    return invalid(fmt::format("{}: {} must be a whole number from {} to {}", field, json.dump(),
                               least, most));
  }
  return static_cast<int>(json.as_int());
}

Result<std::optional<RetryPolicy>> retry_from_json(const Json& json) {
  if (json.is_null()) return std::optional<RetryPolicy>();
  RETURN_IF_ERROR(check_members(json, "retryPolicy", {"minimumBackoff", "maximumBackoff"}));
  RetryPolicy policy;
  ASSIGN_OR_RETURN(policy.minimum,
                   duration_between(json["minimumBackoff"], "retryPolicy.minimumBackoff",
                                    Duration(0), seconds(600), policy.minimum));
  ASSIGN_OR_RETURN(policy.maximum,
                   duration_between(json["maximumBackoff"], "retryPolicy.maximumBackoff",
                                    Duration(0), seconds(600), policy.maximum));
  if (policy.minimum > policy.maximum) {
    return invalid("retryPolicy.minimumBackoff: is longer than maximumBackoff");
  }
  return std::optional(policy);
}

Result<std::optional<DeadLetterPolicy>> dead_letter_from_json(const Json& json) {
  if (json.is_null()) return std::optional<DeadLetterPolicy>();
  RETURN_IF_ERROR(
      check_members(json, "deadLetterPolicy", {"deadLetterTopic", "maxDeliveryAttempts"}));
  DeadLetterPolicy policy{.topic = json.string_or("deadLetterTopic")};
  RETURN_IF_ERROR(check_name("deadLetterPolicy.deadLetterTopic", policy.topic, "topics"));
  ASSIGN_OR_RETURN(policy.max_attempts, whole(json["maxDeliveryAttempts"],
                                              "deadLetterPolicy.maxDeliveryAttempts", 5, 100, 5));
  return std::optional(policy);
}

/// {} or without ttl: never.
Result<std::optional<Duration>> expiry_from_json(const Json& json, Duration otherwise) {
  if (json.is_null()) return std::optional(otherwise);
  RETURN_IF_ERROR(check_members(json, "expirationPolicy", {"ttl"}));
  if (json["ttl"].is_null()) return std::optional<Duration>();
  ASSIGN_OR_RETURN(const Duration ttl, duration_between(json["ttl"], "expirationPolicy.ttl",
                                                        seconds(86400), seconds(9e9), {}));
  return std::optional(ttl);
}

Status read_simple(const Json& json, Subscription& subscription) {
  using Acks = DeliveryRules::Acks;
  ASSIGN_OR_RETURN(subscription.ack_deadline_s,
                   whole(json["ackDeadlineSeconds"], "ackDeadlineSeconds", 10, 600, 10));
  ASSIGN_OR_RETURN(const bool retains, flag(json["retainAckedMessages"], "retainAckedMessages"));
  if (retains) subscription.acked = Subscription::AckedMessages::kRetained;
  ASSIGN_OR_RETURN(const bool ordered,
                   flag(json["enableMessageOrdering"], "enableMessageOrdering"));
  if (ordered) subscription.order = DeliveryRules::Order::kByKey;
  ASSIGN_OR_RETURN(const bool exact,
                   flag(json["enableExactlyOnceDelivery"], "enableExactlyOnceDelivery"));
  if (exact) subscription.acks = Acks::kExactlyOnce;
  ASSIGN_OR_RETURN(const bool detached, flag(json["detached"], "detached"));
  if (detached) subscription.state = Subscription::State::kDetached;
  return {};
}

Result<PushConfig::Wrapping> wrapping_from_json(const Json& json) {
  using Wrapping = PushConfig::Wrapping;
  const Json& plain = json["noWrapper"];
  if (plain.is_null()) return Wrapping::kWrapped;
  RETURN_IF_ERROR(check_members(plain, "pushConfig.noWrapper", {"writeMetadata"}));
  ASSIGN_OR_RETURN(const bool metadata,
                   flag(plain["writeMetadata"], "pushConfig.noWrapper.writeMetadata"));
  return metadata ? Wrapping::kPlainWithMetadata : Wrapping::kPlain;
}

}  // namespace

Result<std::optional<PushConfig>> push_from_json(const Json& json) {
  if (json.is_null() || (json.is_object() && json.as_object().empty())) {
    return std::optional<PushConfig>();
  }
  RETURN_IF_ERROR(
      check_members(json, "pushConfig",
                    {"pushEndpoint", "attributes", "oidcToken", "pubsubWrapper", "noWrapper"}));
  PushConfig push{.endpoint = json.string_or("pushEndpoint")};
  if (push.endpoint.empty()) return std::optional<PushConfig>();
  if (!push.endpoint.starts_with("http://") && !push.endpoint.starts_with("https://")) {
    return invalid(
        fmt::format("pushConfig.pushEndpoint: '{}' is no http:// or https:// URL", push.endpoint));
  }
  ASSIGN_OR_RETURN(push.attributes, strings_from_json(json["attributes"], "pushConfig.attributes"));
  if (const Json& token = json["oidcToken"]; !token.is_null()) {
    RETURN_IF_ERROR(
        check_members(token, "pushConfig.oidcToken", {"serviceAccountEmail", "audience"}));
    push.oidc = {token.string_or("serviceAccountEmail"), token.string_or("audience")};
  }
  ASSIGN_OR_RETURN(push.wrapping, wrapping_from_json(json));
  return std::optional(std::move(push));
}

Result<Subscription> subscription_from_json(const Json& json, const std::string& name) {
  RETURN_IF_ERROR(check_members(json, "subscription", kFields));
  for (const std::string_view other : {"bigqueryConfig", "cloudStorageConfig", "bigtableConfig"}) {
    const Json& value = json[other];
    if (!value.is_null() && !(value.is_object() && value.as_object().empty())) {
      return Error(Code::kUnimplemented,
                   fmt::format("{}: Thaw delivers by pull and push only", other));
    }
  }
  Subscription subscription{.name = name, .topic = json.string_or("topic")};
  RETURN_IF_ERROR(check_name("name", name, "subscriptions"));
  if (subscription.topic != kDeletedTopic) {
    RETURN_IF_ERROR(check_name("topic", subscription.topic, "topics"));
  }
  RETURN_IF_ERROR(read_simple(json, subscription));
  ASSIGN_OR_RETURN(subscription.push, push_from_json(json["pushConfig"]));
  ASSIGN_OR_RETURN(subscription.retention,
                   duration_between(json["messageRetentionDuration"], "messageRetentionDuration",
                                    seconds(600), seconds(31 * 86400), subscription.retention));
  ASSIGN_OR_RETURN(subscription.labels, strings_from_json(json["labels"], "labels"));
  ASSIGN_OR_RETURN(subscription.expires_after,
                   expiry_from_json(json["expirationPolicy"], seconds(31 * 86400)));
  subscription.filter_text = json.string_or("filter");
  ASSIGN_OR_RETURN(subscription.filter, Filter::parse(subscription.filter_text));
  ASSIGN_OR_RETURN(subscription.dead_letter, dead_letter_from_json(json["deadLetterPolicy"]));
  ASSIGN_OR_RETURN(subscription.retry, retry_from_json(json["retryPolicy"]));
  return subscription;
}

namespace {

Json push_to_json(const PushConfig& push) {
  Json json = Json::object({{"pushEndpoint", push.endpoint}});
  if (!push.attributes.empty()) json.set("attributes", strings_to_json(push.attributes));
  if (push.oidc) {
    Json token = Json::object({{"serviceAccountEmail", push.oidc->service_account_email}});
    if (!push.oidc->audience.empty()) token.set("audience", push.oidc->audience);
    json.set("oidcToken", std::move(token));
  }
  if (push.wrapping == PushConfig::Wrapping::kPlain) json.set("noWrapper", Json::object());
  if (push.wrapping == PushConfig::Wrapping::kPlainWithMetadata) {
    json.set("noWrapper", Json::object({{"writeMetadata", true}}));
  }
  return json;
}

}  // namespace

Json to_json(const Subscription& s) {
  Json json = Json::object({{"name", s.name},
                            {"topic", s.topic},
                            {"pushConfig", s.push ? push_to_json(*s.push) : Json::object()},
                            {"ackDeadlineSeconds", s.ack_deadline_s}});
  if (s.acked == Subscription::AckedMessages::kRetained) json.set("retainAckedMessages", true);
  json.set("messageRetentionDuration", duration_text(s.retention));
  if (!s.labels.empty()) json.set("labels", strings_to_json(s.labels));
  if (s.order == DeliveryRules::Order::kByKey) json.set("enableMessageOrdering", true);
  Json expiry = Json::object();
  if (s.expires_after) expiry.set("ttl", duration_text(*s.expires_after));
  json.set("expirationPolicy", std::move(expiry));
  if (!s.filter_text.empty()) json.set("filter", s.filter_text);
  if (s.dead_letter) {
    json.set("deadLetterPolicy",
             Json::object({{"deadLetterTopic", s.dead_letter->topic},
                           {"maxDeliveryAttempts", s.dead_letter->max_attempts}}));
  }
  if (s.retry) {
    json.set("retryPolicy", Json::object({{"minimumBackoff", duration_text(s.retry->minimum)},
                                          {"maximumBackoff", duration_text(s.retry->maximum)}}));
  }
  if (s.state == Subscription::State::kDetached) json.set("detached", true);
  if (s.acks == DeliveryRules::Acks::kExactlyOnce) json.set("enableExactlyOnceDelivery", true);
  json.set("state", "ACTIVE");
  return json;
}

Result<Subscription> updated(const Subscription& old, const Json& changed, std::string_view mask) {
  constexpr std::array<std::string_view, 9> kMutable = {"pushConfig",
                                                        "ackDeadlineSeconds",
                                                        "retainAckedMessages",
                                                        "messageRetentionDuration",
                                                        "labels",
                                                        "expirationPolicy",
                                                        "deadLetterPolicy",
                                                        "retryPolicy",
                                                        "enableExactlyOnceDelivery"};
  ASSIGN_OR_RETURN(const Json merged, merge(to_json(old), changed, mask, kMutable));
  return subscription_from_json(merged, old.name);
}

DeliveryRules Subscription::rules(DeadLetters dead_letters) const {
  const bool taken = dead_letter && dead_letters == DeadLetters::kTaken;
  // What a push does not deliver rests a little even without a policy: the endpoint may be down.
  const RetryPolicy pushed{milliseconds(100), seconds(60)};
  return {.retry = retry || !push ? retry : std::optional(pushed),
          .max_attempts = taken ? dead_letter->max_attempts : 0,
          .order = order,
          .acks = acks,
          .per_key = push ? DeliveryRules::PerKey::kOne : DeliveryRules::PerKey::kMany};
}

}  // namespace thaw::messaging
