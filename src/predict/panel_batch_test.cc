#include "predict/panel_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "predict/batch_job.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

using testing::HasSubstr;
using testing::Not;

/// An object store in memory, as far as a job asks for it, and a forecaster that answers one row
/// for each series.
class PanelBatchTest : public testing::Test {
 protected:
  /// 400 series of some 100 KiB: over 32 MiB.
  static std::string large(const std::string& odd_row = "") {
    std::string text = "unique_id,ds,y\n";
    for (int i = 0; i < 400; ++i) {
      const std::string row = "series-" + std::to_string(i) + ",2024-01-01 00:00:00,1234567\n";
      for (size_t bytes = 0; bytes < 100 << 10; bytes += row.size()) text += row;
      if (i == 200) text += odd_row;
    }
    return text;
  }

  http::Response store(const http::Request& request) {
    calls.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
    if (request.target.find("uploadType=multipart") != std::string::npos) return whole(request);
    if (request.target == "/storage/v1/b/out/o/x.csv.status.json") {
      if (generations.count("x.csv.status.json") == 0) return http::Response::json(404, "{}");
      return resource("x.csv.status.json");
    }
    if (request.target == "/storage/v1/b/out/o/x.csv" && is_made) {
      return http::Response::json(
          200, R"({"generation":"1","metadata":{"input":"gs://in/x.csv","input-generation":"7"}})");
    }
    if (request.target == "/storage/v1/b/out/o/x.csv" && is_replaced && looks++ > 0) {
      return generation(1);
    }
    if (request.target.find("uploadType=resumable") != std::string::npos) {
      precondition = request.target;
      http::Response made = http::Response::json(200, "");
      made.headers.add("location", "http://there:1/session");
      return made;
    }
    if (request.target == "/session") return part(request);
    if (request.target.starts_with("/download")) return range(request);
    return http::Response::json(404, "{}");
  }

  static http::Response generation(int number) {
    return http::Response::json(200, R"({"generation":")" + std::to_string(number) + R"("})");
  }

  /// What is written, as its resource tells it.
  http::Response resource(const std::string& name) {
    Json all = Json::object({{"generation", std::to_string(generations[name])}});
    const std::string& body = written[name];
    const size_t begin = body.find('{'), end = body.find("\r\n", begin);
    const auto said = Json::parse(body.substr(std::min(begin, body.size()), end - begin));
    if (said) all.set("metadata", (*said)["metadata"]);
    return http::Response::json(200, all.dump());
  }

  http::Response whole(const http::Request& request) {
    if (loses_last_report && request.body.find("SUCCEEDED") != std::string::npos) {
      return http::Response::json(503, "{}");
    }
    const size_t name = request.body.find(R"("name":")") + 8;
    const std::string key = request.body.substr(name, request.body.find('"', name) - name);
    const size_t condition = request.target.find("ifGenerationMatch=");
    if (condition != std::string::npos &&
        std::stoi(request.target.substr(condition + 18)) != generations[key]) {
      return http::Response::json(412, "{}");
    }
    written[key] = request.body;
    return generation(++generations[key]);
  }

  /// What another job tells of the same output.
  void other_tells(const std::string& state) {
    written["x.csv.status.json"] = R"("state": ")" + state + R"(", of the other)";
    ++generations["x.csv.status.json"];
  }

  http::Response part(const http::Request& request) {
    if (request.method == "DELETE") {
      cancelled = true;
      return http::Response::json(499, "");
    }
    const std::string span(request.headers.get("content-range"));
    EXPECT_THAT(span, HasSubstr("bytes " + std::to_string(output.size()) + "-"));
    output += request.body;
    largest_part = std::max(largest_part, request.body.size());
    if (span.ends_with("/*")) {
      EXPECT_EQ(request.body.size() % (256 << 10), 0u);
      return http::Response::json(308, "");
    }
    EXPECT_TRUE(span.ends_with("/" + std::to_string(output.size()))) << span;
    return http::Response::json(last_status, "{}");
  }

  http::Response range(const http::Request& request) {
    const std::string wanted(request.headers.get("range"));
    const size_t begin = std::stoul(wanted.substr(6));
    if (begin > gone_from) return http::Response::json(404, "{}");
    const size_t end = std::stoul(wanted.substr(wanted.find('-') + 1)) + 1;
    http::Response some{206, {}, input.substr(begin, end - begin)};
    some.headers.add("content-range",
                     "bytes " + std::to_string(begin) + "-x/" + std::to_string(input.size()));
    return some;
  }

  http::Response forecast(const http::Request& request) {
    EXPECT_TRUE(request.body.starts_with("unique_id,ds,y\n"));
    largest_chunk = std::max(largest_chunk, request.body.size());
    std::string rows = "unique_id,ds,yhat\n", last;
    for (size_t at = request.body.find('\n') + 1; at < request.body.size();) {
      const std::string id = request.body.substr(at, request.body.find(',', at) - at);
      if (id != last) rows += id + "," + std::string(row_bytes, '7') + ",1\n";
      last = id;
      at = request.body.find('\n', at) + 1;
    }
    const auto series = static_cast<size_t>(std::ranges::count(rows, '\n') - 1);
    if (series > most_series) return error_response(kTooMuch, "OUT_OF_RANGE", "too much");
    ++forecasts;
    if (forecasts == 2 && !other_state.empty()) other_tells(other_state);
    if (forecasts == failing) return end_batch(400, "INVALID_ARGUMENT", "too short").response;
    if (forecasts == breaking) return http::Response::json(503, "{}");
    return {200, {{"content-type", "text/csv"}, {"thaw-failed-series", "1"}}, rows};
  }

  http::Response run(const std::string& name = "x.csv") {
    BatchJob job({"in", name, "7"}, "out", options);
    return run(job);
  }
  http::Response run(BatchJob& job) {
    BatchStep step = job.begin();
    for (;;) {
      if (const auto* end = std::get_if<BatchEnd>(&step)) return end->response;
      if (const auto* wanted = std::get_if<ForecastCall>(&step)) {
        step = job.on_forecast(forecast(wanted->request));
      } else {
        step = job.on_store(store(std::get<StoreCall>(step).request));
      }
    }
  }

  http::Query options = {{"periods", "3"}};
  std::string input = large(), output, precondition;
  std::map<std::string, std::string> written;
  std::map<std::string, int> generations;  // of what is written
  std::string other_state;                 // what another job tells in the middle of this one
  std::vector<std::string> calls;
  size_t largest_part = 0, largest_chunk = 0, row_bytes = 10;
  size_t most_series = 1000;  // that the forecaster takes at once
  int forecasts = 0, failing = -1, breaking = -1, last_status = 200;
  bool cancelled = false;
  bool is_replaced = false;  // the output, since it was looked at first
  bool is_made = false;      // the output, by an earlier delivery
  bool loses_last_report = false;
  size_t gone_from = std::string::npos;  // the input, by the time that this byte is read
  int looks = 0;
};

TEST_F(PanelBatchTest, IsForecastInPiecesOfWholeSeriesAndTellsHowFarItIs) {
  row_bytes = 40'000;  // so that the output is of several parts
  const http::Response answer = run();
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_THAT(precondition, HasSubstr("ifGenerationMatch=0&"));
  EXPECT_LT(largest_chunk, PanelChunks::kChunkBytes + (200u << 10));
  EXPECT_LT(largest_part, PanelBatch::kPart + (4u << 20));
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 401);
  for (int i = 0; i < 400; ++i) {
    EXPECT_THAT(output, HasSubstr("\nseries-" + std::to_string(i) + ",7"));
  }
  const std::string& status = written["x.csv.status.json"];
  EXPECT_THAT(status, HasSubstr(R"("state": "SUCCEEDED")"));
  EXPECT_THAT(status, HasSubstr(R"("seriesFailed": )" + std::to_string(forecasts)));
  EXPECT_THAT(status, HasSubstr(R"("seriesDone": )" + std::to_string(400 - forecasts)));
  EXPECT_THAT(status, HasSubstr(R"("readBytes": )" + std::to_string(input.size())));
  EXPECT_GT(std::count(calls.begin(), calls.end(), "POST /upload/storage/v1/b/out/o"), 2);
  EXPECT_FALSE(cancelled);
}

