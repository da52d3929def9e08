#include "predict/series.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string csv_fault(std::string_view text) {
  const auto series = parse_series_csv(text);
  EXPECT_FALSE(series) << text;
  return series ? "" : series.error().message();
}

std::string json_fault(std::string_view text) {
  const auto series = parse_series_json(Json::parse(text).value(), "history");
  EXPECT_FALSE(series) << text;
  return series ? "" : series.error().message();
}

TEST(SeriesCsv, FindsItsColumnsInAnyCaseAndOrderAndNamesTheOthers) {
  const auto series =
      parse_series_csv("shop, Y ,DATE,note\nA,1.5,2020-01-02,x\nB,-2e3,2020-01-01,\n");
  ASSERT_TRUE(series) << series.error().message();
  EXPECT_THAT(series->y, ElementsAre(1.5, -2000));
  EXPECT_EQ(format_timestamp(series->ds[1], ClockPart::kShortest), "2020-01-01");
  ASSERT_EQ(series->columns.size(), 2u);
  EXPECT_EQ(series->columns[0].name, "shop");
  EXPECT_EQ(series->columns[1].name, "note");
  EXPECT_EQ(numeric_column(*series, "note").error().message(),
            "column 'note': line 2: 'x' is no number");
}

TEST(SeriesCsv, TakesMissingValuesInEveryUsualSpelling) {
  const auto series = parse_series_csv(
      "ds,y\n2020-01-01,\n2020-01-02, \n2020-01-03,NA\n2020-01-04,nan\n2020-01-05,NULL\n"
      "2020-01-06,+7\n2020-01-07,#N/A\n2020-01-08,<NA>\n2020-01-09,None\n2020-01-10,n/a\n");
  ASSERT_TRUE(series) << series.error().message();
  for (size_t i = 0; i < series->size(); ++i) EXPECT_EQ(std::isnan(series->y[i]), i != 5) << i;
  EXPECT_EQ(series->y[5], 7);
  EXPECT_THAT(csv_fault("ds,y\n2020-01-01,+-7\n"), HasSubstr("'+-7' is no number"));
}

TEST(SeriesCsv, NamesLineColumnAndValueOfAFault) {
  EXPECT_EQ(csv_fault("ds,y\n2020-01-01,1\n\n2020-01-02,abc\n"),
            "line 4: column 'y': 'abc' is no number");
  EXPECT_EQ(csv_fault("ds,y\n2020-01-01,\"1,157\"\n"),
            "line 2: column 'y': '1,157' is no number: write it with a decimal point and without "
            "thousands marks");
  EXPECT_THAT(csv_fault("Date,y\n01/02/2020,1\n"),
              HasSubstr("line 2: column 'Date': '01/02/2020' is no date"));
  EXPECT_THAT(csv_fault("ds,y\n2020-01-01,inf\n"), HasSubstr("'inf' is not finite"));
  EXPECT_THAT(csv_fault("ds,y\n2020-01-01,1e999\n"), HasSubstr("'1e999' is not finite"));
  EXPECT_EQ(csv_fault("ds,y\n2020-01-01\n"), "line 2: 1 values where the header has 2 columns");
  EXPECT_THAT(csv_fault(std::string("ds,y\n2020-01-01,\x01\n")), HasSubstr("'\\x01'"));
  EXPECT_THAT(csv_fault("ds,y\n2020-01-01," + std::string(1000, '9') + "x\n"), HasSubstr("...'"));
}

TEST(SeriesCsv, SaysWhatIsWrongWithAHeader) {
  EXPECT_EQ(csv_fault(""), "the file is empty: it needs the columns ds,y");
  EXPECT_EQ(csv_fault("\n\n"), "the file is empty: it needs the columns ds,y");
  EXPECT_EQ(csv_fault("time,y\n"),
            "line 1: no column 'ds' or 'date': the header names 'time', 'y'");
  EXPECT_EQ(csv_fault("ds,value\n"), "line 1: no column 'y': the header names 'ds', 'value'");
  EXPECT_THAT(csv_fault("2020-01-01,5\n"), HasSubstr("put a line 'ds,y' before it"));
  EXPECT_THAT(csv_fault("ds;y\n2020-01-01;5\n"), HasSubstr("separate the columns by commas"));
  EXPECT_THAT(csv_fault("ds,date,y\n"), HasSubstr("the columns 1 and 2"));
  EXPECT_EQ(csv_fault("ds,y,gr\xf6\xdf"
                      "e\n"),
            "line 1: the name 'gr\\xf6\\xdfe' of column 3 is no UTF-8: save the file as UTF-8");
  EXPECT_THAT(csv_fault("\xff\xfe"
                        "d"),
              HasSubstr("UTF-16"));
}

TEST(SeriesCsv, RefusesMoreRowsThanItsLimit) {
  std::string text = "ds,y\n";
  for (size_t i = 0; i < kMaxSeriesRows; ++i) text += "2020-01-01,1\n";
  EXPECT_TRUE(parse_series_csv(text));
  EXPECT_THAT(csv_fault(text + "2020-01-01,1\n"), HasSubstr("line 200002: more than 200000 rows"));
}

TEST(SeriesJson, ReadsRowsWithKeysInAnyCase) {
  const auto series = parse_series_json(
      Json::parse(R"([{"ds":"2020-01-01","y":1,"x":2},{"DATE":"2020-01-02","Y":null}])").value(),
      "history");
  ASSERT_TRUE(series) << series.error().message();
  EXPECT_EQ(series->y[0], 1);
  EXPECT_TRUE(std::isnan(series->y[1]));
  const SeriesColumn* x = numeric_column(*series, "x").value();
  EXPECT_EQ(x->values[0], 2);
  EXPECT_TRUE(std::isnan(x->values[1]));
}

TEST(SeriesJson, NamesRowAndKeyOfAFault) {
  EXPECT_THAT(json_fault("{}"), HasSubstr("history is no list"));
  EXPECT_EQ(json_fault("[1]"), "history[0]: is no object with ds and y");
  EXPECT_EQ(json_fault(R"([{"y":1}])"), "history[0]: no key 'ds' or 'date'");
  EXPECT_THAT(json_fault(R"([{"ds":"2020-01-01"}])"), HasSubstr("history[0]: no key 'y'"));
  EXPECT_EQ(json_fault(R"([{"ds":"2020-01-01","y":"a"}])"), "history[0]: y: '\"a\"' is no number");
  EXPECT_THAT(json_fault(R"([{"ds":"2020-01-01","y":1},{"ds":7,"y":1}])"),
              HasSubstr("history[1]: ds: '7' is no text"));
  EXPECT_THAT(json_fault(R"([{"ds":"soon","y":1}])"), HasSubstr("ds: 'soon' is no date"));
  EXPECT_EQ(json_fault(R"([{"ds":"2020-01-01","date":"2020-01-01","y":1}])"),
            "history[0]: two keys for ds");
}

}  // namespace
}  // namespace thaw::predict
