#include "predict/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Rows = std::vector<std::vector<std::string>>;

Rows read_all(std::string_view text) {
  CsvReader reader(text);
  Rows rows;
  for (;;) {
    const auto more = reader.next();
    EXPECT_TRUE(more) << more.error().message();
    if (!more || !*more) return rows;
    rows.emplace_back(reader.fields().begin(), reader.fields().end());
  }
}

std::string fault_of(std::string_view text) {
  CsvReader reader(text);
  for (;;) {
    const auto more = reader.next();
    if (!more) return more.error().message();
    if (!*more) return "";
  }
}

TEST(Csv, TakesAllThreeLineEnds) {
  const Rows expected = {{"a", "b"}, {"1", "2"}, {"3", "4"}};
  EXPECT_EQ(read_all("a,b\n1,2\n3,4\n"), expected);
  EXPECT_EQ(read_all("a,b\r\n1,2\r\n3,4"), expected);
  EXPECT_EQ(read_all("a,b\r1,2\r3,4\r"), expected);
}

TEST(Csv, PassesOverTheByteOrderMarkAndBlankLines) {
  EXPECT_EQ(read_all("\xef\xbb\xbf\n\r\na,b\n\n\n1,2\n\n"), (Rows{{"a", "b"}, {"1", "2"}}));
}

TEST(Csv, KeepsEmptyFieldsAndSpaces) {
  EXPECT_EQ(read_all(",\n a , b \n\"\",x\n"), (Rows{{"", ""}, {" a ", " b "}, {"", "x"}}));
}

TEST(Csv, UnquotesCommasLineEndsAndDoubledQuotes) {
  EXPECT_EQ(read_all("\"a,b\",\"say \"\"hi\"\"\"\n\"two\r\nlines\",\"\"\"\"\n"),
            (Rows{{"a,b", "say \"hi\""}, {"two\r\nlines", "\""}}));
}

TEST(Csv, CountsLinesThroughQuotedOnes) {
  CsvReader reader("h\n\n\"two\nlines\"\nlast\n");
  std::vector<int64_t> lines;
  while (reader.next().value()) lines.push_back(reader.line());
  EXPECT_THAT(lines, ElementsAre(1, 3, 5));
}

TEST(Csv, RefusesBrokenQuotingWithItsLine) {
  EXPECT_EQ(fault_of("a\n\"open\n\n"), "line 2: a quoted value has no closing quote");
  EXPECT_THAT(fault_of("a\nx\"y\n"), HasSubstr("line 2: a quote in the middle of the value"));
  EXPECT_THAT(fault_of("\"a\"b\n"), HasSubstr("line 1: text after the closing quote of 'a'"));
}

TEST(Csv, HasALimitOnTheLengthOfALineAndOnItsFields) {
  const std::string longest(CsvReader::kMaxRecordBytes, 'x');
  EXPECT_EQ(fault_of(longest), "");
  EXPECT_EQ(fault_of(longest + "x"), "line 1: the line is longer than 64 KiB");
  for (const char* end : {"\"", "xyz\"", "\"\"\"", "x"}) {
    EXPECT_EQ(fault_of("\"" + longest + end), "line 1: the line is longer than 64 KiB") << end;
  }
  EXPECT_EQ(fault_of(std::string(CsvReader::kMaxFields - 1, ',')), "");
  EXPECT_EQ(fault_of(std::string(CsvReader::kMaxFields, ',')),
            "line 1: the line has more than 256 values");
}

TEST(Csv, QuotesOnlyFieldsThatNeedIt) {
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(csv_field("a\rb"), "\"a\rb\"");
}

}  // namespace
}  // namespace thaw::predict
