// The tokenizer.json reader refuses or accepts any bytes, and what it accepts tokenizes any text;
// tokens lie inside the text, in order.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tokenize/tokenizer.h"
#include "tokenize/unicode.h"

namespace {

void check_tokens(const thaw::tokenize::Tokenizer& tokenizer, std::string_view text) {
  const auto size = static_cast<int32_t>(thaw::tokenize::decode_utf8(text).size());
  int32_t word = 0;
  for (const auto& token : tokenizer.tokenize(text)) {
    CHECK(token.begin >= 0 && token.begin <= token.end && token.end <= size, "inside the text");
    CHECK(token.word >= word, "words go up");
    word = token.word;
  }
  constexpr size_t kRoom = 8;
  const auto encoding = tokenizer.encode_pair(text, text, kRoom);
  CHECK(encoding.items.size() <= std::max(kRoom, tokenizer.specials_of_pair()), "cut to the room");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // A tokenizer, a line of dashes, a text; or either alone.
  const size_t line = text.find("\n---\n");
  const auto made = thaw::tokenize::Tokenizer::parse(text.substr(0, line));
  if (!made) {
    CHECK(!made.error().message().empty(), "a refusal says why");
    return 0;
  }
  check_tokens(*made, line == std::string_view::npos ? text : text.substr(line));
  return 0;
}
