#include "objects/resource_json.h"

#include <fmt/format.h>

#include "base/base64.h"

namespace thaw::objects {
namespace {

constexpr std::string_view kUnreserved =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

/// Milliseconds, as Google's APIs write them.
std::string stamp(WallTime time) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
}

}  // namespace

std::string etag(int64_t generation, int64_t metageneration) {
  return base64_url(fmt::format("{}/{}", generation, metageneration));
}

int64_t project_number(std::string_view project) {
  uint64_t hash = 1469598103934665603u;  // FNV-1a
  for (const char c : project) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return static_cast<int64_t>(100'000'000'000 + hash % 900'000'000'000);
}

Json object_json(const Object& object, const std::string& base_url) {
  const std::string path = fmt::format("{}/o/{}", object.bucket, escaped(object.name));
  const std::string generation = std::to_string(object.generation);
  Json json =
      Json::object({{"kind", "storage#object"},
                    {"id", fmt::format("{}/{}/{}", object.bucket, object.name, generation)},
                    {"selfLink", fmt::format("{}/storage/v1/b/{}", base_url, path)},
                    {"mediaLink", fmt::format("{}/download/storage/v1/b/{}?generation={}&alt=media",
                                              base_url, path, generation)},
                    {"name", object.name},
                    {"bucket", object.bucket},
                    {"generation", generation},
                    {"metageneration", std::to_string(object.metageneration)},
                    {"size", std::to_string(object.size)},
                    {"crc32c", crc32c_text(object.checksums.crc32c)},
                    {"etag", etag(object.generation, object.metageneration)},
                    {"timeCreated", stamp(object.created)},
                    {"updated", stamp(object.updated)},
                    {"timeStorageClassUpdated", stamp(object.created)},
                    {"timeFinalized", stamp(object.created)},
                    {"storageClass", "STANDARD"}});
  if (!object.checksums.md5.empty()) json.set("md5Hash", base64(object.checksums.md5));
  if (object.components > 0) json.set("componentCount", object.components);
  if (object.state == Object::State::kSoftDeleted) {
    json.set("softDeleteTime", stamp(object.deleted.value_or(object.updated)));
    json.set("hardDeleteTime", stamp(object.hard_delete.value_or(object.updated)));
  } else if (object.deleted) {
    json.set("timeDeleted", stamp(*object.deleted));
  }
  if (const auto until = object.retained_until()) {
    json.set("retentionExpirationTime", stamp(*until));
  }
  for (const auto& [key, value] : object.settings.as_object()) json.set(key, value);
  return json;
}

Json bucket_json(const Bucket& bucket, const std::string& base_url) {
  Json json = Json::object(
      {{"kind", "storage#bucket"},
       {"id", bucket.name},
       {"selfLink", fmt::format("{}/storage/v1/b/{}", base_url, bucket.name)},
       {"name", bucket.name},
       {"projectNumber", std::to_string(project_number(bucket.project))},
       {"metageneration", std::to_string(bucket.metageneration)},
       {"generation", std::to_string(bucket.created.time_since_epoch().count() / 1000)},
       {"etag", etag(0, bucket.metageneration)},
       {"timeCreated", stamp(bucket.created)},
       {"updated", stamp(bucket.updated)},
       {"location", "US-CENTRAL1"},
       {"locationType", "region"},
       {"storageClass", "STANDARD"},
       {"softDeletePolicy", Json::object({{"retentionDurationSeconds", "0"}})},
       {"iamConfiguration",
        Json::object({{"bucketPolicyOnly", Json::object({{"enabled", true}})},
                      {"uniformBucketLevelAccess", Json::object({{"enabled", true}})},
                      {"publicAccessPrevention", "inherited"}})}});
  for (const auto& [key, value] : bucket.settings.as_object()) json.set(key, value);
  return json;
}

}  // namespace thaw::objects
