#include "predict/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/json.h"
#include "predict/manifest_job.h"

namespace thaw::predict {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Manifest, OneJobOrManyWithTheOutputBucketAsDefault) {
  const auto one =
      read_manifest(R"({"id":"a","input":"gs://in/x/y.csv"})", {"out", "night.manifest.json"});
  ASSERT_TRUE(one) << one.error().message();
  ASSERT_EQ(one->size(), 1u);
  EXPECT_EQ((*one)[0].output.bucket, "out");
  EXPECT_EQ((*one)[0].output.name, "x/y.csv");
  const auto many = read_manifest(
      R"({"jobs":[{"id":"a","input":"gs://in/1","output":"gs://o/2",
          "parameters":{"periods":7,"growth":"flat","daily":true}},
         {"id":"b","input":"gs://in/1"}]})",
      {"out", "night.manifest.json"});
  ASSERT_TRUE(many) << many.error().message();
  EXPECT_EQ((*many)[0].output.name, "2");
  EXPECT_EQ((*many)[0].parameters,
            (http::Query{{"periods", "7"}, {"growth", "flat"}, {"daily", "true"}}));
  EXPECT_TRUE(
      read_manifest(R"([{"id":"7.csv","input":"gs://in/7.csv"}])", {"out", "manifest.json"}))
      << "a name for both";
  EXPECT_TRUE(read_manifest(R"([{"id":"a","input":"gs://in/1"}])", {"out", "x.manifest.json"}));
}

TEST(Manifest, FaultsNameTheJobAndTheField) {
  const std::pair<const char*, const char*> kCases[] = {
      {"x", "the manifest"},
      {R"({"jobs":{}})", "jobs: a list"},
      {R"([])", "there is none"},
      {R"([1])", "jobs[0]: an object"},
      {R"([{"id":"a","imput":"gs://in/1"}])", "did you mean 'input'"},
      {R"([{"id":"a/b","input":"gs://in/1"}])", "jobs[0].id"},
      {R"([{"id":"..","input":"gs://in/1"}])", "jobs[0].id"},
      {R"([{"id":"a","input":"in/1"}])", "jobs[0].input: 'gs://"},
      {R"([{"id":"a","input":"gs://in/"}])", "jobs[0].input"},
      {R"([{"id":"a","input":"gs:///1"}])", "jobs[0].input"},
      {R"([{"id":"a","input":"gs://in/1","output":"gs://in/1"}])", "the input itself"},
      {R"([{"id":"a","input":"gs://in/1","parameters":[]}])", "jobs[0].parameters"},
      {R"([{"id":"a","input":"gs://in/1","parameters":{"p":{}}}])", "jobs[0].parameters.p"},
      {R"([{"id":"a","input":"gs://in/1"},{"id":"a","input":"gs://in/2"}])", "given twice"},
      {R"([{"id":"a","input":"gs://in/1"},{"id":"b","input":"gs://in/2","output":"gs://out/1"}])",
       "jobs[1].output: gs://out/1 is written for 'a' too"},
      {R"([{"id":"night.manifest","input":"gs://in/1"}])",
       "jobs[0].id: gs://out/night.manifest.status.json is written for the manifest too"},
      {R"([{"id":"a","input":"gs://in/1","output":"gs://out/night.manifest.json.error.json"}])",
       "jobs[0].output: gs://out/night.manifest.json.error.json is written for the manifest too"},
      {R"([{"id":"a","input":"gs://in/1"},{"id":"b","input":"gs://in/a.status.json"}])",
       "jobs[1].output: gs://out/a.status.json is written for 'a' too"},
      {R"([{"id":"a","input":"gs://in/b"},{"id":"b","input":"gs://in/2"}])",
       "jobs[1].id: gs://out/b.status.json is written for 'a' too"},
      {R"([{"id":"a","input":"gs://in/x"},{"id":"b","input":"gs://in/x.error.json"}])",
       "jobs[1].output: gs://out/x.error.json is written for 'a' too"},
      {R"([{"id":"a","input":"gs://in/1"},{"id":"b","input":"gs://in/1"}])",
       "is written for 'a' too"}};
  for (const auto& [text, words] : kCases) {
    const auto jobs = read_manifest(text, {"out", "night.manifest.json"});
    ASSERT_FALSE(jobs) << text;
    EXPECT_THAT(jobs.error().message(), HasSubstr(words));
  }
}

TEST(Manifest, IsKnownByItsName) {
  for (const char* name : {"manifest.json", "night.manifest.json", "a/manifest.json"}) {
    EXPECT_TRUE(is_manifest(name)) << name;
  }
  for (const char* name : {"premanifest.json", "manifest.json.csv", "x.json", ""}) {
    EXPECT_FALSE(is_manifest(name)) << name;
  }
}

// ---- The job ----

http::Response response(int status, std::string body = "") {
  return http::Response::json(status, std::move(body));
}
const http::Request& call(const BatchStep& step) { return std::get<StoreCall>(step).request; }

/// Plays the object store and the forecaster until the push is answered.
struct World {
  std::string manifest;
  std::vector<std::string> written = {};  // bodies of uploads
  std::vector<std::string> read = {};
  int outputs_made_of = 0;  // the generation that all outputs say they are made of
  std::string options = "- periods=7";
  std::string input = "gs://in/1.csv";  // that they say they are of
  int gone_reads = 0;                   // of inputs, which were replaced meanwhile

  bool is_gone = false;  // the manifest
  int forecast_status = 200;
  std::map<std::string, std::string> beside = {};  // metadata of objects beside the outputs

  Result<http::Response> store(const http::Request& request) {
    if (request.method == "POST") {
      written.push_back(request.body);
      return response(200, "{}");
    }
    read.push_back(request.method + " " + request.target);
    if (request.method == "DELETE") return response(204);
    if (const std::string prefix = "/storage/v1/b/out/o/"; request.target.starts_with(prefix)) {
      const std::string name = request.target.substr(prefix.size());
      if (const auto found = beside.find(name); found != beside.end()) {
        return response(200, R"({"generation":"4","metadata":)" + found->second + "}");
      }
      if (name.ends_with(".json")) return response(404);
    }
    if (is_gone) return response(404);
    if (request.target.find("manifest.json?alt=media") != std::string::npos) {
      return response(200, manifest);
    }
    if (request.target.find("/b/in/o/gone") != std::string::npos) return response(404);
    if (request.target.find("alt=media") != std::string::npos) {
      return gone_reads-- > 0 ? response(404) : response(200, "ds,y\n");
    }
    if (request.target.find("/b/in/o/") != std::string::npos) {
      return response(200, R"({"generation":"5"})");
    }
    if (outputs_made_of == 0) return response(404);
    return response(200, R"({"generation":"9","metadata":{"input-generation":")" +
                             std::to_string(outputs_made_of) + R"(","options":")" + options +
                             R"(","input":")" + input + R"("}})");
  }

  int run() {
    ManifestJob job({"in", "night.manifest.json", "3"}, "out", {{"periods", "7"}});
    BatchStep step = job.begin();
    for (int i = 0; i < 1000; ++i) {
      if (auto* finish = std::get_if<BatchEnd>(&step)) {
        last = finish->response.body;
        return finish->response.status;
      }
      step = std::holds_alternative<ForecastCall>(step)
                 ? job.on_forecast(response(forecast_status, "ds,yhat\n"))
                 : job.on_store(store(call(step)));
    }
    return 0;
  }
  bool wrote(const std::string& text) const {
    for (const std::string& body : written) {
      if (body.find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::string last = {};
};

TEST(ManifestJob, MakesEachForecastAndTellsHowItWent) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/1.csv"},
                              {"id":"b","input":"gs://in/2.csv","output":"gs://out/two.csv"}])"};
  EXPECT_EQ(world.run(), 200);
  EXPECT_TRUE(world.wrote(R"("name":"1.csv")"));
  EXPECT_TRUE(world.wrote(R"("name":"two.csv")"));
  EXPECT_TRUE(world.wrote(R"("name":"a.status.json")"));
  EXPECT_TRUE(world.wrote(R"("state": "RUNNING")"));
  EXPECT_TRUE(world.wrote(R"("done": 2)"));
}

TEST(ManifestJob, AFailedJobStopsNoOtherAndFailsThePush) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/gone.csv"},
                              {"id":"b","input":"gs://in/2.csv"}])"};
  EXPECT_EQ(world.run(), 422);
  EXPECT_THAT(world.last, HasSubstr("1 of 2 jobs failed; a: the input gs://in/gone.csv"));
  EXPECT_TRUE(world.wrote(R"("name":"gone.csv.error.json")"));
  EXPECT_TRUE(world.wrote(R"("state": "FAILED")"));
  EXPECT_TRUE(world.wrote(R"("name":"2.csv")"));
}

TEST(ManifestJob, ARedeliveryMakesNothingTwiceUnlessTheParametersChanged) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/1.csv"}])", .outputs_made_of = 5};
  EXPECT_EQ(world.run(), 200);
  EXPECT_FALSE(world.wrote(R"("name":"1.csv")"));
  world.options = "- periods=8";
  EXPECT_EQ(world.run(), 200);
  EXPECT_TRUE(world.wrote(R"("name":"1.csv")"));
}

TEST(ManifestJob, AnOutputOfAnotherInputIsMadeAnewHoweverOldTheInput) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/old.csv","output":"gs://out/f.csv"}])",
              .outputs_made_of = 8};
  world.input = "gs://in/new.csv";
  EXPECT_EQ(world.run(), 200);
  EXPECT_TRUE(world.wrote(R"("name":"f.csv")"));
  EXPECT_TRUE(world.wrote(R"("input":"gs://in/old.csv")"));
}

TEST(ManifestJob, AnInputThatIsReplacedWhileItIsReadIsReadAgainByTheNextDelivery) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/1.csv"}])", .gone_reads = 1};
  EXPECT_EQ(world.run(), 503);
  EXPECT_FALSE(world.wrote(R"("state": "SUCCEEDED")")) << "no event tells of the manifest again";
  EXPECT_EQ(world.run(), 200);
  EXPECT_TRUE(world.wrote(R"("name":"1.csv")"));
}

TEST(ManifestJob, AManifestThatIsNoneLeavesItsReasonBesideTheOutputs) {
  World world{.manifest = R"({"jobs":[{"id":"a"}]})"};
  EXPECT_EQ(world.run(), 400);
  EXPECT_TRUE(world.wrote(R"("name":"night.manifest.json.error.json")"));
  EXPECT_TRUE(world.wrote("jobs[0].input"));
}

/// The metadata of what was written for a manifest.
std::string told(const std::string& state, int generation) {
  return R"({"manifest":"gs://in/night.manifest.json","manifest-generation":")" +
         std::to_string(generation) + R"(","state":")" + state + R"("})";
}
constexpr const char* kProgress = "night.manifest.status.json";

