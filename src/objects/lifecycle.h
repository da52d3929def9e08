// Lifecycle: what a bucket's rules say about one object at one time. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: 100 rules; a rule with an unknown action or
// condition does nothing, and check() refuses to set one.
// Source: Cloud Storage's "object lifecycle management".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "objects/types.h"

namespace thaw::objects {

class Lifecycle {
 public:
  struct Action {
    enum Kind { kNone, kDelete, kSetClass } kind = kNone;
    std::string storage_class;
  };
  /// kInvalidArgument names the rule and the field.
  static Status check(const Json& lifecycle);
  static Lifecycle read(const Json& lifecycle);

  bool empty() const { return rules_.empty(); }
  /// `newer`: how many versions of its name are newer. Deleting wins over changing the class; of
  /// several classes the coldest wins, and an object never gets a warmer one, so that it cannot go
  /// to and fro between two rules.
  Action judge(const Object& object, int64_t newer, WallTime now) const;

 private:
  struct Rule {
    Action action;
    std::optional<int64_t> age_days;
    std::optional<int64_t> newer_versions;
    std::optional<int64_t> days_noncurrent;
    std::optional<int64_t> days_since_custom;
    std::optional<bool> is_live;
    std::optional<WallTime> created_before;
    std::optional<WallTime> noncurrent_before;
    std::optional<WallTime> custom_before;
    std::vector<std::string> storage_classes;
    std::vector<std::string> prefixes;
    std::vector<std::string> suffixes;
  };
  static Result<Rule> read_rule(const Json& rule);
  static bool fits(const Rule& rule, const Object& object, int64_t newer, WallTime now);

  std::vector<Rule> rules_;
};

}  // namespace thaw::objects
