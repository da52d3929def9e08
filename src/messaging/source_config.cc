#include "messaging/source_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <climits>
#include <iterator>

#include "base/nearest.h"

namespace thaw::messaging {
namespace {

constexpr std::string_view kFields[] = {
    "name",        "service",         "path",       "redis",
    "stream",      "group",           "format",     "orderingField",
    "dataField",   "dataContentType", "batch",      "maxInFlight",
    "maxAttempts", "minBackoff",      "maxBackoff", "timeout",
    "claimAfter",  "deadLetterStream"};
constexpr std::string_view kRedisFields[] = {"address", "database", "user", "passwordFile",
                                             "passwordEnv"};
constexpr size_t kLongestText = 512;

/// Reads fields and remembers the first fault.
class Reader {
 public:
  Reader(const Json& json, std::string_view prefix) : json_(json), prefix_(prefix) {}

  void known(std::span<const std::string_view> fields) {
    if (!json_.is_object()) {
      return fault("",
                   fmt::format("must be an object with the fields {}", fmt::join(fields, ", ")));
    }
    for (const auto& [key, value] : json_.as_object()) {
      if (std::find(fields.begin(), fields.end(), key) != fields.end()) continue;
      const auto near = nearest(key, fields);
      fault(key, near ? fmt::format("is unknown; did you mean '{}'?", *near) : "is unknown");
    }
  }

