// Normalizer: what a text goes through before it is split into words, and where in the text each
// character of the outcome comes from.
//
// Thread: any, once made. Owner: values. Limits: none beside the memory for the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::tokenize {

/// A text after normalization; origin[i] is the code point of the text that codes[i] comes from.
struct Normalized {
  std::u32string codes;
  std::vector<int32_t> origin;

  void add(char32_t code, int32_t from) {
    codes += code;
    origin.push_back(from);
  }
};

/// What words are looked for in: of a normalized text, or of the text itself (origin null).
struct TextPart {
  std::u32string_view codes;
  const int32_t* origin = nullptr;
  int32_t first = 0;  // the code point of the text that codes begin at, where origin is null

  int32_t origin_of(size_t i) const { return origin ? origin[i] : first + static_cast<int32_t>(i); }
};

class Normalizer {
 public:
  enum class Step {
    kClean,            // BERT: controls go, white space becomes a space
    kSplitIdeographs,  // BERT: a space on both sides of each
    kDecompose,        // NFD
    kDropNonspacing,   // marks of the category Mn
    kDropMarks,        // all marks
    kLowerCase,
  };
  void add(Step step) { steps_.push_back(step); }
  bool changes_nothing() const { return steps_.empty(); }
  /// Of text[begin, end).
  Normalized run(std::u32string_view text, size_t begin, size_t end) const;

 private:
  std::vector<Step> steps_;
};

}  // namespace thaw::tokenize
