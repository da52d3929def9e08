#include "objects/types.h"

#include <charconv>

namespace thaw::objects {

Duration Bucket::soft_delete() const {
  const Json& retention = settings["softDeletePolicy"]["retentionDurationSeconds"];
  int64_t seconds = retention.is_int() ? retention.as_int() : 0;
  if (retention.is_string()) {
    const std::string& text = retention.as_string();
    std::from_chars(text.data(), text.data() + text.size(), seconds);
  }
  return std::chrono::seconds(seconds);
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
