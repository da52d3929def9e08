// ListQuery: one page of a listing, its place (token) and the pattern language of matchGlob. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: 1000 items a page; a pattern of 1024 bytes with
// at most 64 alternatives.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "objects/types.h"

namespace thaw::objects {

struct ListQuery {
  std::string bucket;
  std::string prefix;
  std::string delimiter;
  std::string start;  // first name, included
  std::string end;    // first name that is not listed; "": none
  std::string glob;
  std::string token;
  int limit = 1000;  // 1 to 1000
  enum class Which { kLive, kVersions, kSoftDeleted } which = Which::kLive;
  enum class Trailing { kFolded, kListedToo } trailing = Trailing::kFolded;
};

struct Listing {
  std::vector<Object> objects;
  std::vector<std::string> prefixes;
  std::string next_token;  // "": that was all
};

/// The first name after all that begin with `prefix`; "" when there is none.
std::string after_prefix(std::string_view prefix);

/// Where a listing goes on.
struct Place {
  std::string name;        // the first to look at
  int64_t generation = 0;  // of it, the first to look at
};
std::string place_token(const Place& place);
/// kInvalidArgument: not one of ours.
Result<Place> parse_place(std::string_view token);

/// '*' is any run without '/', '**' any run, '?' one character but '/', [a-z], [!a-z], {one,two}.
class Glob {
 public:
  /// kInvalidArgument: an open bracket or brace, or too large.
  static Result<Glob> compile(std::string_view pattern);
  bool matches(std::string_view name) const;
  /// What every match begins with.
  const std::string& literal_prefix() const { return literal_prefix_; }

 private:
  std::vector<std::string> alternatives_;  // without braces
  std::string literal_prefix_;
};

}  // namespace thaw::objects