TEST(ManifestJob, WhatMayPassLeavesTheStatusWaitingForTheNextDelivery) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/1.csv"}])"};
  world.forecast_status = 503;
  EXPECT_EQ(world.run(), 503);
  EXPECT_THAT(world.written.back(), HasSubstr(R"("name":"night.manifest.status.json")"));
  EXPECT_THAT(world.written.back(), HasSubstr(R"("state": "WAITING")"));
  EXPECT_THAT(world.written.back(), HasSubstr(R"("total": 1)"));
}

TEST(ManifestJob, OneThatIsDeletedBetweenDeliveriesDoesNotSayThatItRunsForEver) {
  World world{.manifest = ""};
  world.is_gone = true;
  for (const char* state : {"RUNNING", "WAITING"}) {
    world.beside[kProgress] = told(state, 3);
    EXPECT_EQ(world.run(), 200);
    EXPECT_THAT(world.written.back(), HasSubstr(R"("state": "FAILED")"));
    EXPECT_THAT(world.written.back(), HasSubstr("is not there any more"));
  }
  world.written.clear();
  for (const std::string& other : {told("SUCCEEDED", 3), told("RUNNING", 4), std::string("{}")}) {
    world.beside[kProgress] = other;
    EXPECT_EQ(world.run(), 200);
    EXPECT_TRUE(world.written.empty()) << other;
  }
}

