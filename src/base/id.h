// Id<Tag>: names that must not be mixed up. Thread: any. Owner: values.
#pragma once

#include <compare>
#include <functional>
#include <string>
#include <utility>

namespace thaw {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}

  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string text_;
};

/// A service's name, e.g. "forecaster": unique in a data directory.
using ServiceId = Id<struct ServiceTag>;
/// A revision's name, e.g. "forecaster-00001-abc": unique in a data directory.
using RevisionId = Id<struct RevisionTag>;
/// An instance's name, e.g. "forecaster-00001-abc-5f3a9c": never used twice.
using InstanceId = Id<struct InstanceTag>;

}  // namespace thaw

template <class Tag>
struct std::hash<thaw::Id<Tag>> {
  size_t operator()(const thaw::Id<Tag>& id) const { return std::hash<std::string>()(id.str()); }
};
