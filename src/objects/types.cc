#include "objects/types.h"

#include <algorithm>
#include <charconv>

#include "objects/retention.h"

namespace thaw::objects {

std::optional<int64_t> whole_number(const Json& value) {
  if (value.is_int()) return value.as_int();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.as_string();
  int64_t number = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Duration retention_of(int64_t seconds) {
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kLongestRetention));
}

Duration Bucket::soft_delete() const {
  const Json& retention = settings["softDeletePolicy"]["retentionDurationSeconds"];
  return std::chrono::seconds(whole_number(retention).value_or(0));
}

Duration Bucket::retention() const {
  return retention_of(whole_number(settings["retentionPolicy"]["retentionPeriod"]).value_or(0));
}

std::optional<WallTime> Object::retained_until() const {
  const bool is_held = settings.bool_or("eventBasedHold", false);
  if (retention <= Duration::zero() || is_held) return std::nullopt;
  return hold_released.value_or(created) + retention;
}

Verdict judge(const Preconditions& conditions, int64_t generation, int64_t metageneration) {
  const auto& [is, is_not, meta_is, meta_is_not] = conditions;
  if (is && *is != generation) return Verdict::kFails;
  if (meta_is && (generation == 0 || *meta_is != metageneration)) return Verdict::kFails;
  if (is_not && *is_not == generation) return Verdict::kNotModified;
  if (meta_is_not && generation != 0 && *meta_is_not == metageneration) {
    return Verdict::kNotModified;
  }
  return Verdict::kHolds;
}

Status check(const Preconditions& conditions, int64_t generation, int64_t metageneration) {
  if (judge(conditions, generation, metageneration) == Verdict::kHolds) return {};
  return Error(Code::kFailedPrecondition,
               "At least one of the pre-conditions you specified did not hold.");
}

}  // namespace thaw::objects
