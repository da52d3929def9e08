// SourceConfig: a Redis-stream source as the user wrote it, and its JSON form.
//
// docs/formats/stream-source.md describes the fields. The password stands in a file or in a
// variable of Thaw's own environment; the config names which, and never holds it.
// **Thread**: any. **Owner**: values. **Limits**: stand in the table of fields (.cc).
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "io/net.h"
#include "messaging/redis_connection.h"
#include "messaging/stream_source_core.h"

namespace thaw::messaging {

/// Where a Redis is and where its password stands.
struct RedisPlace {
  io::SocketAddress address;
  int database = 0;
  std::string user;
  std::string password_file;
  std::string password_env;

  bool operator==(const RedisPlace& other) const {
    return address.str() == other.address.str() && database == other.database &&
           user == other.user && password_file == other.password_file &&
           password_env == other.password_env;
  }
};

enum class Envelope { kCloudEvent, kPubsub };

struct SourceConfig {
  std::string name;
  std::string service;     // of ours
  std::string path = "/";  // of the POST
  RedisPlace redis;
  std::string stream;
  std::string group;
  Envelope envelope = Envelope::kCloudEvent;
  std::string ordering_field;                          // "": no order
  std::string data_field;                              // "": all fields as a JSON object
  std::string data_type = "application/octet-stream";  // of data_field's content
  std::string dead_letter_stream;                      // "": tried for ever
  int batch = 1;
  int most_in_flight = 16;
  int max_attempts = 5;
  Duration min_backoff = milliseconds(100);
  Duration max_backoff = seconds(60);
  Duration timeout = seconds(300);  // of a delivery, the wait for an instance included
  Duration claim_after = seconds(600);
};

/// "127.0.0.1:6379", "localhost:6379": names are not looked up.
Result<io::SocketAddress> parse_redis_address(std::string_view text);

/// kInvalidArgument: "FIELD: VALUE: what is wrong and what is right"; unknown fields too.
Result<SourceConfig> source_from_json(const Json& json);
Json to_json(const SourceConfig& config);

StreamSourceCore::Options core_options(const SourceConfig& config);

}  // namespace thaw::messaging
