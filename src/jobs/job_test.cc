#include "jobs/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::jobs {
namespace {

using ::testing::HasSubstr;

Json json(const std::string& text) {
  auto parsed = Json::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? *parsed : Json();
}

/// A job as gcloud writes it, with this in its execution and its task.
Json job_text(const std::string& execution, const std::string& task,
              const std::string& container = R"("image":"thaw.local/host","command":["x"])") {
  return json(R"({"apiVersion":"run.googleapis.com/v1","kind":"Job","metadata":{"name":"j",
      "labels":{"a":"b"}},"spec":{"template":{"metadata":{"annotations":{}},"spec":{)" +
              execution + R"("template":{"spec":{)" + task + R"("containers":[{)" + container +
              "}]}}}}}}");
}

std::string fault(const Json& job) {
  const auto read = job_from_json(job);
  EXPECT_FALSE(read);
  return read ? "" : read.error().message();
}

TEST(Job, HasCloudRunsDefaultsAndTakesItsNumbersAsStrings) {
  const auto plain = job_from_json(job_text("", ""));
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->settings.task_count, 1);
  EXPECT_EQ(plain->settings.max_retries, 3);
  EXPECT_EQ(plain->settings.timeout, seconds(600));
  const auto full = job_from_json(
      job_text(R"("taskCount":4,"parallelism":2,)", R"("maxRetries":0,"timeoutSeconds":"86400",)"));
  ASSERT_TRUE(full) << full.error().message();
  EXPECT_EQ(full->settings.task_count, 4);
  EXPECT_EQ(full->settings.parallelism, 2);
  EXPECT_EQ(full->settings.max_retries, 0);
  EXPECT_EQ(full->settings.timeout, seconds(86400));
}

TEST(Job, FaultsNameTheFieldWhereItStands) {
  EXPECT_THAT(fault(job_text(R"("taskCont":1,)", "")),
              HasSubstr("spec.template.spec.taskCont: unknown field; did you mean 'taskCount'?"));
  EXPECT_THAT(fault(job_text(R"("taskCount":0,)", "")), HasSubstr("from 1 to 10000"));
  EXPECT_THAT(fault(job_text("", R"("timeoutSeconds":86401,)")), HasSubstr("from 1 to 86400"));
  EXPECT_THAT(fault(job_text("", R"("maxRetries":11,)")), HasSubstr("maxRetries"));
  EXPECT_THAT(fault(job_text("", "", R"("image":"thaw.local/host")")),
              HasSubstr("spec.template.spec.template.spec.containers[0]"));
  EXPECT_THAT(fault(json(R"({"kind":"Service"})")), HasSubstr("kind: 'Job' is wanted"));
  EXPECT_THAT(fault(json(R"({"apiVersion":"run.googleapis.com/v1","kind":"Job",
                             "metadata":{"name":"A"}})")),
              HasSubstr("metadata.name"));
}

TEST(Job, ComesBackFromTheStoreAsItWas) {
  auto job = job_from_json(job_text(R"("taskCount":4,)", ""));
  ASSERT_TRUE(job);
  job->uid = "u";
  job->runs = 7;
  const auto again = job_from_store(*Json::parse(to_store(*job).dump()));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->settings.task_count, 4);
  EXPECT_EQ(again->runs, 7);
  EXPECT_EQ(to_store(*again), to_store(*job));
}

TEST(Job, ARunsOverridesStandOverTheJobsOwn) {
  const auto job =
      job_from_json(job_text("", "", R"("image":"thaw.local/host","command":["x"],"args":["a"],
                 "env":[{"name":"A","value":"1"},{"name":"B","value":"2"}])"));
  ASSERT_TRUE(job);
  const auto run = with_overrides(*job, json(R"({"overrides":{"taskCount":3,"timeoutSeconds":5,
      "containerOverrides":[{"args":["b","c"],"env":[{"name":"B","value":"3"}]}]}})"));
  ASSERT_TRUE(run) << run.error().message();
  EXPECT_EQ(run->settings.task_count, 3);
  EXPECT_EQ(run->settings.timeout, seconds(5));
  const spec::Container& container = run->template_.spec.containers[0];
  EXPECT_EQ(container.args, (std::vector<std::string>{"b", "c"}));
  ASSERT_EQ(container.env.size(), 2u);
  EXPECT_EQ(container.env[0].value, "1");
  EXPECT_EQ(container.env[1].value, "3");
  EXPECT_FALSE(with_overrides(*job, json(R"({"overrides":{"taskCount":-1}})")));
  EXPECT_FALSE(with_overrides(*job, json(R"({"overrides":{"tasks":1}})")));
}

TEST(Execution, TellsItsStateAsCloudRunDoes) {
  const auto job = job_from_json(job_text(R"("taskCount":2,)", R"("maxRetries":0,)"));
  ASSERT_TRUE(job);
  Execution execution{.name = "j-abcde", .job = "j", .uid = "u", .created = {}, .of = *job};
  ExecutionCore core(job->settings);
  core.begin(Instant{});
  Json shown = execution_json(execution, core, "p");
  EXPECT_EQ(shown["metadata"]["labels"].string_or("run.googleapis.com/job"), "j");
  EXPECT_EQ(shown["status"]["conditions"].as_array()[0].string_or("status"), "Unknown");
  EXPECT_EQ(shown["status"].int_or("runningCount", 0), 2);
  core.on_exit(0, ExecutionCore::Outcome::kSucceeded, "", Instant{});
  core.on_exit(1, ExecutionCore::Outcome::kFailed, "it ended with exit code 3", Instant{});
  shown = execution_json(execution, core, "p");
  EXPECT_EQ(shown["status"]["conditions"].as_array()[0].string_or("status"), "False");
  EXPECT_THAT(shown["status"]["conditions"].as_array()[0].string_or("message"),
              HasSubstr("task 1 failed at its only attempt: it ended with exit code 3"));
  EXPECT_EQ(task_json(execution, core, 0, "p")["status"].int_or("index", -1), 0);
}

}  // namespace
}  // namespace thaw::jobs
