#include "objects/retention.h"

#include <fmt/format.h>

namespace thaw::objects {
namespace {

constexpr const char* kPolicy = "retentionPolicy";

int64_t period_of(const Json& policy) {
  return whole_number(policy["retentionPeriod"]).value_or(0);
}

}  // namespace

Status check_may_go(const Object& object, WallTime now) {
  for (const char* hold : {"temporaryHold", "eventBasedHold"}) {
    if (!object.settings.bool_or(hold, false)) continue;
    return Error(Code::kPermissionDenied,
                 fmt::format("Object '{}/{}' is under a hold ({}) and cannot be deleted, "
                             "overwritten or archived until the hold is removed.",
                             object.bucket, object.name, hold));
  }
  const auto until = object.retained_until();
  if (!until || *until <= now) return {};
  return Error(Code::kPermissionDenied,
               fmt::format("Object '{}/{}' is subject to bucket's retention policy and cannot be "
                           "deleted, overwritten or archived until {}",
                           object.bucket, object.name, format_rfc3339(*until)));
}

Status check_retention_policy(const Json& policy) {
  if (policy.is_null()) return {};
  const auto period = whole_number(policy["retentionPeriod"]);
  if (period && *period >= 1 && *period <= kLongestRetention) return {};
  return Error(
      Code::kInvalidArgument,
      fmt::format("Invalid value for field 'retentionPolicy.retentionPeriod': seconds from "
                  "1 to {} are wanted, not {}",
                  kLongestRetention, policy["retentionPeriod"].dump().substr(0, 80)));
}

Result<Json> keep_retention_policy(const Json& before, Json after, WallTime now) {
  const Json& old = before[kPolicy];
  const Json sent = after[kPolicy];
  const bool is_locked = old.bool_or("isLocked", false);
  const int64_t period = period_of(sent);
  if (is_locked && period < period_of(old)) {
    return Error(Code::kPermissionDenied,
                 fmt::format("retentionPolicy: it is locked at {} seconds and can be neither "
                             "removed nor shortened",
                             period_of(old)));
  }
  if (sent.is_null()) return after;
  RETURN_IF_ERROR(check_retention_policy(sent));
  if (sent.bool_or("isLocked", false) && !is_locked) {
    return Error(Code::kInvalidArgument,
                 "Invalid value for field 'retentionPolicy.isLocked': true; a policy is locked by "
                 "POST .../lockRetentionPolicy?ifMetagenerationMatch=N");
  }
  const bool is_same = period == period_of(old) && old["effectiveTime"].is_string();
  Json kept = Json::object(
      {{"retentionPeriod", std::to_string(period)},
       {"effectiveTime", is_same ? old["effectiveTime"].as_string() : format_rfc3339(now)}});
  if (is_locked) kept.set("isLocked", true);
  after.set(kPolicy, std::move(kept));
  return after;
}

Result<Json> lock_retention_policy(const Json& settings) {
  Json policy = settings[kPolicy];
  if (!policy.is_object()) {
    return Error(Code::kInvalidArgument, "The bucket has no retentionPolicy that could be locked");
  }
  policy.set("isLocked", true);
  Json locked = settings;
  locked.set(kPolicy, std::move(policy));
  return locked;
}

}  // namespace thaw::objects