TEST_F(PanelBatchTest, APieceHasNoMoreSeriesThanDrawForSomeSeconds) {
  options = {{"periods", "1000"}, {"uncertainty_samples", "10000"}};
  EXPECT_EQ(run().status, 200);
  EXPECT_EQ(forecasts, 200) << "two series of 10,000,000 draws each";
}

TEST_F(PanelBatchTest, APieceHasNoMoreRowsThanAreHeldAtOnce) {
  options = {{"periods", "5000"}, {"uncertainty_samples", "0"}};
  EXPECT_EQ(run().status, 200);
  EXPECT_EQ(forecasts, 100) << "four series of 5,000 rows each";
}

TEST_F(PanelBatchTest, APieceThatIsTooMuchIsHalvedTillItIsNot) {
  most_series = 3;
  EXPECT_EQ(run().status, 200);
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 401);
  size_t at = 0;
  for (int i = 0; i < 400; ++i) {
    at = output.find("\nseries-" + std::to_string(i) + ",", at);
    ASSERT_NE(at, std::string::npos) << "in their order: " << i;
  }
  EXPECT_THAT(written["x.csv.status.json"], Not(HasSubstr("firstFault")));
  most_series = 0;
  output.clear();
  EXPECT_EQ(run().status, 400) << "a series that is too much by itself fails";
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("the rows from line 2 on: too much"));
}

