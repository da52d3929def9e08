#include "predict/aftermath.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "predict/batch_job.h"

namespace thaw::predict {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

http::Response response(int status, std::string body = "") {
  return http::Response::json(status, std::move(body));
}

/// The metadata of what an earlier delivery wrote.
std::string of(int generation, const std::string& state = "",
               const std::string& input = "gs://in/x.csv") {
  return R"({"input":")" + input + R"(","input-generation":")" + std::to_string(generation) +
         R"(","state":")" + state + R"("})";
}

/// A bucket "out" with the metadata of what is in it; generations are 3.
struct Bucket {
  std::map<std::string, std::string> objects;
  std::map<std::string, std::string> written = {};  // bodies
  std::vector<std::string> deleted = {};
  int failing = 0;  // the status of all writes and deletions; 0: they go well

  http::Response answer(const http::Request& request) {
    const std::string prefix = "/storage/v1/b/out/o/";
    if (request.method != "GET" && failing != 0) return response(failing, "{}");
    if (request.method == "POST") {
      EXPECT_THAT(request.target, HasSubstr("?ifGenerationMatch=3&"));
      const size_t name = request.body.find(R"("name":")") + 8;
      written[request.body.substr(name, request.body.find('"', name) - name)] = request.body;
      return response(200, "{}");
    }
    EXPECT_TRUE(request.target.starts_with(prefix)) << request.target;
    if (request.method == "DELETE") {
      deleted.push_back(request.target.substr(prefix.size()));
      return response(204);
    }
    const auto found = objects.find(request.target.substr(prefix.size()));
    if (found == objects.end()) return response(404, "{}");
    return response(200, R"({"generation":"3","metadata":)" + found->second + "}");
  }

  http::Response run(Aftermath::Verdict verdict, const std::string& generation = "7") {
    const int status = verdict == Aftermath::Verdict::kFailed ? 400 : 200;
    Aftermath it({.input = {"in", "x.csv", generation},
                  .output = {"out", "x.csv"},
                  .metadata = *Json::parse(of(7)),
                  .verdict = verdict,
                  .end = end_batch(status, "OK", "no column y")});
    BatchStep step = it.begin();
    while (const auto* call = std::get_if<StoreCall>(&step)) {
      step = it.on_store(answer(call->request));
    }
    return std::get<BatchEnd>(step).response;
  }
};

using Verdict = Aftermath::Verdict;

TEST(Aftermath, AnOutputTakesTheReasonOfAnEarlierFailureAway) {
  for (const int generation : {5, 7}) {
    Bucket bucket{.objects = {{"x.csv.error.json", of(generation)}}};
    EXPECT_EQ(bucket.run(Verdict::kMade).status, 200);
    EXPECT_THAT(bucket.deleted, Contains("x.csv.error.json?ifGenerationMatch=3"));
  }
}

TEST(Aftermath, ReasonsOfNewerAndOtherInputsAndOfFailuresStay) {
  for (const std::string& metadata :
       {of(8), of(5, "", "gs://in/x.csv.error"), std::string("{}"), std::string("null")}) {
    Bucket bucket{.objects = {{"x.csv.error.json", metadata}}};
    EXPECT_EQ(bucket.run(Verdict::kMade).status, 200);
    EXPECT_THAT(bucket.deleted, IsEmpty()) << metadata;
  }
  Bucket bucket{.objects = {{"x.csv.error.json", of(5)}}};
  EXPECT_EQ(bucket.run(Verdict::kFailed).status, 400);
  EXPECT_THAT(bucket.deleted, IsEmpty());
}

