#include "predict/batch_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

using ::testing::HasSubstr;

std::string push(const std::string& attributes) {
  return R"({"message":{"attributes":)" + attributes + R"(,"messageId":"1"},"subscription":"s"})";
}
const std::string kEvent =
    R"({"eventType":"OBJECT_FINALIZE","bucketId":"in","objectId":"a b/x.csv",)"
    R"("objectGeneration":"7"})";

BatchJob job(http::Query options = {}) {
  return {**read_notification(push(kEvent)), "out", std::move(options)};
}
http::Response response(int status, std::string body = "") {
  return http::Response::json(status, std::move(body));
}
const http::Request& call(const BatchStep& step) { return std::get<StoreCall>(step).request; }
int finished(const BatchStep& step) { return std::get<BatchEnd>(step).response.status; }

/// Goes on where nothing lies beside the output, to the status that the push is answered with.
int ended(BatchJob& job, BatchStep step) {
  while (std::holds_alternative<StoreCall>(step)) {
    EXPECT_EQ(call(step).method, "GET");
    EXPECT_TRUE(call(step).target.ends_with(".json")) << call(step).target;
    step = job.on_store(response(404));
  }
  return finished(step);
}

TEST(Notification, IsReadFromThePushOrRefusedWithTheField) {
  const auto input = read_notification(push(kEvent));
  ASSERT_TRUE(input && *input);
  EXPECT_EQ((*input)->name, "a b/x.csv");
  EXPECT_FALSE(*read_notification(push(R"({"eventType":"OBJECT_DELETE"})")));
  const std::pair<std::string, const char*> cases[] = {
      {"x", "the body"},
      {"{}", "message.attributes: is missing"},
      {push("{}"), "eventType"},
      {push(R"({"eventType":"OBJECT_FINALIZE","objectId":"x","objectGeneration":"1"})"),
       "bucketId"},
      {push(R"({"eventType":"OBJECT_FINALIZE","bucketId":"x","objectGeneration":"1"})"),
       "objectId"},
      {push(R"({"eventType":"OBJECT_FINALIZE","bucketId":"x","objectId":"y"})"), "Generation"}};
  for (const auto& [body, words] : cases) {
    const auto bad = read_notification(body);
    ASSERT_FALSE(bad) << body;
    EXPECT_THAT(bad.error().message(), HasSubstr(words));
  }
}

TEST(BatchJob, ReadsForecastsAndWritesWithThePreconditionThatNothingIsThere) {
  BatchJob it = job({{"periods", "7"}});
  EXPECT_EQ(call(it.begin()).target, "/storage/v1/b/out/o/a%20b%2Fx.csv");
  EXPECT_EQ(call(it.on_store(response(404))).target,
            "/download/storage/v1/b/in/o/a%20b%2Fx.csv?alt=media&generation=7");
  const auto forecast = std::get<ForecastCall>(it.on_store(response(200, "ds,y\n")));
  EXPECT_EQ(forecast.request.body, "ds,y\n");
  EXPECT_EQ(forecast.request.headers.get("content-type"), "text/csv");
  EXPECT_EQ(forecast.request.query, (http::Query{{"periods", "7"}}));
  const auto step = it.on_forecast({200, {{"content-type", "text/csv"}}, "ds,yhat\n"});
  const http::Request& written = call(step);
  EXPECT_EQ(written.target, "/upload/storage/v1/b/out/o?ifGenerationMatch=0&uploadType=multipart");
  EXPECT_THAT(written.body, HasSubstr(R"("input-generation":"7")"));
  EXPECT_THAT(written.body, HasSubstr("ds,yhat\n"));
  EXPECT_EQ(ended(it, it.on_store(response(200))), 200);
}

/// The output's metadata: what it is made of.
http::Response made_of(int generation, const std::string& input = "gs://in/a b/x.csv") {
  return response(200, R"({"generation":"3","metadata":{"input-generation":")" +
                           std::to_string(generation) + R"(","input":")" + input + R"("}})");
}

TEST(BatchJob, ARedeliveryFindsItsWorkDoneAndAnOlderEventReplacesNothing) {
  BatchJob again = job();
  again.begin();
  EXPECT_EQ(ended(again, again.on_store(made_of(7))), 200);
  BatchJob older = job();
  older.begin();
  EXPECT_EQ(ended(older, older.on_store(made_of(8))), 200);
}

