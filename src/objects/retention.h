// Retention: what keeps an object from being deleted, replaced or archived: a hold, or its bucket's
// retention period. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: a period of 1 second to 100 years.
// Source: Cloud Storage's "Bucket Lock" and "object holds".
#pragma once

#include <cstdint>

#include "objects/types.h"

namespace thaw::objects {

inline constexpr int64_t kLongestRetention = 3'155'760'000;  // seconds

/// kPermissionDenied says what keeps the object, and until when.
Status check_may_go(const Object& object, WallTime now);

/// kInvalidArgument names the field of a bucket's `retentionPolicy` that is wrong.
Status check_retention_policy(const Json& policy);

/// The settings that a bucket gets when `before` become `after` at `now`: the policy's
/// effectiveTime is ours to write, and its lock stays. kPermissionDenied: a locked policy would be
/// removed or shortened. kInvalidArgument: it would be locked, for which there is a call.
Result<Json> keep_retention_policy(const Json& before, Json after, WallTime now);

/// The settings of a bucket once its policy is locked. kInvalidArgument: it has none.
Result<Json> lock_retention_policy(const Json& settings);

}  // namespace thaw::objects
