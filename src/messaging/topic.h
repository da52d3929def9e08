// Topic, Snapshot and Message: what Pub/Sub keeps besides subscriptions.
//
// JSON forms are those of the REST API v1 (resources projects.topics, PubsubMessage).
// **Thread**: any. **Owner**: values. **Limits**: kLargestMessage and the rest below, from
// Pub/Sub's page on quotas; over them kInvalidArgument.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "messaging/filter.h"

namespace thaw::messaging {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Topic {
  std::string name;
  Labels labels;
  std::optional<Duration> retention;  // of messages, acknowledged ones too: 10 min to 31 days
};

/// Unknown fields are errors that name the nearest right one.
Result<Topic> topic_from_json(const Json& json, const std::string& name);
Json to_json(const Topic& topic);

/// `old` with the fields that `mask` names ("labels,messageRetentionDuration", camel or snake case)
/// taken from `changed`.
Result<Topic> updated(const Topic& old, const Json& changed, std::string_view mask);

struct Snapshot {
  std::string name;
  std::string topic;
  WallTime expires{};
  Labels labels;
};
Json to_json(const Snapshot& snapshot);
Result<Snapshot> updated(const Snapshot& old, const Json& changed, std::string_view mask);

/// What a publisher gives.
struct Message {
  static constexpr size_t kLargest = 10'000'000;  // bytes, of one publish request too
  static constexpr size_t kMostAttributes = 100;
  static constexpr size_t kLongestKey = 256;     // bytes of an attribute's key
  static constexpr size_t kLongestValue = 1024;  // bytes, of an ordering key too
  static constexpr size_t kMostPerPublish = 1000;

  std::string data;
  Attributes attributes;
  std::string ordering_key;

  size_t size_bytes() const;
  /// What its parts may be. `field` is named in the error.
  Status check(std::string_view field) const;
};

Result<Message> message_from_json(const Json& json, std::string_view field);

/// As it is delivered.
struct Stored {
  int64_t id = 0;
  WallTime published{};
  Message message;
};
/// The PubsubMessage of the REST API. kBoth: id and time in snake case too, as pushes have them.
enum class Spelling { kCamel, kBoth };
Json to_json(const Stored& stored, Spelling spelling);

/// JSON objects of strings, as labels and attributes are.
Json strings_to_json(const std::vector<std::pair<std::string, std::string>>& strings);
Result<std::vector<std::pair<std::string, std::string>>> strings_from_json(const Json& json,
                                                                           std::string_view field);

/// "600s", "3.5s": protobuf's JSON form of a duration.
Result<Duration> duration_from_json(const Json& json, std::string_view field);
std::string duration_text(Duration duration);

/// A resource's JSON form with the fields, or fields of fields, that `mask` names taken from
/// `changed`. kInvalidArgument: the mask is empty or names what is not `changeable`.
Result<Json> merge(Json old, const Json& changed, std::string_view mask,
                   std::span<const std::string_view> changeable);

/// kInvalidArgument for the first member of `json` that is none of `known`.
Status check_members(const Json& json, std::string_view what,
                     std::span<const std::string_view> known);
Status check_members(const Json& json, std::string_view what,
                     std::initializer_list<std::string_view> known);

}  // namespace thaw::messaging
