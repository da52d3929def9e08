// Target: which resource a path of the Cloud Storage APIs names. Pure.
//
// Takes every form clients send: with and without /storage/v1, /upload, /resumable/upload,
// /download, /batch, and /BUCKET/OBJECT of the XML API.
// **Thread**: any. **Owner**: values. **Limits**: a target is at most 16 KiB (http).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace thaw::storage_api {

struct Target {
  enum class Kind {
    kBuckets,         // /b
    kBucket,          // /b/B
    kBucketPart,      // /b/B/PART[/ID]: iam, storageLayout, notificationConfigs, ...
    kObjects,         // /b/B/o
    kObject,          // /b/B/o/N
    kCompose,         // /b/B/o/N/compose
    kRestore,         // /b/B/o/N/restore
    kRewrite,         // /b/B/o/N/rewriteTo/b/B2/o/N2
    kCopy,            // /b/B/o/N/copyTo/b/B2/o/N2
    kServiceAccount,  // /projects/P/serviceAccount
    kUpload,          // /upload/storage/v1/b/B/o
    kBatch,           // /batch/storage/v1
    kXmlBucket,       // /BUCKET
    kXmlObject,       // /BUCKET/OBJECT
    kUnknown,         // under /storage/v1 and its like, and nothing of the above
  };
  Kind kind = Kind::kUnknown;
  std::string bucket;  // or project
  std::string object;
  std::string part;
  std::string id;
  std::string to_bucket;
  std::string to_object;
};

/// Whether a path's first part belongs to another API, and so no bucket may have it as its name.
using IsTaken = bool (*)(std::string_view part);

/// `path` is encoded, without query. nullopt: not a path of these APIs, or malformed escapes.
std::optional<Target> parse_target(std::string_view path, IsTaken is_taken);

/// The bucket that a host names, as signed URLs may: "BUCKET.storage.googleapis.com" and
/// "BUCKET.storage.localhost", with or without a port.
std::optional<std::string> bucket_of_host(std::string_view host);
/// Of the host, if it names a bucket, else of the path.
std::optional<Target> target_of(const http::Request& head, IsTaken is_taken);

}  // namespace thaw::storage_api
