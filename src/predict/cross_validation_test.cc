#include "predict/cross_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "predict/forecast_command.h"

namespace thaw::predict {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Timestamp at(std::string_view text) { return parse_timestamp(text).value(); }

std::vector<Timestamp> daily_dates(int count) {
  std::vector<Timestamp> dates;
  for (int i = 0; i < count; ++i) dates.push_back(at("2024-01-01") + days(i));
  return dates;
}

std::string daily_csv(int count) {
  std::string text = "ds,y\n";
  for (Timestamp it : daily_dates(count)) {
    const auto day = (it - at("2024-01-01")) / days(1);
    text += format_timestamp(it, ClockPart::kShortest) + "," +
            std::to_string(10 + 0.5 * static_cast<double>(day) + static_cast<double>(day % 7)) +
            "\n";
  }
  return text;
}

ValidatedRow row(int horizon_days, double y, double yhat) {
  const Timestamp cutoff = at("2024-01-01");
  return {cutoff + days(horizon_days), cutoff, y, yhat, yhat - 1, yhat + 1};
}

TEST(Durations, AreANumberAndAUnit) {
  EXPECT_EQ(parse_duration("30 days").value(), days(30));
  EXPECT_EQ(parse_duration("30D").value(), days(30));
  EXPECT_EQ(parse_duration(" 1.5 h ").value(), std::chrono::minutes(90));
  EXPECT_EQ(parse_duration("2 weeks").value(), days(14));
  for (const char* wrong : {"", "30", "days", "-1 days", "3 months", "1e30 days", "nan d"}) {
    EXPECT_FALSE(parse_duration(wrong)) << wrong;
  }
}

TEST(Cutoffs, LieAPeriodApartUpToAHorizonBeforeTheEnd) {
  CrossValidationOptions options;
  options.horizon = days(10);
  options.period = days(20);
  options.initial = days(30);
  EXPECT_THAT(choose_cutoffs(daily_dates(100), options).value(),
              ElementsAre(at("2024-02-19"), at("2024-03-10"), at("2024-03-30")));
}

TEST(Cutoffs, PassOverGaps) {
  std::vector<Timestamp> dates = daily_dates(30);
  for (Timestamp it : daily_dates(30)) dates.push_back(it + days(200));
  CrossValidationOptions options;
  options.horizon = days(10);
  options.period = days(15);
  options.initial = days(5);
  // 15 days before the last cutoff lies the gap: on to a horizon before the last date before it.
  EXPECT_THAT(choose_cutoffs(dates, options).value(),
              ElementsAre(at("2024-01-01") + days(19), at("2024-01-01") + days(204),
                          at("2024-01-01") + days(219)));
}

TEST(Cutoffs, OfAShortHistoryAreRefused) {
  CrossValidationOptions options;
  options.horizon = days(10);
  EXPECT_THAT(choose_cutoffs(daily_dates(20), options).error().message(),
              HasSubstr("make horizon or initial shorter"));
}

TEST(Measures, AreMeansOverAWindowThatEndsWithTheHorizon) {
  // Two rows a horizon; a window of half of the six rows: three.
  const std::vector<ValidatedRow> rows = {row(1, 10, 11), row(1, 10, 13), row(2, 10, 10),
                                          row(2, 10, 12), row(3, 10, 14), row(3, 10, 10)};
  const auto measures = measures_of(rows, 0.5);
  ASSERT_EQ(measures.size(), 2u);  // horizon 1 has fewer than three rows up to it
  EXPECT_EQ(measures[0].horizon, days(2));
  EXPECT_DOUBLE_EQ(measures[0].mae, (0 + 2 + (1 + 3) / 2.0) / 3);  // horizon 1 counts half
  EXPECT_DOUBLE_EQ(measures[0].mse, (0 + 4 + (1 + 9) / 2.0) / 3);
  EXPECT_DOUBLE_EQ(measures[0].rmse, std::sqrt(3));
  EXPECT_DOUBLE_EQ(measures[1].mape, (0.4 + 0 + (0 + 0.2) / 2) / 3);
  EXPECT_DOUBLE_EQ(measures[1].mdape, 0.2);
  EXPECT_DOUBLE_EQ(measures[1].coverage, (0 + 1 + (1 + 0) / 2.0) / 3);
}

TEST(Measures, WithoutAWindowAreOfEachHorizonAlone) {
  const auto measures = measures_of({row(1, 10, 11), row(2, 10, 13), row(2, 10, 12)}, 0);
  ASSERT_EQ(measures.size(), 2u);
  EXPECT_DOUBLE_EQ(measures[0].mae, 1);
}

TEST(Measures, AreOneOverAllRowsWithAWholeWindow) {
  const auto measures = measures_of({row(1, 10, 11), row(2, 10, 13), row(3, 10, 12)}, 1);
  ASSERT_EQ(measures.size(), 1u);
  EXPECT_EQ(measures[0].horizon, days(3));
  EXPECT_DOUBLE_EQ(measures[0].mae, 2);
}

TEST(Measures, OfSharesAreLeftOutWhereAValueIsZeroButForTheirMedian) {
  const auto measures = measures_of({row(1, 0, 1), row(2, 10, 13), row(3, 0, 0)}, 0);
  EXPECT_TRUE(std::isnan(measures[1].mape));
  EXPECT_DOUBLE_EQ(measures[1].mdape, 0.3);
  EXPECT_TRUE(std::isinf(measures[0].mdape));  // shown as nothing
  EXPECT_TRUE(std::isnan(measures[2].mdape));
  EXPECT_DOUBLE_EQ(measures[0].smape, 2);
  EXPECT_EQ(measures_of({row(1, 0, 1), row(1, 10, 13), row(1, 10, 15)}, 0)[0].mdape, 0.5);
}

TEST(Measures, AreOfEachRowWithANegativeWindow) {
  const auto measures = measures_of({row(1, 10, 11), row(2, 10, 13), row(2, 10, 12)}, -1);
  ASSERT_EQ(measures.size(), 3u);
  EXPECT_DOUBLE_EQ(measures[1].mse, 9);
  EXPECT_DOUBLE_EQ(measures[1].rmse, 3);
  EXPECT_DOUBLE_EQ(measures[2].mae, 2);
  EXPECT_EQ(measures[2].horizon, days(2));
  EXPECT_EQ(measures_of({row(1, 10, 11), row(1, 10, 13)}, -0.1).size(), 1u);  // under one row
}

/// Horizons of their own, as irregular dates have them.
TEST(Measures, MediansAreThoseOfTheWindowOfEachRow) {
  std::vector<ValidatedRow> rows;
  std::vector<double> shares;
  for (int i = 0; i < 300; ++i) {
    rows.push_back(row(i + 1, 10, 10 + (i * 7919) % 101 / 10.0));
    shares.push_back(std::abs((rows.back().y - rows.back().yhat) / rows.back().y));
  }
  for (const double share : {0.0, 0.01, 0.1, 0.35, 1.0}) {
    const auto measures = measures_of(rows, share);
    const auto window = static_cast<size_t>(std::max(1.0, std::trunc(share * 300)));
    ASSERT_EQ(measures.size(), 300 - window + 1);
    for (size_t i = 0; i < measures.size(); ++i) {
      std::vector<double> seen(shares.begin() + static_cast<std::ptrdiff_t>(i),
                               shares.begin() + static_cast<std::ptrdiff_t>(i + window));
      std::sort(seen.begin(), seen.end());
      const double median = (seen[(window - 1) / 2] + seen[window / 2]) / 2;
      ASSERT_DOUBLE_EQ(measures[i].mdape, median) << share << " " << i;
    }
  }
}

TEST(CrossValidation, FitsOnlyWhatLaysBeforeTheCutoff) {
  ForecastRequest request = parse_request("text/csv", daily_csv(120)).value();
  CrossValidationOptions options;
  options.horizon = days(14);
  options.cutoffs = {at("2024-03-01")};
  const CrossValidation result = cross_validate(request, options, run_in_order).value();
  ASSERT_EQ(result.rows.size(), 14u);
  EXPECT_EQ(result.rows[0].ds, at("2024-03-02"));
  // What comes after the horizon must not matter.
  for (size_t i = 0; i < request.history.size(); ++i) {
    if (request.history.ds[i] > at("2024-03-15")) request.history.y[i] = 1e6;
  }
  const CrossValidation again = cross_validate(request, options, run_in_order).value();
  EXPECT_EQ(again.rows[13].yhat, result.rows[13].yhat);
  EXPECT_NEAR(result.rows[13].yhat, result.rows[13].y, 0.5);
}

TEST(CrossValidation, ACutoffOutsideOfTheHistoryIsRefused) {
  const ForecastRequest request = parse_request("text/csv", daily_csv(60)).value();
  CrossValidationOptions options;
  options.horizon = days(14);
  options.cutoffs = {at("2024-02-25")};
  EXPECT_THAT(cross_validate(request, options, run_in_order).error().message(),
              StartsWith("cutoffs: 2024-02-25 is not"));
}

TEST(CrossValidation, MayHaveAsManySeasonalitiesAsAForecast) {
  ForecastRequest request = parse_request("text/csv", daily_csv(120)).value();
  for (size_t i = 0; i < kMaxTerms; ++i) {
    request.model.seasonalities.push_back(
        {"s" + std::to_string(i), 5.0 + static_cast<double>(i), 1, {}, {}, ""});
  }
  CrossValidationOptions options;
  options.horizon = days(14);
  options.cutoffs = {at("2024-04-01")};
  const auto result = cross_validate(request, options, run_in_order);
  EXPECT_TRUE(result) << result.error().message();
}

TEST(CrossValidation, ACutoffThatIsGivenTwiceCountsOnceAndTooManyAreRefused) {
  const ForecastRequest request = parse_request("text/csv", daily_csv(120)).value();
  CrossValidationOptions options;
  options.horizon = days(14);
  options.cutoffs = {at("2024-03-02"), at("2024-03-01"), at("2024-03-02")};
  const CrossValidation result = cross_validate(request, options, run_in_order).value();
  EXPECT_THAT(result.cutoffs, ElementsAre(at("2024-03-01"), at("2024-03-02")));
  EXPECT_EQ(result.rows.size(), 28u);
  options.cutoffs.clear();
  for (size_t i = 0; i <= kMaxCutoffs; ++i) {
    options.cutoffs.push_back(at("2024-03-01") + std::chrono::seconds(i));
  }
  EXPECT_EQ(cross_validate(request, options, run_in_order).error().message(),
            "cutoffs: 1001 dates are given, and 1000 is the most");
}

TEST(CrossValidation, OfTheCommandPrintsTheMeasures) {
  const std::string text = daily_csv(120);
  ForecastCommand command;
  command.source = "x.csv";
  command.text = text;
  command.output = ForecastCommand::Output::kCsv;
  command.validation = ForecastCommand::Validation{"14 days", "", "", "", "", "rows.csv"};
  const ForecastPrinted printed = run_forecast(command);
  EXPECT_EQ(printed.exit_code, 0) << printed.notes;
  EXPECT_THAT(printed.output, StartsWith("horizon,mse,rmse,mae,mape,mdape,smape,coverage\n"));
  EXPECT_THAT(printed.output, HasSubstr("\n14 days,"));
  ASSERT_EQ(printed.files.size(), 1u);
  EXPECT_THAT(printed.files[0].second, StartsWith("ds,cutoff,y,yhat,"));
  command.output = ForecastCommand::Output::kJson;
  const std::string json = run_forecast(command).output;
  const auto read = Json::parse(json);
  ASSERT_TRUE(read) << json;
  EXPECT_EQ(read->dump() + '\n', json);
  EXPECT_EQ((*read)["metrics"].as_array().back()["horizon"].as_string(), "14 days");
  EXPECT_TRUE((*read)["rows"].as_array()[0]["yhat"].is_number());
  command.validation->words.horizon = "soon";
  EXPECT_EQ(run_forecast(command).exit_code, 2);
}

}  // namespace
}  // namespace thaw::predict
