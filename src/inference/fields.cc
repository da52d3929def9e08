#include "inference/fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"

namespace thaw::inference {

Fields::Fields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {
  if (object_.is_object()) return;
  std::string name = where_.empty() ? "the body" : where_.substr(0, where_.size() - 1);
  status_ = Error(Code::kInvalidArgument, fmt::format("{}: must be a JSON object", name));
}

void Fields::fault(std::string_view name, std::string_view what) {
  if (!status_) return;
  status_ = Error(Code::kInvalidArgument, fmt::format("{}{}: {}", where_, name, what));
}

const Json* Fields::any(std::string_view name) {
  known_.emplace_back(name);
  const Json* found = object_.find(name);
  return found == nullptr || found->is_null() ? nullptr : found;
}

bool Fields::is_null(std::string_view name) const {
  const Json* found = object_.find(name);
  return found != nullptr && found->is_null();
}

std::optional<std::string> Fields::text(std::string_view name) {
  const Json* found = any(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return found->as_string();
  fault(name, "must be a string");
  return std::nullopt;
}

std::optional<bool> Fields::flag(std::string_view name) {
  const Json* found = any(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_bool()) return found->as_bool();
  fault(name, "must be true or false");
  return std::nullopt;
}

std::optional<int> Fields::whole(std::string_view name, int least, int most) {
  const Json* found = any(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_int() && found->as_int() >= least && found->as_int() <= most) {
    return static_cast<int>(found->as_int());
  }
  fault(name,
        fmt::format("{:.40} must be a whole number from {} to {}", found->dump(), least, most));
  return std::nullopt;
}

Status Fields::finish() {
  if (!object_.is_object()) return status_;
  // Before what is missing: it may be the missing one, misspelt.
  for (const auto& [name, value] : object_.as_object()) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const std::vector<std::string_view> names(known_.begin(), known_.end());
    const auto near = nearest(name, names);
    return Error(Code::kInvalidArgument,
                 fmt::format("{}{:.80}: unknown field{}", where_, name,
                             near ? fmt::format("; did you mean '{}'?", *near) : ""));
  }
  return status_;
}

}  // namespace thaw::inference
