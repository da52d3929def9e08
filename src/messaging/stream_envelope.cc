#include "messaging/stream_envelope.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/json.h"

namespace thaw::messaging {
namespace {

constexpr std::string_view kType = "thaw.redis.stream.entry.v1";
constexpr std::string_view kJsonType = "application/json";

/// The characters that a header's value may have; others are percent-encoded as CloudEvents' HTTP
/// binding (3.1.3.2) wants.
std::string header_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '"' || c == '%') {
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string time_of(const StreamEntry& entry) {
  // An id may be chosen by hand: one beyond year 2261 is no time.
  constexpr uint64_t kMostMillis = 9'000'000'000'000;
  if (entry.id.millis > kMostMillis) return "";
  return format_rfc3339(WallTime(std::chrono::milliseconds(entry.id.millis)));
}

std::string source_of(const SourceConfig& config) {
  return fmt::format("//redis/{}/{}", config.redis.address.str(), header_value(config.stream));
}

struct Data {
  std::string content;
  std::string type;
};

Data data_of(const SourceConfig& config, const StreamEntry& entry) {
  if (config.data_field.empty()) {
    Json object = Json::object();
    for (const auto& [name, value] : entry.fields) object.set(name, value);
    return {object.dump(), std::string(kJsonType)};
  }
  for (const auto& [name, value] : entry.fields) {
    if (name == config.data_field) return {value, config.data_type};
  }
  return {"", config.data_type};
}

http::Request one_event(const SourceConfig& config, const StreamEntry& entry) {
  http::Request request;
  Data data = data_of(config, entry);
  request.headers.add("content-type", data.type);
  request.headers.add("ce-specversion", "1.0");
  request.headers.add("ce-id", entry.id.str());
  request.headers.add("ce-source", source_of(config));
  request.headers.add("ce-type", std::string(kType));
  request.headers.add("ce-subject", header_value(config.stream));
  if (const std::string time = time_of(entry); !time.empty()) request.headers.add("ce-time", time);
  if (!entry.key.empty()) request.headers.add("ce-partitionkey", header_value(entry.key));
  request.body = std::move(data.content);
  return request;
}

Json event_json(const SourceConfig& config, const StreamEntry& entry) {
  Json event = Json::object({{"specversion", "1.0"},
                             {"id", entry.id.str()},
                             {"source", source_of(config)},
                             {"type", kType},
                             {"subject", config.stream}});
  if (const std::string time = time_of(entry); !time.empty()) event.set("time", time);
  if (!entry.key.empty()) event.set("partitionkey", entry.key);
  const Data data = data_of(config, entry);
  event.set("datacontenttype", data.type);
  if (config.data_field.empty()) {
    Json object = Json::object();
    for (const auto& [name, value] : entry.fields) object.set(name, value);
    event.set("data", std::move(object));
  } else {
    event.set("data_base64", base64(data.content));
  }
  return event;
}

http::Request pubsub_message(const SourceConfig& config, const StreamEntry& entry, int attempt) {
  Json attributes = Json::object();
  if (!config.data_field.empty()) {
    for (const auto& [name, value] : entry.fields) {
      if (name != config.data_field) attributes.set(name, value);
    }
  }
  const std::string id = entry.id.str();
  const std::string time = time_of(entry);
  // Both spellings, as Pub/Sub sends them.
  Json message = Json::object({{"attributes", std::move(attributes)},
                               {"data", base64(data_of(config, entry).content)},
                               {"messageId", id},
                               {"message_id", id},
                               {"publishTime", time},
                               {"publish_time", time}});
  if (!entry.key.empty()) message.set("orderingKey", entry.key);
  http::Request request;
  request.headers.add("content-type", std::string(kJsonType));
  request.body = Json::object({{"deliveryAttempt", attempt},
                               {"message", std::move(message)},
                               {"subscription", "projects/local/subscriptions/" + config.name}})
                     .dump();
  return request;
}

}  // namespace

http::Request envelope_of(const SourceConfig& config,
                          const std::vector<const StreamEntry*>& entries, int attempt) {
  http::Request request;
  if (config.envelope == Envelope::kPubsub) {
    request = pubsub_message(config, *entries.front(), attempt);
  } else if (entries.size() == 1) {
    request = one_event(config, *entries.front());
  } else {
    Json events = Json::array();
    for (const StreamEntry* entry : entries) events.push_back(event_json(config, *entry));
    request.headers.add("content-type", "application/cloudevents-batch+json; charset=UTF-8");
    request.body = events.dump();
  }
  request.method = "POST";
  request.target = config.path;
  request.headers.add("user-agent", "thaw-source");
  return request;
}

}  // namespace thaw::messaging