TEST(ManifestJob, OneThatIsNoneSaysSoInTheStatusToo) {
  World world{.manifest = R"({"jobs":[{"id":"a"}]})"};
  EXPECT_EQ(world.run(), 400);
  EXPECT_THAT(world.written.back(), HasSubstr(R"("name":"night.manifest.status.json")"));
  EXPECT_THAT(world.written.back(), HasSubstr(R"("state": "FAILED")"));
  EXPECT_THAT(world.written.back(), HasSubstr("jobs[0].input"));
}

TEST(ManifestJob, OneThatCanBeReadTakesTheReasonOfAnOlderOneAway) {
  const std::string reason = "night.manifest.json.error.json";
  const std::string call = "DELETE /storage/v1/b/out/o/" + reason + "?ifGenerationMatch=4";
  World world{.manifest = R"([{"id":"a","input":"gs://in/1.csv"}])"};
  world.beside[reason] = told("", 2);
  EXPECT_EQ(world.run(), 200);
  EXPECT_THAT(world.read, Contains(call));
  world.read.clear();
  world.beside[reason] = told("", 4);
  EXPECT_EQ(world.run(), 200);
  EXPECT_THAT(world.read, Not(Contains(call))) << "of a newer one";
}

TEST(ManifestJob, WritesNothingIntoTheBucketThatItIsToldOf) {
  World world{.manifest = R"([{"id":"a","input":"gs://in/1.csv","output":"gs://in/2.csv"}])"};
  EXPECT_EQ(world.run(), 422);
  EXPECT_FALSE(world.wrote(R"("name":"2.csv")"));
}

}  // namespace
}  // namespace thaw::predict
