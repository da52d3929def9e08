// Methods: the table of Pub/Sub's methods by name, with the fields of their requests; those that
// only change or tell resources are done here. For service.cc.
//
// **Thread**: the loop's. **Owner**: values; the bus is the caller's. **Limits**: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pubsub_api/service.h"

namespace thaw::pubsub_api {

struct Method {
  std::string_view name;                 // "Publisher.CreateTopic"
  std::vector<std::string_view> fields;  // that its request may have; none: run() looks
  enum class Kind { kSimple, kPublish, kPull, kAcknowledge, kModifyDeadline, kSeek };
  Kind kind = Kind::kSimple;
  Result<Json> (*run)(messaging::Bus& bus, const Json& request) = nullptr;  // kSimple
};

/// Null: there is none of that name.
const Method* find_method(std::string_view name);

/// The gRPC paths of all: "/google.pubsub.v1.Publisher/Publish".
std::vector<std::string> grpc_paths();

void seek(messaging::Bus& bus, const Json& request, const Service::Done& done);

}  // namespace thaw::pubsub_api
