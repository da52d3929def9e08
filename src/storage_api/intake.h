// Intake: what an upload will become, and what its sender promised about the bytes. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: names and settings of objects.
#pragma once

#include <optional>
#include <string>

#include "objects/content.h"
#include "objects/types.h"
#include "storage_api/call.h"

namespace thaw::storage_api {

struct Intake {
  std::string bucket;
  std::string name;
  Json settings = Json::object();
  objects::Preconditions conditions;
  std::optional<uint32_t> crc32c;
  std::optional<std::string> md5;
  std::optional<int64_t> size;
  /// What the header x-goog-content-length-range allows.
  struct Sizes {
    int64_t least = 0;
    int64_t most = 0;
    Error too_small() const;
    Error too_large() const;
  };
  std::optional<Sizes> sizes;

  /// Of an upload with this metadata; the query's name counts when the metadata has none, and
  /// `content_type` likewise.
  static Result<Intake> read(const Call& call, const Json& metadata, std::string_view content_type);
  /// Adds what x-goog-hash and Content-MD5 promise. kInvalidArgument: they cannot be read.
  Status add_promises(const http::Headers& headers);
  /// kInvalidArgument in Google's words when the bytes are not what was promised.
  Status check(const objects::Content& content) const;
  objects::Object object(const objects::Content& content) const;

  /// For uploads that outlive this process.
  Json to_json() const;
  static Result<Intake> from_json(std::string bucket, std::string name, const Json& json);
};

/// Settings that the XML API takes from headers.
Json settings_of_headers(const http::Headers& headers);

/// What the platform says about a write by an instance: how many hops (messaging/hops.h) lie behind
/// it. It goes into the object's metadata, from where its notification has it.
inline constexpr std::string_view kHopsHeader = "x-thaw-hops";
void mark_hops(Json& settings, std::string_view hops);

}  // namespace thaw::storage_api