TEST(Aftermath, AStatusIsWrittenAnewWhereItSaysElse) {
  struct Case {
    Verdict verdict;
    std::string metadata;
    const char* state;  // that is written; null: nothing
  };
  const Case cases[] = {{Verdict::kMade, of(7, "RUNNING"), "SUCCEEDED"},
                        {Verdict::kMade, of(7, "SUCCEEDED"), nullptr},
                        {Verdict::kMade, of(5, "SUCCEEDED"), "SUCCEEDED"},
                        {Verdict::kMade, of(5, "FAILED"), "SUCCEEDED"},
                        {Verdict::kMade, of(8, "RUNNING"), nullptr},
                        {Verdict::kMade, of(9, "RUNNING", "gs://b/x.csv"), nullptr},
                        {Verdict::kMade, of(9, "FAILED", "gs://b/x.csv"), "SUCCEEDED"},
                        {Verdict::kMade, R"({"manifest":"m"})", nullptr},
                        {Verdict::kFailed, of(5, "SUCCEEDED"), "FAILED"},
                        {Verdict::kFailed, of(8, "SUCCEEDED"), nullptr},
                        {Verdict::kGone, of(7, "RUNNING"), "FAILED"},
                        {Verdict::kGone, of(8, "RUNNING"), nullptr},
                        {Verdict::kGone, of(5, "SUCCEEDED"), nullptr}};
  for (const Case& it : cases) {
    Bucket bucket{.objects = {{"x.csv.status.json", it.metadata}}};
    bucket.run(it.verdict);
    const auto wrote = bucket.written.find("x.csv.status.json");
    ASSERT_EQ(wrote != bucket.written.end(), it.state != nullptr) << it.metadata;
    if (!it.state) continue;
    EXPECT_THAT(wrote->second, HasSubstr(std::string(R"("state": ")") + it.state));
    EXPECT_THAT(wrote->second, HasSubstr(std::string(R"("state":")") + it.state));
  }
  Bucket bucket{.objects = {{"x.csv.status.json", of(5, "SUCCEEDED")}}};
  bucket.run(Verdict::kFailed);
  EXPECT_THAT(bucket.written["x.csv.status.json"], HasSubstr("no column y"));
}

TEST(Aftermath, AnInputThatIsNowhereLeavesNoStatusThatSaysItRuns) {
  Bucket bucket{.objects = {{"x.csv.status.json", of(5, "RUNNING")}}};
  EXPECT_EQ(bucket.run(Verdict::kFailed, "").status, 400);
  EXPECT_THAT(bucket.written["x.csv.status.json"], HasSubstr("FAILED"));
}

TEST(Aftermath, WhatTheStoreDoesNotTakeIsPutRightByTheNextDelivery) {
  Bucket bucket{.objects = {{"x.csv.status.json", of(7, "RUNNING")}}, .failing = 503};
  EXPECT_EQ(bucket.run(Verdict::kMade).status, 503);
  bucket.failing = 412;
  EXPECT_EQ(bucket.run(Verdict::kMade).status, 200) << "another delivery was faster";
  Bucket reason{.objects = {{"x.csv.error.json", of(7)}}, .failing = 403};
  EXPECT_EQ(reason.run(Verdict::kMade).status, 200) << "an account that may write only";
}

TEST(Aftermath, IsWhatAnyJobEndsWith) {
  Bucket bucket{.objects = {{"x.csv.error.json", of(5)},
                            {"x.csv.status.json", of(5, "FAILED")},
                            {"x.csv", of(7)}}};
  BatchJob job({"in", "x.csv", "7"}, "out", {});
  BatchStep step = job.begin();
  while (const auto* call = std::get_if<StoreCall>(&step)) {
    step = job.on_store(bucket.answer(call->request));
  }
  EXPECT_EQ(std::get<BatchEnd>(step).response.status, 200);
  EXPECT_THAT(bucket.deleted, Contains(HasSubstr("x.csv.error.json")));
  EXPECT_THAT(bucket.written["x.csv.status.json"], HasSubstr("SUCCEEDED"));
  EXPECT_THAT(bucket.written["x.csv.status.json"], Not(HasSubstr("firstFault")));
}

}  // namespace
}  // namespace thaw::predict
