#include "http/body.h"

#include <gtest/gtest.h>

namespace thaw::http {
namespace {

struct Outcome {
  std::string content;
  BodyReader::State state;
  std::string rest;
};

/// Reads `input` in pieces of `size` bytes.
Outcome read(BodyReader reader, std::string_view input, size_t size) {
  Outcome out{"", BodyReader::State::kMore, ""};
  for (size_t begin = 0; begin <= input.size(); begin += size) {
    std::string_view piece = input.substr(begin, size);
    for (;;) {
      const auto step = reader.next(piece);
      out.state = step.state;
      out.content += step.content;
      piece.remove_prefix(step.consumed);
      if (step.state == BodyReader::State::kContent) continue;
      if (step.state != BodyReader::State::kMore) {
        out.rest =
            std::string(piece) + std::string(input.substr(std::min(input.size(), begin + size)));
        return out;
      }
      EXPECT_TRUE(piece.empty()) << "kMore takes all";
      break;
    }
  }
  return out;
}

Outcome chunked(std::string_view input) {
  const Outcome whole = read({Framing::kChunked, 0}, input, input.size() + 1);
  for (const size_t size : {1, 2, 3, 7}) {
    const Outcome pieces = read({Framing::kChunked, 0}, input, size);
    EXPECT_EQ(pieces.content, whole.content) << input;
    EXPECT_EQ(pieces.state, whole.state) << input;
    if (whole.state == BodyReader::State::kDone) {
      EXPECT_EQ(pieces.rest, whole.rest) << input;
    }
  }
  return whole;
}

TEST(Body, ALengthIsCountedAndTheRestIsLeft) {
  for (const size_t size : {1, 2, 100}) {
    const Outcome out = read({Framing::kLength, 5}, "helloGET /", size);
    EXPECT_EQ(out.content, "hello");
    EXPECT_EQ(out.state, BodyReader::State::kDone);
    EXPECT_EQ(out.rest, "GET /");
  }
  EXPECT_EQ(read({Framing::kLength, 0}, "x", 10).rest, "x");
  EXPECT_EQ(read({Framing::kNone, 7}, "x", 10).rest, "x");
}

TEST(Body, UntilCloseTakesEverythingAndMayEndAnywhere) {
  BodyReader reader(Framing::kUntilClose, 0);
  EXPECT_EQ(reader.next("abc").content, "abc");
  EXPECT_FALSE(reader.is_done());
  EXPECT_TRUE(reader.may_end_here());
  EXPECT_FALSE(BodyReader(Framing::kLength, 1).may_end_here());
  EXPECT_FALSE(BodyReader(Framing::kChunked, 0).may_end_here());
}

TEST(Body, ChunksAreJoinedAndTrailersDropped) {
  const Outcome good =
      chunked("3;a=\"b\"\r\none\r\n0B\r\n 345678 two\r\n0\r\nX: y\r\nZ:\r\n\r\nnext");
  EXPECT_EQ(good.content, "one 345678 two");
  EXPECT_EQ(good.state, BodyReader::State::kDone);
  EXPECT_EQ(good.rest, "next");
}

TEST(Body, MalformedChunksAreRefused) {
  for (const char* bad :
       {"\r\n", "x\r\n", "4 \r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1\n", "1\r\r\n",
        "1\r\nab\r\n", "1\r\na\n", "1\r\na\r\r", "fffffffffffffffff\r\n", "0\r\nA: b\n\r\n",
        "0\r\n\n", "0\r\n\rx", "1;a\nb\r\n"}) {
    EXPECT_EQ(chunked(bad).state, BodyReader::State::kBad) << bad;
  }
}

TEST(Body, ExtensionsAndTrailersHaveLimits) {
  EXPECT_EQ(chunked("1;" + std::string(2000, 'x')).state, BodyReader::State::kBad);
  EXPECT_EQ(chunked("0\r\nA: " + std::string(9000, 'x')).state, BodyReader::State::kBad);
  std::string many = "0\r\n";
  for (int i = 0; i < 2000; ++i) many += "A: b\r\n";
  EXPECT_EQ(chunked(many).state, BodyReader::State::kBad);
}

TEST(Body, WhatIsWrittenInChunksIsReadBack) {
  std::string text;
  append_chunk(text, "hello ");
  append_chunk(text, "");
  append_chunk(text, std::string(1000, 'x'));
  text += kLastChunk;
  const Outcome out = chunked(text);
  EXPECT_EQ(out.content, "hello " + std::string(1000, 'x'));
  EXPECT_EQ(out.state, BodyReader::State::kDone);
}

}  // namespace
}  // namespace thaw::http