  void text(std::string_view name, std::string& value) {
    const Json* field = json_.find(name);
    if (field == nullptr || field->is_null()) return;
    if (!field->is_string()) return fault(name, "must be a string");
    const std::string& given = field->as_string();
    const bool bad = std::any_of(given.begin(), given.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (bad || given.size() > kLongestText) {
      return fault(name, "must be at most 512 bytes without control characters");
    }
    value = given;
  }

  void required(std::string_view name, std::string& value) {
    text(name, value);
    if (value.empty()) fault(name, "is missing");
  }

  void number(std::string_view name, int low, int high, int& value) {
    const Json* field = json_.find(name);
    if (field == nullptr || field->is_null()) return;
    if (!field->is_int() || field->as_int() < low || field->as_int() > high) {
      return fault(
          name, fmt::format("{}: must be a whole number from {} to {}", field->dump(), low, high));
    }
    value = static_cast<int>(field->as_int());
  }

  void duration(std::string_view name, Duration low, Duration high, Duration& value) {
    const Json* field = json_.find(name);
    if (field == nullptr || field->is_null()) return;
    const auto given = field->is_string() ? parse_duration(field->as_string()) : std::nullopt;
    if (!given || *given < low || *given > high) {
      return fault(name, fmt::format("{}: must be a duration from {} to {}, such as \"30s\"",
                                     field->dump(), format_duration(low), format_duration(high)));
    }
    value = *given;
  }

  void fault(std::string_view name, std::string_view what) {
    if (!fault_.empty()) return;
    fault_ =
        fmt::format("{}{}{}{}", prefix_, name, prefix_.empty() && name.empty() ? "" : ": ", what);
  }

  const std::string& first_fault() const { return fault_; }

 private:
  const Json& json_;
  std::string prefix_;
  std::string fault_;
};

RedisPlace read_place(const Json& json, Reader& outer) {
  RedisPlace place;
  Reader reader(json, "redis.");
  reader.known(kRedisFields);
  std::string address;
  reader.required("address", address);
  if (!address.empty()) {
    auto parsed = parse_redis_address(address);
    if (parsed) {
      place.address = *std::move(parsed);
    } else {
      reader.fault("address", parsed.error().message());
    }
  }
  reader.number("database", 0, 1'000'000, place.database);
  reader.text("user", place.user);
  reader.text("passwordFile", place.password_file);
  reader.text("passwordEnv", place.password_env);
  if (!place.password_file.empty() && place.password_file[0] != '/') {
    reader.fault("passwordFile", fmt::format("'{}' is no absolute path", place.password_file));
  }
  if (!place.password_file.empty() && !place.password_env.empty()) {
    reader.fault("passwordEnv", "stands beside passwordFile; give one of them");
  }
  if (!reader.first_fault().empty()) outer.fault(reader.first_fault(), "");
  return place;
}

void check_together(const SourceConfig& config, Reader& reader) {
  if (config.path.empty() || config.path[0] != '/' ||
      config.path.find_first_of(" \t") != std::string::npos) {
    reader.fault("path",
                 fmt::format("'{}' is no path: it begins with / and has no blanks", config.path));
  }
  if (config.envelope == Envelope::kPubsub && config.batch != 1) {
    reader.fault("batch", "must be 1 with format pubsub: its envelope holds one message");
  }
  if (config.dead_letter_stream == config.stream) {
    reader.fault("deadLetterStream", "is the stream itself; name another one");
  }
  if (config.max_backoff < config.min_backoff) {
    reader.fault("maxBackoff", "is less than minBackoff");
  }
  if (config.claim_after < config.timeout) {
    reader.fault("claimAfter",
                 "is less than timeout: entries would be taken from a delivery that "
                 "is under way");
  }
}

std::string seconds_text(Duration value) {
  return fmt::format("{}ms", std::chrono::duration_cast<std::chrono::milliseconds>(value).count());
}

}  // namespace

Result<io::SocketAddress> parse_redis_address(std::string_view text) {
  const auto fault = [&] {
    return Error(Code::kInvalidArgument,
                 fmt::format("'{}' is not IP:PORT, such as 127.0.0.1:6379; names other than "
                             "localhost are not looked up, and passwords go into passwordFile or "
                             "passwordEnv",
                             text.find('@') == std::string_view::npos ? text : "(with an @)"));
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return fault();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  int port = 0;
  const auto [end, why] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (why != std::errc() || end != digits.data() + digits.size() || port < 1 || port > 65535) {
    return fault();
  }
  if (host == "localhost") host = "127.0.0.1";
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host.empty() ||
      host.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos) {
    return fault();
  }
  return io::SocketAddress{std::string(host), static_cast<uint16_t>(port)};
}

Result<SourceConfig> source_from_json(const Json& json) {
  SourceConfig config;
  Reader reader(json, "");
  reader.known(kFields);
  reader.required("name", config.name);
  const bool good_name =
      config.name.size() <= 49 &&
      config.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!good_name) {
    reader.fault("name", fmt::format("'{}' may have small letters, digits and hyphens, at most 49",
                                     config.name));
  }
  reader.required("service", config.service);
  reader.text("path", config.path);
  if (json.is_object()) config.redis = read_place(json["redis"], reader);
  reader.required("stream", config.stream);
  reader.required("group", config.group);
  std::string format = "cloudevents";
  reader.text("format", format);
  if (format != "cloudevents" && format != "pubsub") {
    reader.fault("format", fmt::format("'{}' is neither cloudevents nor pubsub", format));
  }
  config.envelope = format == "pubsub" ? Envelope::kPubsub : Envelope::kCloudEvent;
  reader.text("orderingField", config.ordering_field);
  reader.text("dataField", config.data_field);
  reader.text("dataContentType", config.data_type);
  reader.text("deadLetterStream", config.dead_letter_stream);
  reader.number("batch", 1, 1000, config.batch);
  reader.number("maxInFlight", 1, 1000, config.most_in_flight);
  reader.number("maxAttempts", 1, 1000, config.max_attempts);
  reader.duration("minBackoff", milliseconds(1), seconds(3600), config.min_backoff);
  reader.duration("maxBackoff", milliseconds(1), seconds(3600), config.max_backoff);
  reader.duration("timeout", milliseconds(100), seconds(3600), config.timeout);
  config.claim_after = std::max(config.claim_after, config.timeout * 2);
  reader.duration("claimAfter", seconds(1), seconds(86'400), config.claim_after);
  check_together(config, reader);
  if (!reader.first_fault().empty()) return Error(Code::kInvalidArgument, reader.first_fault());
  return config;
}

Json to_json(const SourceConfig& config) {
  Json redis = Json::object({{"address", config.redis.address.str()}});
  if (config.redis.database != 0) redis.set("database", config.redis.database);
  const auto text = [](Json& to, std::string_view name, const std::string& value) {
    if (!value.empty()) to.set(name, value);
  };
  text(redis, "user", config.redis.user);
  text(redis, "passwordFile", config.redis.password_file);
  text(redis, "passwordEnv", config.redis.password_env);
  Json json =
      Json::object({{"name", config.name},
                    {"service", config.service},
                    {"path", config.path},
                    {"redis", std::move(redis)},
                    {"stream", config.stream},
                    {"group", config.group},
                    {"format", config.envelope == Envelope::kPubsub ? "pubsub" : "cloudevents"}});
  text(json, "orderingField", config.ordering_field);
  text(json, "dataField", config.data_field);
  if (!config.data_field.empty()) json.set("dataContentType", config.data_type);
  text(json, "deadLetterStream", config.dead_letter_stream);
  json.set("batch", config.batch);
  json.set("maxInFlight", config.most_in_flight);
  json.set("maxAttempts", config.max_attempts);
  json.set("minBackoff", seconds_text(config.min_backoff));
  json.set("maxBackoff", seconds_text(config.max_backoff));
  json.set("timeout", seconds_text(config.timeout));
  json.set("claimAfter", seconds_text(config.claim_after));
  return json;
}

StreamSourceCore::Options core_options(const SourceConfig& config) {
  StreamSourceCore::Options options;
  options.batch = config.batch;
  options.most_in_flight = config.most_in_flight;
  options.most_held = std::clamp(2 * config.batch * config.most_in_flight, 100, 2000);
  // Without a place for what is given up, nothing is.
  options.max_attempts = config.dead_letter_stream.empty() ? INT_MAX : config.max_attempts;
  options.min_backoff = config.min_backoff;
  options.max_backoff = config.max_backoff;
  options.claim_after = config.claim_after;
  options.ordering = config.ordering_field.empty() ? StreamSourceCore::Ordering::kNone
                                                   : StreamSourceCore::Ordering::kPerKey;
  return options;
}

}  // namespace thaw::messaging
