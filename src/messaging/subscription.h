// Subscription: its settings, as the REST API's resource projects.subscriptions has them.
//
// **Thread**: any. **Owner**: values. **Limits**: those of Pub/Sub, each checked when read.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "messaging/filter.h"
#include "messaging/subscription_core.h"
#include "messaging/topic.h"

namespace thaw::messaging {

struct PushConfig {
  std::string endpoint;  // an http or https URL
  Labels attributes;
  /// Who the token is for; nullopt: none is sent.
  struct Oidc {
    std::string service_account_email;
    std::string audience;  // "": the endpoint
    bool operator==(const Oidc&) const = default;
  };
  std::optional<Oidc> oidc;
  /// kPlain: the data is the body; kPlainWithMetadata: id, time and attributes are headers.
  enum class Wrapping { kWrapped, kPlain, kPlainWithMetadata } wrapping = Wrapping::kWrapped;

  bool operator==(const PushConfig&) const = default;
};

struct DeadLetterPolicy {
  std::string topic;
  int max_attempts = 5;  // 5 to 100

  bool operator==(const DeadLetterPolicy&) const = default;
};

struct Subscription {
  std::string name;
  std::string topic;  // kDeletedTopic once it was deleted
  std::optional<PushConfig> push;
  int ack_deadline_s = 10;  // 10 to 600
  enum class AckedMessages { kDropped, kRetained } acked = AckedMessages::kDropped;
  Duration retention = seconds(7 * 86400);  // 10 min to 31 days
  Labels labels;
  DeliveryRules::Order order = DeliveryRules::Order::kNone;
  DeliveryRules::Acks acks = DeliveryRules::Acks::kAtLeastOnce;
  std::optional<Duration> expires_after = seconds(31 * 86400);  // nullopt: never
  std::string filter_text;
  Filter filter;
  std::optional<DeadLetterPolicy> dead_letter;
  std::optional<RetryPolicy> retry;
  enum class State { kActive, kDetached } state = State::kActive;

  /// What its core is told. `dead_letters`: whether the dead-letter topic is there to take them.
  enum class DeadLetters { kTaken, kNotTaken };
  DeliveryRules rules(DeadLetters dead_letters) const;
};

/// Defaults are filled in. Unknown fields are errors that name the nearest right one.
Result<Subscription> subscription_from_json(const Json& json, const std::string& name);
Json to_json(const Subscription& subscription);

/// `old` with the fields that `mask` names ("ackDeadlineSeconds,retryPolicy", camel or snake case)
/// taken from `json`. What cannot change (name, topic, filter, message ordering) is refused.
Result<Subscription> updated(const Subscription& old, const Json& json, std::string_view mask);

Result<std::optional<PushConfig>> push_from_json(const Json& json);

}  // namespace thaw::messaging
