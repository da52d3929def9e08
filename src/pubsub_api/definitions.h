// Definitions: Pub/Sub's protobuf messages and their JSON forms, converted into each other by what
// their makers' .proto files say, with protobuf behind one file. For calls that change or list
// resources; messages themselves go through codec.h, which is faster.
//
// Made when the first such call comes: a few milliseconds and 2 MB that nobody pays who does not
// use gRPC.
//
// **Thread**: one at a time. **Owner**: itself. **Limits**: none of its own.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"

namespace thaw::pubsub_api {

class Definitions {
 public:
  Definitions();
  ~Definitions();

  struct Method {
    std::string name;    // "Publisher.CreateTopic"
    std::string input;   // "google.pubsub.v1.Topic"
    std::string output;  // likewise
    enum class Calls { kUnary, kStreaming } calls = Calls::kUnary;
  };
  /// Of a gRPC path, "/google.pubsub.v1.Publisher/CreateTopic". kUnimplemented: there is none.
  Result<Method> method(std::string_view path);

  /// kInvalidArgument: the bytes are no such message.
  Result<Json> to_json(const std::string& type, const std::string& bytes);
  /// kInternal: the JSON has what the message has not.
  Result<std::string> to_bytes(const std::string& type, const Json& json);

 private:
  struct Pool;
  Pool& pool();
  std::unique_ptr<Pool> pool_;
};

}  // namespace thaw::pubsub_api
