// AddedTokens: tokens that are cut out of a text before it is split, such as [MASK] or <mask>.
//
// They are found as by the library `tokenizers`: from the left, of several at one place the
// longest; one that must not be within a word, and is, hides all that overlap it.
// Thread: any, once made. Owner: values. Limits: 10,000 of them are fine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::tokenize {

struct AddedToken {
  std::u32string text;  // that is looked for
  int32_t id = 0;
  bool takes_space_left = false;   // "lstrip": white space before it belongs to it
  bool takes_space_right = false;  // "rstrip"
  bool single_word = false;        // not within a word
};

class AddedTokens {
 public:
  void add(AddedToken token);
  bool is_empty() const { return tokens_.empty(); }

  struct Match {
    size_t begin = 0, end = 0;  // with the white space that it takes
    int32_t id = 0;
  };
  /// The first match at or after `from`.
  std::optional<Match> next(std::u32string_view text, size_t from) const;

 private:
  const AddedToken* longest_at(std::u32string_view text) const;

  std::vector<AddedToken> tokens_;  // the longest first
  std::u32string first_letters_;
};

}  // namespace thaw::tokenize