TEST_F(PanelBatchTest, APieceWithoutAForecastFailsItsSeriesAlone) {
  failing = 2;
  EXPECT_EQ(run().status, 200);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("too short"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("the rows from line "));
}

TEST_F(PanelBatchTest, WhatCannotBeReadLeavesItsReasonAndNoUpload) {
  input = large("series-0,2024-01-01,1\n");
  const http::Response answer = run();
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("do not stand together"));
  EXPECT_THAT(written["x.csv.error.json"], HasSubstr("do not stand together"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "FAILED")"));
  EXPECT_TRUE(cancelled);
  input = std::string(33 << 20, ' ');
  EXPECT_THAT(run("x.json").body, HasSubstr("JSON of over 32 MiB is not read"));
}

TEST_F(PanelBatchTest, WhatMayPassIsTriedAgainAndLeavesNoUpload) {
  breaking = 3;
  EXPECT_EQ(run().status, 503);
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(written.count("x.csv.error.json"), 0u);
}

TEST_F(PanelBatchTest, WhatIsGivenUpDoesNotSayThatItRuns) {
  breaking = 3;
  EXPECT_EQ(run().status, 503);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "FAILED")"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("firstFault"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state":"FAILED")")) << "its metadata";
}

TEST_F(PanelBatchTest, AnInputThatGoesAwayEndsItAndIsToldInTheStatus) {
  gone_from = 8 << 20;
  EXPECT_EQ(run().status, 200);
  EXPECT_TRUE(cancelled);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "FAILED")"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("has no generation 7 any more"));

  forecasts = 0;
  written.clear();
  BatchJob of_manifest({"in", "x.csv", "7"}, OutputObject{"out", "x.csv"}, options);
  EXPECT_EQ(run(of_manifest).status, 503) << "no event tells of the manifest again";
}

TEST_F(PanelBatchTest, ALastStatusThatIsNotTakenIsToldByTheNextDelivery) {
  loses_last_report = true;
  EXPECT_EQ(run().status, 503);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "RUNNING")"));
  loses_last_report = false;
  is_made = true;
  EXPECT_EQ(run().status, 200);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "SUCCEEDED")"));
}

TEST_F(PanelBatchTest, OfTwoAtOnceOneWins) {
  last_status = 412;
  const http::Response answer = run();
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("was written meanwhile"));
}

TEST_F(PanelBatchTest, AJobThatLosesLeavesTheWinnersStatus) {
  last_status = 412;
  other_state = "SUCCEEDED";
  EXPECT_EQ(run().status, 503);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("SUCCEEDED\", of the other"));
}

TEST_F(PanelBatchTest, AJobThatLosesDoesNotSayRunningForEver) {
  last_status = 412;
  EXPECT_EQ(run().status, 503);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "FAILED")"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("another job wrote the output meanwhile"));
}

TEST_F(PanelBatchTest, AWinnerTellsAlsoWhereAnotherJobTold) {
  other_state = "RUNNING";
  EXPECT_EQ(run().status, 200);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr(R"("state": "SUCCEEDED")"));
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("seriesDone"));
}

TEST_F(PanelBatchTest, AnOutputThatCameMeanwhileEndsAJobBeforeItBegins) {
  is_replaced = true;
  other_tells("SUCCEEDED");
  EXPECT_EQ(run().status, 503);
  EXPECT_EQ(forecasts, 0);
  EXPECT_THAT(written["x.csv.status.json"], HasSubstr("of the other"));
}

TEST_F(PanelBatchTest, AnInputThatFitsIsReadWhole) {
  input = "ds,y\n2024-01-01,1\n";
  BatchJob job({"in", "x.csv", "7"}, "out", {});
  job.begin();
  const BatchStep read = job.on_store(http::Response::json(404, ""));
  const BatchStep next = job.on_store(store(std::get<StoreCall>(read).request));
  EXPECT_EQ(std::get<ForecastCall>(next).request.body, input);
}

}  // namespace
}  // namespace thaw::predict
