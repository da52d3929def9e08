// Jobs in the words of v2: there and back, and what is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/jobs_v2_shapes.h"

namespace thaw::api {
namespace {

using testing::HasSubstr;

constexpr std::string_view kJob = R"({
  "labels": {"team": "a"},
  "template": {"taskCount": 3, "parallelism": 2, "template": {
    "maxRetries": 0, "timeout": "120s", "serviceAccount": "me@p",
    "containers": [{"image": "thaw.local/host", "command": ["x"],
                    "resources": {"limits": {"memory": "256Mi"}}}]}}})";

std::string fault_of(std::string_view text) {
  const auto job = job_from_v2(*Json::parse(text), "work");
  return job ? "" : job.error().message();
}

TEST(JobsV2, AJobComesBackAsItWasGiven) {
  const Json given = *Json::parse(kJob);
  auto job = jobs::job_from_json(*job_from_v2(given, "work"));
  ASSERT_TRUE(job) << job.error().message();
  EXPECT_EQ(job->settings.task_count, 3);
  EXPECT_EQ(job->settings.max_retries, 0);
  EXPECT_EQ(job->settings.timeout, seconds(120));
  const Json shown = job_to_v2(*job, nullptr, "projects/p/locations/l");
  EXPECT_EQ(shown.string_or("name"), "projects/p/locations/l/jobs/work");
  EXPECT_EQ(shown["labels"], given["labels"]);
  EXPECT_EQ(shown["template"].int_or("parallelism", 0), 2);
  const Json& tasks = shown["template"]["template"];
  for (const char* field : {"maxRetries", "timeout", "serviceAccount", "containers"}) {
    EXPECT_EQ(tasks[field], given["template"]["template"][field]) << field;
  }
  // What is answered can be sent back as it is.
  const auto again = jobs::job_from_json(*job_from_v2(shown, "work"));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->spec, job->spec);
}

TEST(JobsV2, FaultsNameTheFieldInItsOwnWords) {
  EXPECT_THAT(fault_of(R"({"templat": {}})"), HasSubstr("templat: unknown field; did you mean"));
  EXPECT_THAT(fault_of(R"({"template": {"taskCont": 1}})"), HasSubstr("template.taskCont"));
  EXPECT_THAT(fault_of(R"({"template": {"template": {"gpuZonalRedundancyDisabled": true}}})"),
              HasSubstr("template.template.gpuZonalRedundancyDisabled: is not supported here"));
  EXPECT_THAT(fault_of(R"({"template": 5})"), HasSubstr("template: an object is wanted"));
  EXPECT_THAT(fault_of("{}"), HasSubstr("template: an object is wanted"));
}

TEST(JobsV2, OverridesAreThoseOfV1) {
  const auto all =
      overrides_from_v2(*Json::parse(R"({"name":"x","overrides":{"taskCount":2,"timeout":"5s",)"
                                     R"("containerOverrides":[{"args":["a"]}]}})"));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->dump(), R"({"overrides":{"containerOverrides":[{"args":["a"]}],"taskCount":2,)"
                         R"("timeoutSeconds":"5"}})");
  EXPECT_EQ(overrides_from_v2(Json::object())->dump(), "{}");
  EXPECT_FALSE(overrides_from_v2(*Json::parse(R"({"overrides":{"tasks":1}})")));
}

}  // namespace
}  // namespace thaw::api
