// HTTP/1 heads and bodies read any bytes alike, however they arrive, and what is taken is well
// formed. The first byte cuts the input in two.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "http/body.h"
#include "http/head.h"
#include "http/query.h"
#include "http/text.h"

namespace {

using namespace thaw::http;

void check_head(const Head& head, std::string_view text) {
  int lengths = 0;
  for (const HeaderView& header : head.headers) {
    CHECK(is_token(header.name) && is_field_value(header.value), "a malformed header was taken");
    CHECK(header.name.data() >= text.data() && header.name.end() <= text.end(), "view outside");
    CHECK(header.value.empty() || header.value.end() <= text.end(), "view outside");
    lengths += header.id == HeaderId::kContentLength || header.id == HeaderId::kTransferEncoding;
  }
  CHECK(lengths <= 1, "two lengths were taken");
}

/// The body's content, its end's state, and how much of the input was taken.
struct Body {
  std::string content;
  BodyReader::State state = BodyReader::State::kMore;
  size_t taken = 0;
};

void read_body(BodyReader& reader, std::string_view input, Body& body) {
  for (;;) {
    const auto step = reader.next(input);
    CHECK(step.consumed <= input.size(), "more was taken than there is");
    body.content += step.content;
    body.taken += step.consumed;
    body.state = step.state;
    input.remove_prefix(step.consumed);
    if (step.state != BodyReader::State::kContent) return;
  }
}

void check_body(Framing framing, uint64_t length, std::string_view text, size_t cut) {
  BodyReader at_once(framing, length);
  Body whole;
  read_body(at_once, text, whole);
  BodyReader reader(framing, length);
  Body pieces;
  read_body(reader, text.substr(0, cut), pieces);
  if (pieces.state == BodyReader::State::kMore) read_body(reader, text.substr(cut), pieces);
  CHECK(whole.content == pieces.content && whole.state == pieces.state, "a cut changes the body");
  CHECK(whole.taken == pieces.taken || whole.state == BodyReader::State::kBad,
        "a cut moves its end");
}

/// `parse(parser, text)` for both parsers.
template <class Parser, class Parse>
void check_parser(std::string_view text, size_t cut, Parse parse) {
  Parser whole;
  const ParseState at_once = parse(whole, text);
  Parser parser;
  ParseState state = parse(parser, text.substr(0, cut));
  if (state == ParseState::kNeedMore) state = parse(parser, text);
  CHECK(state == at_once, "a cut changes what is taken");
  if (state == ParseState::kBad) {
    CHECK(!parser.fault().reason.empty() && parser.fault().status >= 400, "a refusal says why");
  }
  if (state != ParseState::kDone) return;
  CHECK(parser.length() == whole.length() && parser.length() <= text.size(), "a cut moves the end");
  check_head(whole.head(), text);
  const std::string_view rest = text.substr(whole.length());
  check_body(whole.head().framing, whole.head().content_length, rest, std::min(cut, rest.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t cut = std::min<size_t>(data[0], text.size());
  check_parser<RequestParser>(text, cut, [](RequestParser& parser, std::string_view input) {
    const ParseState state = parser.parse(input);
    if (state == ParseState::kDone) {
      CHECK(!parser.head().origin_form().empty(), "a request has a target");
      (void)parse_query(parser.head().target);
    }
    return state;
  });
  check_parser<ResponseParser>(text, cut, [](ResponseParser& parser, std::string_view input) {
    return parser.parse(input, false);
  });
  check_body(Framing::kChunked, 0, text, cut);
  const auto decoded = percent_decode(text);
  if (decoded) CHECK(decoded->size() <= text.size(), "decoding makes it no longer");
  CHECK(percent_decode(percent_encode(text)) == text, "escapes go there and back");
  return 0;
}
