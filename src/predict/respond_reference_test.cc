// The reference fits of tests/data/prophet, asked for as POST /predict: options, history and rows
// to be forecast in one JSON body, and the history as CSV with the options in the query.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/json.h"
#include "predict/csv.h"
#include "predict/server.h"

namespace thaw::predict {
namespace {

const std::string kFolder = THAW_SOURCE_DIR "/tests/data/prophet/";

std::string read_text(const std::string& path) {
  std::ifstream file(kFolder + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A CSV file as the rows of a request: ds a text, all else numbers or null.
Json::Array rows_of(const std::string& path) {
  const std::string text = read_text(path);
  CsvReader reader(text);
  EXPECT_TRUE(reader.next().value()) << path;
  const std::vector<std::string> names(reader.fields().begin(), reader.fields().end());
  Json::Array rows;
  while (reader.next().value()) {
    Json row = Json::object();
    for (size_t i = 0; i < names.size(); ++i) {
      const std::string value(reader.fields()[i]);
      if (names[i] == "ds") {
        row.set(names[i], value);
      } else {
        row.set(names[i], value.empty() || value == "NA" ? Json() : Json(std::stod(value)));
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json posted(std::string body, std::string type, http::Query query = {}) {
  http::Request request{.method = "POST", .target = "/predict"};
  request.path = "/predict";
  request.query = std::move(query);
  request.headers.add("content-type", std::move(type));
  request.headers.add("accept", "application/json");
  request.body = std::move(body);
  const http::Response response = respond(request);
  EXPECT_EQ(response.status, 200) << response.body.substr(0, 500);
  return Json::parse(response.body).value();
}

class PredictReference : public testing::TestWithParam<std::string> {
 protected:
  /// The options of config.json that are not as by default.
  Json options() const {
    Json all = Json::object({{"uncertainty_samples", 0}});
    const Json config = Json::parse(read_text(GetParam() + "/config.json")).value();
    for (const char* name :
         {"growth", "changepoints", "n_changepoints", "changepoint_range", "yearly_seasonality",
          "weekly_seasonality", "daily_seasonality", "seasonality_mode", "scaling",
          "seasonality_prior_scale", "changepoint_prior_scale", "seasonalities", "holidays",
          "holidays_mode", "holidays_prior_scale", "regressors"}) {
      const Json& value = config[name];
      if (value.is_null() || (value.is_array() && value.as_array().empty())) continue;
      all.set(name, value);
    }
    return all;
  }

  void expect_forecast(const Json& answer) const {
    std::map<std::string, const Json*> by_date;
    for (const Json& row : answer["forecast"].as_array()) by_date[row.string_or("ds")] = &row;
    double largest = 0;
    for (const Json& row : rows_of(GetParam() + "/history.csv")) {
      if (row["y"].is_number()) largest = std::max(largest, std::abs(row["y"].as_double()));
    }
    size_t compared = 0;
    for (const Json& wanted : rows_of(GetParam() + "/exact_forecast.csv")) {
      if (wanted["weak"].as_double() != 0) continue;
      const auto found = by_date.find(wanted.string_or("ds"));
      if (found == by_date.end()) continue;
      ++compared;
      for (const char* column : {"yhat", "trend"}) {
        EXPECT_NEAR((*found->second)[column].as_double(), wanted[column].as_double(),
                    1e-6 * largest)
            << wanted.string_or("ds");
      }
    }
    EXPECT_GE(compared, 80u);
  }
};

TEST_P(PredictReference, IsAnsweredFromOneJsonBody) {
  const std::string folder = kFolder + GetParam();
  const bool has_future = std::filesystem::exists(folder + "/future.csv");
  Json body = options();
  body.set("history", rows_of(GetParam() + "/history.csv"));
  Json::Array future;
  for (const Json& row :
       rows_of(GetParam() + (has_future ? "/future.csv" : "/exact_forecast.csv"))) {
    Json kept = Json::object();
    for (const auto& [name, value] : row.as_object()) {
      const bool is_result = name == "yhat" || name == "trend" || name == "weak";
      if (!is_result) kept.set(name, value);
    }
    future.push_back(std::move(kept));
  }
  body.set("future", std::move(future));
  expect_forecast(posted(body.dump(), "application/json"));
}

TEST_P(PredictReference, IsAnsweredFromCsvAndAQuery) {
  if (std::filesystem::exists(kFolder + GetParam() + "/future.csv")) {
    GTEST_SKIP() << "the rows to be forecast have columns, which only JSON carries";
  }
  http::Query query = {{"include_history", "true"}};
  const Json given = options();
  for (const auto& [name, value] : given.as_object()) {
    std::string text = value.is_string() ? value.as_string() : value.dump();
    if (name == "changepoints") {  // dates between commas
      std::erase_if(text, [](char c) { return c == '[' || c == ']' || c == '"'; });
    }
    query.emplace_back(name, text);
  }
  expect_forecast(posted(read_text(GetParam() + "/history.csv"), "text/csv", query));
}

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

INSTANTIATE_TEST_SUITE_P(Prophet, PredictReference, testing::ValuesIn(cases()),
                         [](const auto& test) { return test.param; });

TEST(PredictReference, AllCasesAreThere) { EXPECT_EQ(cases().size(), 19u); }

}  // namespace
}  // namespace thaw::predict
