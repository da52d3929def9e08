#include "predict/panel_chunks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "predict/forecast_options.h"
#include "predict/forecast_sheet.h"

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Feeds `text` in pieces of `size`; the chunks, or the fault as the last one.
std::vector<std::string> cut(const std::string& text, size_t size) {
  PanelChunks chunks;
  std::vector<std::string> found;
  for (size_t at = 0;; at += size) {
    if (at >= text.size()) chunks.end();
    if (at < text.size()) chunks.feed(std::string_view(text).substr(at, size));
    for (;;) {
      auto chunk = chunks.next();
      if (!chunk) {
        found.push_back("! " + chunk.error().message());
        return found;
      }
      if (!*chunk) break;
      found.push_back((*chunk)->csv);
    }
    if (at >= text.size()) return found;
  }
}

TEST(PanelChunks, HoldWholeSeriesWhereverTheBytesAreCut) {
  std::string text =
      "\xef\xbb\xbf"
      "ds,Unique_ID,y\r\n";
  for (int i = 0; i < 600; ++i) {
    for (int day = 1; day < 4; ++day) {
      text += "2024-01-0" + std::to_string(day) + ",\"a \"\"line\"\"\n" + std::to_string(i) +
              "\",1\r\n";
    }
  }
  for (const size_t size : {size_t{1} << 20, size_t{997}, size_t{7}}) {
    const auto chunks = cut(text, size);
    ASSERT_EQ(chunks.size(), 3u) << size;
    std::string whole = text.substr(0, text.find('\n') + 1);
    const std::string header = whole;
    for (const std::string& chunk : chunks) {
      ASSERT_TRUE(chunk.starts_with(header));
      whole += chunk.substr(header.size());
    }
    EXPECT_EQ(whole, text) << size;
  }
}

TEST(PanelChunks, HaveNoMoreSeriesThanTheyMay) {
  PanelChunks chunks(2);
  chunks.feed("unique_id,ds,y\na,2024-01-01,1\nb,2024-01-01,1\nc,2024-01-01,1\n");
  chunks.end();
  EXPECT_EQ(chunks.next().value()->series, 2u);
  EXPECT_EQ(chunks.next().value()->csv, "unique_id,ds,y\nc,2024-01-01,1\n");
  EXPECT_FALSE(chunks.next().value());
}

TEST(PanelChunks, AnIdThatBeginsAnotherIsAnotherSeries) {
  const std::string text = "unique_id,ds,y\na1,2024-01-01,1\na12,2024-01-01,1\na12,2024-01-02,1\n";
  for (size_t size = 1; size <= text.size(); ++size) {
    EXPECT_THAT(cut(text, size), ElementsAre(text)) << size;
  }
  EXPECT_THAT(cut("unique_id,ds,y", 3), ElementsAre());
}

TEST(PanelChunks, WhatCannotBeCutIsToldWithItsLine) {
  const auto fault = [](const std::string& text) { return cut(text, 10).back(); };
  EXPECT_THAT(fault("ds,y\n2024-01-01,1\n"), HasSubstr("line 1: the header names no column"));
  EXPECT_THAT(fault("unique_id,ds,y\na,1,1\nb,1,1\na,2,1\n"),
              HasSubstr("line 4: the rows of unique_id 'a' do not stand together"));
  EXPECT_THAT(fault("ds,y,unique_id\n1,2,a\n1\n"), HasSubstr("line 3: the line is too short"));
  EXPECT_THAT(fault("unique_id,ds,y\na,\"1,1\n"), HasSubstr("closing quote"));
  EXPECT_THAT(fault(""), HasSubstr("the file is empty"));
}

TEST(PanelChunks, ASeriesThatIsTooLargeIsRefusedBeforeItIsHeld) {
  PanelChunks chunks;
  chunks.feed("unique_id,ds,y\n");
  std::string rows;
  while (rows.size() < 1 << 20) rows += "a,2024-01-01 00:00:00,123456\n";
  size_t fed = 0;
  for (;;) {
    const auto chunk = chunks.next();
    if (!chunk) {
      EXPECT_THAT(chunk.error().message(), HasSubstr("has more than 32 MiB of rows"));
      break;
    }
    ASSERT_FALSE(*chunk);
    chunks.feed(rows);
    fed += rows.size();
    ASSERT_LT(fed, PanelChunks::kMostSeriesBytes + (2u << 20));
  }
}

TEST(ForecastSheet, LaterPiecesGoUnderTheColumnsOfTheFirst) {
  ForecastSheet sheet;
  EXPECT_EQ(*sheet.add("unique_id,ds,yhat,weekly\n\"a,b\",2024-01-01,1,2\n"),
            "unique_id,ds,yhat,weekly,additive_terms,yearly,daily\n\"a,b\",2024-01-01,1,2,,,\n");
  EXPECT_EQ(*sheet.add("unique_id,ds,yearly,yhat,strange\nc,2024-01-01,3,4,5\n"),
            "c,2024-01-01,4,,,3,\n");
  EXPECT_THAT(sheet.left_out(), ElementsAre("strange"));
}

TEST(ForecastSheet, HoldsAsManyColumnsAsAForecastMayHave) {
  std::string names = "unique_id,ds,yhat", values = "a,2024-01-01,1";
  for (size_t i = 0; i < kMaxHolidayNames + 2 * kMaxTerms; ++i) {
    names += ",feast" + std::to_string(i);
    values += ",0.123456789";
  }
  ForecastSheet sheet;
  const auto rows = sheet.add(names + "\n" + values + "\n");
  ASSERT_TRUE(rows) << rows.error().message();
  EXPECT_THAT(*rows, HasSubstr(",feast699,"));
}

}  // namespace
}  // namespace thaw::predict
