// File: what a pipeline file asks for, as a list of resources in the order in which they are made.
//
// A file has one document of `kind: Pipeline` (buckets, topics, service accounts, who may invoke,
// subscriptions, notifications, triggers) and any number of services and worker pools, each a
// document as `thaw deploy` takes it. A resource's `body` is what its API takes, with the file's
// short names written out; only what the file says is in it. The subscription's
// `pushConfig.service` stays until the service has an address.
//
// Thread: any. Owner: values. Limits: those of spec/parse.h, 200 documents, kMostResources.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace thaw::pipeline {

inline constexpr size_t kMostResources = 1000;
inline constexpr std::string_view kDefaultProject = "thaw";

/// In the order in which they are made; destroyed in the opposite one.
enum class Kind {
  kBucket,
  kTopic,
  kServiceAccount,
  kService,
  kWorkerPool,
  kInvokers,  // of a service, under whose name they are
  kSubscription,
  kNotification,
};
std::string_view kind_name(Kind kind);
std::optional<Kind> kind_named(std::string_view name);

struct Key {
  Kind kind = Kind::kBucket;
  std::string name;  // of a notification: "BUCKET/PREFIX -> TOPIC"

  auto operator<=>(const Key&) const = default;
  std::string str() const;
};

struct Resource {
  Key key;
  Json body;
  int line = 0;  // where it stands in the file; 0: in none
};

struct File {
  std::string name;     // metadata.name
  std::string project;  // of topics and subscriptions
  std::vector<Resource> resources;
};

/// kInvalidArgument with one fault a line, "FILE:LINE:COLUMN: field: what".
Result<File> parse(std::string_view text, std::string_view file_name);

/// "pusher" as the address of the project's account; what has an '@' stays.
std::string account_address(const std::string& name, const std::string& project);

/// Defaults filled in, clients' marks taken off: two services that deploy the same are equal.
Result<Json> normal_service(const Json& service);

/// The service that a subscription's push names instead of an address, or "".
std::string pushed_service(const Json& body);
/// The same body with the address in place of the name.
Json with_address(Json body, const std::string& url);

}  // namespace thaw::pipeline
