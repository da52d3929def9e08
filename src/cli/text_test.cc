#include "cli/text.h"

#include <gtest/gtest.h>

#include "cli/table.h"

namespace thaw::cli {
namespace {

TEST(Text, ControlCharactersAreShownNotSent) {
  EXPECT_EQ(escape_controls("a\x1b[31mred\x07", Keep::kLinesAndTabs), "a\\x1b[31mred\\x07");
  EXPECT_EQ(escape_controls("a\nb\tc\rd", Keep::kLinesAndTabs), "a\nb\tc\\x0dd");
  EXPECT_EQ(escape_controls("a\nb\tc", Keep::kNothing), "a\\x0ab\\x09c");
  EXPECT_EQ(escape_controls(std::string("\0\x7f", 2), Keep::kNothing), "\\x00\\x7f");
}

TEST(Text, TheSecondControlSetIsShownInBothItsForms) {
  // U+009B is CSI: as UTF-8, and as the byte an 8-bit terminal would take for it.
  EXPECT_EQ(escape_controls("\xc2\x9b"
                            "31m",
                            Keep::kNothing),
            "\\x9b31m");
  EXPECT_EQ(escape_controls("\x9b"
                            "31m",
                            Keep::kNothing),
            "\\x9b31m");
}

TEST(Text, BidirectionalOverridesAreShown) {
  EXPECT_EQ(escape_controls("a\u202eb\u2066", Keep::kNothing), "a\\u202eb\\u2066");
}

TEST(Text, WhatIsNoUtf8IsShownByteByByte) {
  EXPECT_EQ(escape_controls("\xff\xc3", Keep::kNothing), "\\xff\\xc3");
  EXPECT_EQ(escape_controls("\xc0\x80", Keep::kNothing), "\\xc0\\x80");           // overlong
  EXPECT_EQ(escape_controls("\xed\xa0\x80", Keep::kNothing), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(escape_controls("\xf4\x90\x80\x80", Keep::kNothing), "\\xf4\\x90\\x80\\x80");
  EXPECT_EQ(escape_controls("ü€😀", Keep::kNothing), "ü€😀");
}

TEST(Text, CuttingCountsColumnsAndNeverSplitsACharacter) {
  EXPECT_EQ(cut_to("äöü", 3), "äöü");
  EXPECT_EQ(cut_to("äöüß", 3), "äö…");
  EXPECT_EQ(cut_to("abc", 0), "");
  EXPECT_EQ(cut_to("abc", 1), "…");
}

TEST(Text, ColourTakesNoColumns) {
  EXPECT_EQ(columns_of(Style(Style::Colour::kOn).red("abc")), 3u);
  EXPECT_EQ(Style(Style::Colour::kOff).red("abc"), "abc");
}

TEST(Text, WrappingKeepsLinesAndLetsLongWordsStand) {
  EXPECT_EQ(wrap_lines("aa bb cc", 5), (std::vector<std::string>{"aa bb", "cc"}));
  EXPECT_EQ(wrap_lines("one\n\ntwo", 10), (std::vector<std::string>{"one", "", "two"}));
  EXPECT_EQ(wrap_lines("a very-long-word b", 4),
            (std::vector<std::string>{"a", "very-long-word", "b"}));
  EXPECT_EQ(wrap_lines("", 5), (std::vector<std::string>{""}));
  EXPECT_EQ(wrap_lines("  a   b c  ", 7), (std::vector<std::string>{"  a   b", "c"}));
}

TEST(Text, AgesAreInOneUnit) {
  EXPECT_EQ(format_age(-3), "0 s ago");
  EXPECT_EQ(format_age(59.9), "59 s ago");
  EXPECT_EQ(format_age(3599), "59 min ago");
  EXPECT_EQ(format_age(47 * 3600), "47 h ago");
  EXPECT_EQ(format_age(49 * 3600), "2 d ago");
}

TEST(Table, ColumnsAlignAndNoLineEndsInBlanks) {
  Table table({{.title = "NAME"}, {.title = "N", .align = Align::kRight}, {.title = "X"}});
  table.add_row({"a", "1", ""});
  table.add_row({"longer", "100", "y"});
  EXPECT_EQ(table.text(0, Style(Style::Colour::kOff)),
            "NAME      N  X\n"
            "a         1\n"
            "longer  100  y\n");
}

TEST(Table, OnlyShrinkingColumnsAreCutAndTheWidestFirst) {
  Table table(
      {{.title = "NAME"}, {.title = "A", .may_shrink = true}, {.title = "B", .may_shrink = true}});
  table.add_row({"name", std::string(30, 'a'), std::string(12, 'b')});
  const std::string text = table.text(40, Style(Style::Colour::kOff));
  EXPECT_NE(text.find("name  aaaaaaaaaaaaaaaaaaa…  bbbbbbbbbbbb\n"), std::string::npos) << text;
}

TEST(Table, ATerminalTooNarrowKeepsTheNames) {
  Table table({{.title = "NAME"}, {.title = "A", .may_shrink = true}});
  table.add_row({std::string(30, 'n'), std::string(30, 'a')});
  const std::string text = table.text(10, Style(Style::Colour::kOff));
  EXPECT_NE(text.find(std::string(30, 'n') + "  aaaaaaa…"), std::string::npos) << text;
}

}  // namespace
}  // namespace thaw::cli
