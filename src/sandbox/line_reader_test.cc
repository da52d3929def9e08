#include "sandbox/line_reader.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace thaw::sandbox {
namespace {

std::vector<std::string> lines_of(const std::vector<std::string>& chunks) {
  std::vector<std::string> lines;
  LineReader reader([&](std::string_view line) { lines.emplace_back(line); });
  for (const std::string& chunk : chunks) reader.feed(chunk);
  reader.finish();
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineReader, SplitsAtNewlinesWhereverTheChunksEnd) {
  EXPECT_EQ(lines_of({"a\nbc\n"}), (Lines{"a", "bc"}));
  EXPECT_EQ(lines_of({"a", "\n", "b", "c\n"}), (Lines{"a", "bc"}));
  EXPECT_EQ(lines_of({"\n\n"}), (Lines{"", ""}));
  EXPECT_EQ(lines_of({"", ""}), Lines{});
}

TEST(LineReader, DeliversALastLineWithoutAnEnd) {
  EXPECT_EQ(lines_of({"a\nlast"}), (Lines{"a", "last"}));
}

TEST(LineReader, DropsTheCarriageReturnOfCrLf) {
  EXPECT_EQ(lines_of({"a\r", "\nb\rc\r\n"}), (Lines{"a", "b\rc"}));
}

TEST(LineReader, ALongLineComesInPiecesOf64KiB) {
  const std::string full(LineReader::kMaxLine, 'x');
  EXPECT_EQ(lines_of({full + "\n"}), Lines{full});
  EXPECT_EQ(lines_of({full + "y\nz\n"}), (Lines{full, "y", "z"}));
  EXPECT_EQ(lines_of({full, full, "\n"}), (Lines{full, full}));
}

TEST(LineReader, PiecesNeverSplitACharacter) {
  std::string text(LineReader::kMaxLine - 1, 'x');
  const Lines lines = lines_of({text + "\xC3\xA9t\xC3\xA9\n"});
  EXPECT_EQ(lines, (Lines{text, "\xC3\xA9t\xC3\xA9"}));
}

TEST(LineReader, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(lines_of({"a\xFF"
                      "b\n"}),
            Lines{"a\xEF\xBF\xBD"
                  "b"});
  // One replacement per maximal subpart: the Unicode standard's own example, table 3-8.
  EXPECT_EQ(to_valid_utf8("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"
            "b\xEF\xBF\xBD"
            "c\xEF\xBF\xBD\xEF\xBF\xBD"
            "d");
  EXPECT_EQ(to_valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD") << "surrogate";
  EXPECT_EQ(to_valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD") << "overlong";
  EXPECT_EQ(to_valid_utf8("\xF0\x9F\x98\x80"), "\xF0\x9F\x98\x80");
}

TEST(LineReader, TheLinesDoNotDependOnHowTheBytesWereCutUp) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const size_t size = random() % 400;
    for (size_t i = 0; i < size; ++i) {
      const unsigned pick = random() % 8;
      text += pick == 0 ? '\n' : static_cast<char>(random() % 256);
    }
    Lines chunks;
    for (size_t at = 0; at < text.size();) {
      const size_t length = 1 + random() % 30;
      chunks.push_back(text.substr(at, length));
      at += length;
    }
    EXPECT_EQ(lines_of({text}), lines_of(chunks)) << "round " << round;
  }
}

}  // namespace
}  // namespace thaw::sandbox
