// SpecialTokens: tokens that are cut out of a text before it is split, such as [MASK] or <mask>.
//
// Thread: any, once made. Owner: values. Limits: 10,000 of them are fine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::tokenize {

struct SpecialToken {
  std::u32string text;
  int32_t id = 0;
  bool takes_space_left = false;   // "lstrip": white space before it belongs to it
  bool takes_space_right = false;  // "rstrip"
  bool single_word = false;        // not within a word
};

class SpecialTokens {
 public:
  void add(SpecialToken token);

  struct Match {
    size_t begin = 0, end = 0;  // with the white space that it takes
    int32_t id = 0;
  };
  /// The first match at or after `from`; of several at one place the longest.
  std::optional<Match> next(std::u32string_view text, size_t from) const;
  bool contains(int32_t id) const;

 private:
  std::vector<SpecialToken> tokens_;  // the longest first
  std::u32string first_letters_;
};

}  // namespace thaw::tokenize
