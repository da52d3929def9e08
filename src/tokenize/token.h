// Token and Encoding: a text as a model reads it. Thread: any. Owner: values.
#pragma once

#include <cstdint>
#include <vector>

namespace thaw::tokenize {

/// Offsets are code points of the text that was given.
struct Token {
  int32_t id = 0;
  int32_t begin = 0;
  int32_t end = 0;
  int32_t word = 0;  // which word of the text it belongs to, from 0
  bool operator==(const Token&) const = default;
};

/// What a model gets: tokens of one or two texts with the special ones between them.
struct Encoding {
  struct Item {
    Token token;            // of a special token: begin, end 0 and word -1
    int32_t type = 0;       // the segment that the model is told
    int32_t sequence = -1;  // which text, 0 or 1; -1: a special token
  };
  std::vector<Item> items;
};

}  // namespace thaw::tokenize
