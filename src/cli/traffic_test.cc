#include "cli/traffic.h"

#include <gtest/gtest.h>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

using Shares = std::map<std::string, int>;

TEST(Traffic, OthersDivideTheRestAsBefore) {
  const Traffic before{.percents = {{"a", 60}, {"b", 40}}};
  EXPECT_EQ(assign(before, {{"c", 50}})->percents, (Shares{{"a", 30}, {"b", 20}, {"c", 50}}));
  EXPECT_EQ(assign(before, {{"a", 10}})->percents, (Shares{{"a", 10}, {"b", 90}}));
  EXPECT_EQ(assign(before, {{"c", 100}})->percents, (Shares{{"a", 0}, {"b", 0}, {"c", 100}}));
}

TEST(Traffic, SharesAreWholeAndSumToAHundredWhateverIsAsked) {
  for (int percent = 0; percent <= 100; ++percent) {
    const auto after = assign({.percents = {{"a", 33}, {"b", 33}, {"c", 34}}}, {{"d", percent}});
    ASSERT_TRUE(after);
    int sum = 0;
    for (const auto& [revision, share] : after->percents) {
      EXPECT_GE(share, 0);
      sum += share;
    }
    EXPECT_EQ(sum, 100);
  }
}

TEST(Traffic, SharesThatCannotBeAreRefused) {
  EXPECT_EQ(assign({.percents = {{"a", 100}}}, {{"b", 60}, {"c", 41}}).error().error.message(),
            "the shares sum to 101 percent, more than 100");
  EXPECT_EQ(assign({.percents = {{"a", 100}}}, {{"a", 60}}).error().error.message(),
            "the shares sum to 60 percent, and no other revision has traffic to take the rest");
}

TEST(Traffic, TargetsKeepSharesAndTagsApart) {
  const std::vector<spec::TrafficTarget> targets = {
      {.revision_name = "a", .percent = 40, .tag = "old"},
      {.latest_revision = true, .percent = 60},
      {.latest_revision = true, .tag = "next"}};
  const auto apart = Traffic::of(targets).targets();
  ASSERT_EQ(apart.size(), 4u);
  EXPECT_EQ(Traffic::of(apart).percents, (Shares{{"LATEST", 60}, {"a", 40}}));
  EXPECT_EQ(Traffic::of(apart).tags,
            (std::map<std::string, std::string>{{"next", "LATEST"}, {"old", "a"}}));
}

class TrafficCommand : public ApiTest {
 protected:
  TrafficCommand() {
    service_ = parsed(R"({"apiVersion": "serving.knative.dev/v1", "kind": "Service",
      "metadata": {"name": "hello", "resourceVersion": "7"},
      "spec": {"template": {"spec": {"containers": [{"image": "thaw.local/serve",
                                                     "args": ["--task", "forecast"]}]}},
               "traffic": [{"percent": 100, "revisionName": "hello-1"},
                           {"tag": "next", "latestRevision": true}]},
      "status": {"conditions": [{"type": "Ready", "status": "True"}],
                 "traffic": [{"percent": 100, "revisionName": "hello-1"}]}})");
    const std::string path = std::string(kServices) + "/hello";
    api.on_json("GET " + path, service_);
    api.on("PUT " + path, [this](const http::Request& request) {
      sent_ = parsed(request.body);
      return http::Response::json(200, service_.dump());
    });
  }
  Json service_;
  Json sent_;
};

TEST_F(TrafficCommand, ATagGetsItsShareAndTheRestStays) {
  ASSERT_EQ(thaw({"services", "update-traffic", "hello", "--to-tags", "next=10"}), 0)
      << terminal.err;
  EXPECT_EQ(sent_["spec"]["traffic"], parsed(R"([{"latestRevision": true, "percent": 10},
                       {"percent": 90, "revisionName": "hello-1"},
                       {"latestRevision": true, "tag": "next"}])"));
  EXPECT_EQ(sent_["metadata"].string_or("resourceVersion"), "7");
  EXPECT_EQ(terminal.out, "Traffic      100 %  hello-1\n");
}

TEST_F(TrafficCommand, WordsThatMakeNoSenseAreRefusedAndNothingIsSent) {
  EXPECT_EQ(thaw({"services", "update-traffic", "hello"}), 2);
  EXPECT_EQ(thaw({"services", "update-traffic", "hello", "--to-tags", "nobody=10"}), 2);
  EXPECT_EQ(thaw({"services", "update-traffic", "hello", "--to-revisions", "a=ten"}), 2);
  EXPECT_EQ(thaw({"services", "update-traffic", "hello", "--to-latest", "--to-tags", "next=1"}), 2);
  EXPECT_EQ(thaw({"services", "update-traffic", "nobody", "--to-latest"}), 4);
  EXPECT_TRUE(sent_.is_null());
}

}  // namespace
}  // namespace thaw::cli
