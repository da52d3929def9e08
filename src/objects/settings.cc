#include "objects/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "objects/lifecycle.h"
#include "objects/retention.h"
#include "objects/types.h"

namespace thaw::objects {
namespace {

constexpr size_t kLargest = 64 << 10;
constexpr size_t kLargestMetadata = 8 << 10;

enum class Kind { kHeader, kBool, kTime, kStrings, kObject, kArray, kStorageClass, kString };
struct Field {
  std::string_view name;
  Kind kind;
};

constexpr Field kObjectFields[] = {
    {"contentType", Kind::kHeader},        {"contentEncoding", Kind::kHeader},
    {"contentDisposition", Kind::kHeader}, {"contentLanguage", Kind::kHeader},
    {"cacheControl", Kind::kHeader},       {"storageClass", Kind::kStorageClass},
    {"customTime", Kind::kTime},           {"temporaryHold", Kind::kBool},
    {"eventBasedHold", Kind::kBool},       {"metadata", Kind::kStrings}};

constexpr Field kBucketFields[] = {{"location", Kind::kString},
                                   {"storageClass", Kind::kStorageClass},
                                   {"labels", Kind::kStrings},
                                   {"versioning", Kind::kObject},
                                   {"lifecycle", Kind::kObject},
                                   {"cors", Kind::kArray},
                                   {"softDeletePolicy", Kind::kObject},
                                   {"iamConfiguration", Kind::kObject},
                                   {"website", Kind::kObject},
                                   {"defaultEventBasedHold", Kind::kBool},
                                   {"billing", Kind::kObject},
                                   {"logging", Kind::kObject},
                                   {"autoclass", Kind::kObject},
                                   {"rpo", Kind::kString},
                                   {"encryption", Kind::kObject},
                                   {"retentionPolicy", Kind::kObject},
                                   {"hierarchicalNamespace", Kind::kObject}};

bool has_controls(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

Error bad(std::string_view field, std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("Invalid value for field '{}': {}", field, why)};
}

Status check_storage_class(const Field& field, const Json& value) {
  constexpr std::string_view kClasses[] = {"STANDARD",
                                           "NEARLINE",
                                           "COLDLINE",
                                           "ARCHIVE",
                                           "MULTI_REGIONAL",
                                           "REGIONAL",
                                           "DURABLE_REDUCED_AVAILABILITY"};
  const bool is_known = value.is_string() && std::find(std::begin(kClasses), std::end(kClasses),
                                                       value.as_string()) != std::end(kClasses);
  if (is_known) return {};
  return bad(field.name, "STANDARD, NEARLINE, COLDLINE or ARCHIVE is wanted");
}

Status check_strings(const Field& field, const Json& value) {
  if (!value.is_object()) return bad(field.name, "an object of strings is wanted");
  size_t bytes = 0;
  for (const auto& [key, text] : value.as_object()) {
    if (text.is_null()) continue;
    if (!text.is_string()) return bad(fmt::format("{}.{}", field.name, key), "no string");
    bytes += key.size() + text.as_string().size();
  }
  if (bytes > kLargestMetadata) {
    return bad(field.name,
               fmt::format("keys and values have {} bytes, over {}", bytes, kLargestMetadata));
  }
  return {};
}

Status check_value(const Field& field, const Json& value) {
  switch (field.kind) {
    case Kind::kHeader:
      if (!value.is_string()) return bad(field.name, "a string is wanted");
      if (has_controls(value.as_string())) return bad(field.name, "it has control characters");
      return {};
    case Kind::kString:
      return value.is_string() ? Status() : bad(field.name, "a string is wanted");
    case Kind::kBool:
      return value.is_bool() ? Status() : bad(field.name, "true or false is wanted");
    case Kind::kTime:
      if (value.is_string() && parse_rfc3339(value.as_string())) return {};
      return bad(field.name, "an RFC 3339 time is wanted");
    case Kind::kStrings:
      return check_strings(field, value);
    case Kind::kObject:
      return value.is_object() ? Status() : bad(field.name, "an object is wanted");
    case Kind::kArray:
      return value.is_array() ? Status() : bad(field.name, "an array is wanted");
    case Kind::kStorageClass:
      return check_storage_class(field, value);
  }
  return {};
}

/// Key by key; null removes.
Json merge_strings(const Json& old, const Json& sent) {
  Json merged = Json::object();
  if (old.is_object()) {
    for (const auto& [key, value] : old.as_object()) {
      if (sent.find(key) == nullptr) merged.set(key, value);
    }
  }
  for (const auto& [key, value] : sent.as_object()) {
    if (!value.is_null()) merged.set(key, value);
  }
  return merged;
}

Result<Json> merge(std::span<const Field> fields, const Json& old, const Json& sent, Merge how) {
  if (!sent.is_object()) return bad("(body)", "a JSON object is wanted");
  Json merged = Json::object();
  for (const Field& field : fields) {
    const Json* value = sent.find(field.name);
    if (value == nullptr) {
      const Json* before = old.find(field.name);
      if (how == Merge::kPatch && before != nullptr) merged.set(field.name, *before);
      continue;
    }
    if (value->is_null()) continue;
    RETURN_IF_ERROR(check_value(field, *value));
    const bool adds = field.kind == Kind::kStrings;
    const Json before = how == Merge::kPatch ? old[field.name] : Json();
    Json next = adds ? merge_strings(before, *value) : *value;
    if (!adds || !next.as_object().empty()) merged.set(field.name, std::move(next));
  }
  if (merged.dump().size() > kLargest) {
    return bad("(body)", fmt::format("all settings together have over {} bytes", kLargest));
  }
  return merged;
}

}  // namespace

Result<Json> merge_object_settings(const Json& old, const Json& sent, Merge how) {
  return merge(kObjectFields, old, sent, how);
}

Result<Json> merge_bucket_settings(const Json& old, const Json& sent, Merge how) {
  ASSIGN_OR_RETURN(Json merged, merge(kBucketFields, old, sent, how));
  RETURN_IF_ERROR(Lifecycle::check(merged["lifecycle"]));
  RETURN_IF_ERROR(check_retention_policy(merged["retentionPolicy"]));
  const Json& retention = merged["softDeletePolicy"]["retentionDurationSeconds"];
  if (!retention.is_null()) {
    constexpr int64_t kLongest = 90 * 86400;
    constexpr int64_t kShortest = 7 * 86400;
    const int64_t value = whole_number(retention).value_or(-1);
    if (value != 0 && (value < kShortest || value > kLongest)) {
      return bad("softDeletePolicy.retentionDurationSeconds", "0, or 604800 to 7776000 is wanted");
    }
  }
  return merged;
}

}  // namespace thaw::objects
