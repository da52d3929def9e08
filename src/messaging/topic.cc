#include "messaging/topic.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "base/base64.h"
#include "base/nearest.h"
#include "messaging/names.h"

namespace thaw::messaging {
namespace {

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

/// Members of the real API that would change what is kept or delivered and that Thaw has not.
Status refuse_unsupported(const Json& json, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const Json* value = json.find(name);
    const bool is_empty = value == nullptr || value->is_null() ||
                          (value->is_array() && value->as_array().empty()) ||
                          (value->is_object() && value->as_object().empty()) ||
                          (value->is_string() && value->as_string().empty());
    if (!is_empty) {
      return Error(Code::kUnimplemented, fmt::format("{}: is not supported by Thaw", name));
    }
  }
  return {};
}

/// Keys that Google's client libraries set themselves, such as googclient_traceparent.
constexpr std::string_view kClientsPrefix = "googclient_";

constexpr Duration kShortestRetention = seconds(600);
constexpr Duration kLongestRetention = seconds(31 * 86400);

std::string camel(std::string_view name) {
  std::string text;
  for (size_t i = 0; i < name.size(); ++i) {
    const bool is_start = i > 0 && name[i - 1] == '_' && name[i] >= 'a' && name[i] <= 'z';
    if (name[i] != '_') text += is_start ? static_cast<char>(name[i] - 'a' + 'A') : name[i];
  }
  return text;
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

Status check_members(const Json& json, std::string_view what,
                     std::span<const std::string_view> known) {
  if (!json.is_object()) return invalid(fmt::format("{}: must be a JSON object", what));
  for (const auto& [name, value] : json.as_object()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = nearest(name, known);
    return invalid(fmt::format("{}: unknown field \"{}\"{}", what, name,
                               near ? fmt::format("; did you mean '{}'?", *near) : ""));
  }
  return {};
}

Status check_members(const Json& json, std::string_view what,
                     std::initializer_list<std::string_view> known) {
  return check_members(json, what, std::span(known.begin(), known.size()));
}

Result<Duration> duration_from_json(const Json& json, std::string_view field) {
  const std::string text = json.is_string() ? json.as_string() : json.dump();
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  constexpr double kMost = 315'576'000'000.0;  // of protobuf: 10,000 years; ours end sooner
  if (fault != std::errc() || stop + 1 != end || *stop != 's' || !std::isfinite(value) ||
      value < 0 || value > kMost) {
    return invalid(fmt::format("{}: '{}' is no duration such as \"600s\"", field, text));
  }
  constexpr double kLongest = 9e9;  // seconds that fit into nanoseconds
  return seconds(std::min(value, kLongest));
}

std::string duration_text(Duration duration) {
  const int64_t whole = duration.count() / 1'000'000'000;
  const int64_t rest = duration.count() % 1'000'000'000;
  if (rest == 0) return fmt::format("{}s", whole);
  std::string text = fmt::format("{}.{:09}", whole, rest);
  while (text.ends_with("000")) text.resize(text.size() - 3);
  return text + "s";
}

Json strings_to_json(const std::vector<std::pair<std::string, std::string>>& strings) {
  Json::Object object;
  for (const auto& [name, value] : strings) object.emplace_back(name, value);
  return object;
}

Result<std::vector<std::pair<std::string, std::string>>> strings_from_json(const Json& json,
                                                                           std::string_view field) {
  std::vector<std::pair<std::string, std::string>> strings;
  if (json.is_null()) return strings;
  if (!json.is_object()) return invalid(fmt::format("{}: must be an object of strings", field));
  for (const auto& [name, value] : json.as_object()) {
    if (!value.is_string()) return invalid(fmt::format("{}.{}: must be a string", field, name));
    strings.emplace_back(name, value.as_string());
  }
  return strings;
}

Result<Topic> topic_from_json(const Json& json, const std::string& name) {
  RETURN_IF_ERROR(
      check_members(json, "topic",
                    {"name", "labels", "messageStoragePolicy", "kmsKeyName", "schemaSettings",
                     "satisfiesPzs", "messageRetentionDuration", "state",
                     "ingestionDataSourceSettings", "messageTransforms", "tags"}));
  RETURN_IF_ERROR(refuse_unsupported(
      json, {"kmsKeyName", "schemaSettings", "ingestionDataSourceSettings", "messageTransforms"}));
  Topic topic{.name = name, .labels = {}, .retention = {}};
  RETURN_IF_ERROR(check_name("name", name, "topics"));
  ASSIGN_OR_RETURN(topic.labels, strings_from_json(json["labels"], "labels"));
  if (const Json& kept = json["messageRetentionDuration"]; !kept.is_null()) {
    ASSIGN_OR_RETURN(const Duration length, duration_from_json(kept, "messageRetentionDuration"));
    if (length < kShortestRetention || length > kLongestRetention) {
      return invalid(
          fmt::format("messageRetentionDuration: {} is not between 10 minutes and 31 days",
                      duration_text(length)));
    }
    topic.retention = length;
  }
  return topic;
}

Result<Json> merge(Json old, const Json& changed, std::string_view mask,
                   std::span<const std::string_view> changeable) {
  if (mask.empty()) return invalid("updateMask: is missing: it names the fields to change");
  while (!mask.empty()) {
    const size_t comma = mask.find(',');
    const std::string path = camel(trim(mask.substr(0, comma)));
    mask.remove_prefix(comma == std::string_view::npos ? mask.size() : comma + 1);
    const std::string field = path.substr(0, path.find('.'));
    if (std::find(changeable.begin(), changeable.end(), field) == changeable.end()) {
      const auto near = nearest(field, changeable);
      return invalid(fmt::format("updateMask: '{}' cannot be changed{}", field,
                                 near ? fmt::format("; did you mean '{}'?", *near) : ""));
    }
    if (field == path) {
      old.set(field, changed[field]);
    } else {  // one level below, e.g. "retryPolicy.minimumBackoff"
      const std::string below = path.substr(field.size() + 1);
      Json part = old[field].is_object() ? old[field] : Json::object();
      part.set(below, changed[field][below]);
      old.set(field, std::move(part));
    }
  }
  return old;
}

Result<Topic> updated(const Topic& old, const Json& changed, std::string_view mask) {
  constexpr std::string_view kMutable[] = {"labels", "messageRetentionDuration",
                                           "messageStoragePolicy"};
  ASSIGN_OR_RETURN(const Json merged, merge(to_json(old), changed, mask, kMutable));
  return topic_from_json(merged, old.name);
}

Result<Snapshot> updated(const Snapshot& old, const Json& changed, std::string_view mask) {
  constexpr std::string_view kMutable[] = {"labels", "expireTime"};
  ASSIGN_OR_RETURN(const Json merged, merge(to_json(old), changed, mask, kMutable));
  Snapshot snapshot = old;
  ASSIGN_OR_RETURN(snapshot.labels, strings_from_json(merged["labels"], "labels"));
  const auto expires = parse_rfc3339(merged.string_or("expireTime"));
  if (!expires) {
    return invalid(fmt::format("expireTime: {} is no RFC 3339 time", merged["expireTime"].dump()));
  }
  snapshot.expires = *expires;
  return snapshot;
}

Json to_json(const Topic& topic) {
  Json json = Json::object({{"name", topic.name}});
  if (!topic.labels.empty()) json.set("labels", strings_to_json(topic.labels));
  if (topic.retention) json.set("messageRetentionDuration", duration_text(*topic.retention));
  json.set("state", "ACTIVE");
  return json;
}

Json to_json(const Snapshot& snapshot) {
  Json json = Json::object({{"name", snapshot.name},
                            {"topic", snapshot.topic},
                            {"expireTime", format_rfc3339(snapshot.expires)}});
  if (!snapshot.labels.empty()) json.set("labels", strings_to_json(snapshot.labels));
  return json;
}

size_t Message::size_bytes() const {
  size_t size = data.size() + ordering_key.size();
  for (const auto& [key, value] : attributes) size += key.size() + value.size();
  return size;
}

Status Message::check(std::string_view field) const {
  if (data.empty() && attributes.empty()) {
    return invalid(fmt::format("{}: must have data or an attribute", field));
  }
  if (size_bytes() > kLargest) {
    return invalid(
        fmt::format("{}: has {} bytes, at most {} are allowed", field, size_bytes(), kLargest));
  }
  if (attributes.size() > kMostAttributes) {
    return invalid(fmt::format("{}.attributes: {} attributes, at most {} are allowed", field,
                               attributes.size(), kMostAttributes));
  }
  if (ordering_key.size() > kLongestValue) {
    return invalid(fmt::format("{}.orderingKey: has {} bytes, at most {} are allowed", field,
                               ordering_key.size(), kLongestValue));
  }
  std::set<std::string_view> keys;
  for (const auto& [key, value] : attributes) {
    const bool is_reserved = key.starts_with("goog") && !key.starts_with(kClientsPrefix);
    if (key.empty() || key.size() > kLongestKey || is_reserved) {
      return invalid(
          fmt::format("{}.attributes: the key '{:.40}' must have 1 to {} bytes and not "
                      "begin with goog (but for {})",
                      field, key, kLongestKey, kClientsPrefix));
    }
    if (value.size() > kLongestValue) {
      return invalid(fmt::format("{}.attributes.{}: has {} bytes, at most {} are allowed", field,
                                 key, value.size(), kLongestValue));
    }
    if (!keys.insert(key).second) {
      return invalid(fmt::format("{}.attributes.{}: stands there twice", field, key));
    }
  }
  return {};
}

Result<Message> message_from_json(const Json& json, std::string_view field) {
  RETURN_IF_ERROR(check_members(json, field,
                                {"data", "attributes", "orderingKey", "messageId", "publishTime"}));
  Message message;
  if (const Json& data = json["data"]; !data.is_null()) {
    auto bytes = data.is_string() ? from_base64(data.as_string()) : std::nullopt;
    if (!bytes) return invalid(fmt::format("{}.data: is no base64 text", field));
    message.data = *std::move(bytes);
  }
  ASSIGN_OR_RETURN(message.attributes,
                   strings_from_json(json["attributes"], fmt::format("{}.attributes", field)));
  if (const Json& key = json["orderingKey"]; key.is_string()) {
    message.ordering_key = key.as_string();
  } else if (!key.is_null()) {
    return invalid(fmt::format("{}.orderingKey: must be a string", field));
  }
  RETURN_IF_ERROR(message.check(field));
  return message;
}

Json to_json(const Stored& stored, Spelling spelling) {
  const std::string id = std::to_string(stored.id);
  const std::string time = format_rfc3339(stored.published);
  Json json = Json::object();
  if (!stored.message.data.empty()) json.set("data", base64(stored.message.data));
  if (!stored.message.attributes.empty()) {
    json.set("attributes", strings_to_json(stored.message.attributes));
  }
  json.set("messageId", id);
  json.set("publishTime", time);
  if (spelling == Spelling::kBoth) {
    json.set("message_id", id);
    json.set("publish_time", time);
  }
  if (!stored.message.ordering_key.empty()) json.set("orderingKey", stored.message.ordering_key);
  return json;
}

}  // namespace thaw::messaging