TEST(BatchJob, AnOutputOfAnotherInputIsNotItsWorkHoweverNewThatIs) {
  BatchJob it = job();
  it.begin();
  EXPECT_THAT(call(it.on_store(made_of(9, "gs://other/a b/x.csv"))).target,
              HasSubstr("/download/storage/v1/b/in/o/"));
}

TEST(BatchJob, ANewerInputReplacesExactlyTheOutputThatItSaw) {
  BatchJob it = job();
  it.begin();
  it.on_store(made_of(6));
  it.on_store(response(200, "x"));
  EXPECT_THAT(call(it.on_forecast(response(200, "y"))).target, HasSubstr("ifGenerationMatch=3&"));
  EXPECT_EQ(finished(it.on_store(response(412))), 503) << "another delivery was faster";
}

TEST(BatchJob, AnInputThatIsGoneIsDone) {
  BatchJob it = job();
  it.begin();
  it.on_store(response(404));
  EXPECT_EQ(ended(it, it.on_store(response(404))), 200);
}

TEST(BatchJob, WhatCannotBeForecastLeavesItsReasonAndFails) {
  BatchJob it = job();
  it.begin();
  it.on_store(response(404));
  it.on_store(response(200, "rubbish"));
  const auto step = it.on_forecast(response(400, R"({"error":"no column y"})"));
  EXPECT_THAT(call(step).body, HasSubstr("a b/x.csv.error.json"));
  EXPECT_THAT(call(step).body, HasSubstr("no column y"));
  EXPECT_EQ(ended(it, it.on_store(response(200))), 400);
}

TEST(BatchJob, WhatIsTooMuchForOneForecastIsReadAgainAndForecastInPieces) {
  const std::string two = "unique_id,ds,y\na,2024-01-01,1\nb,2024-01-01,1\n";
  BatchJob it = job({{"periods", "2000"}, {"uncertainty_samples", "10000"}});
  it.begin();
  it.on_store(response(404));
  it.on_store(response(206, two));
  const auto again = it.on_forecast(error_response(kTooMuch, "OUT_OF_RANGE", "too much"));
  EXPECT_EQ(call(again).target, "/download/storage/v1/b/in/o/a%20b%2Fx.csv?alt=media&generation=7");
  EXPECT_EQ(call(it.on_store(response(206, two))).target,
            "/storage/v1/b/out/o/a%20b%2Fx.csv.status.json");
  it.on_store(response(404));
  EXPECT_THAT(call(it.on_store(response(404))).target, HasSubstr("uploadType=resumable"));
  http::Response opened = response(200);
  opened.headers.add("location", "http://there/session");
  it.on_store(opened);
  const auto first = std::get<ForecastCall>(it.on_store(response(200)));
  EXPECT_EQ(first.request.body, "unique_id,ds,y\na,2024-01-01,1\n");

  BatchJob json{{"in", "x.json", "1"}, "out", {}};
  json.begin();
  json.on_store(response(404));
  json.on_store(response(200, "[]"));
  EXPECT_THAT(call(json.on_forecast(error_response(kTooMuch, "OUT_OF_RANGE", "too much"))).body,
              HasSubstr("x.json.error.json"));
}

TEST(BatchJob, FaultsThatPassAreTriedAgainByTheSubscription) {
  for (const int status : {500, 503, 429}) {
    BatchJob it = job();
    it.begin();
    EXPECT_EQ(finished(it.on_store(response(status))), 503);
  }
  BatchJob lost = job();
  lost.begin();
  EXPECT_EQ(finished(lost.on_store(Error(Code::kUnavailable, "refused"))), 503);
  BatchJob busy = job();
  busy.begin();
  busy.on_store(response(404));
  busy.on_store(response(200, "x"));
  EXPECT_EQ(finished(busy.on_forecast(response(429))), 429);
}

TEST(BatchJob, ItsOwnOutputIsNoInput) {
  BatchJob it{{"out", "x.csv", "1"}, "out", {}};
  EXPECT_EQ(finished(it.begin()), 200);
}

}  // namespace
}  // namespace thaw::predict
