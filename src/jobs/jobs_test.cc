#include "jobs/jobs.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "jobs/jobs_testing.h"
#include "serving/serving_testing.h"
#include "store/state.h"

namespace thaw::jobs {
namespace {

using Kind = sandbox::ExitReport::Kind;
using State = ExecutionCore::State;

class JobsTest : public ::testing::Test {
 protected:
  JobsTest() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    open();
  }
  ~JobsTest() override {
    jobs_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// As after kill -9.
  void open() {
    jobs_.reset();
    sandbox_.started.clear();
    catalog_.reset();
    database_ = *store::open_state(store::state_path(folder_), "2026-01-02T03:04:05Z");
    catalog_.emplace(*database_);
    jobs_ = std::make_unique<Jobs>(Jobs::Parts{.clock = time_,
                                               .timers = time_,
                                               .entropy = entropy_,
                                               .sandbox = sandbox_,
                                               .catalog = *catalog_,
                                               .observer = observer_,
                                               .serve_argv = {"thaw", "serve"},
                                               .instance_env = {{"STORE", "here"}}});
    const auto unreadable = jobs_->load();
    ASSERT_TRUE(unreadable) << unreadable.error().message();
    EXPECT_TRUE(unreadable->empty());
  }

  Job job(int tasks, int parallelism, int retries) {
    const auto made = job_from_json(Json::object(
        {{"apiVersion", "run.googleapis.com/v1"},
         {"kind", "Job"},
         {"metadata", Json::object({{"name", "j"}})},
         {"spec", *Json::parse(R"({"template":{"spec":{"taskCount":)" + std::to_string(tasks) +
                               R"(,"parallelism":)" + std::to_string(parallelism) +
                               R"(,"template":{"spec":{"maxRetries":)" + std::to_string(retries) +
                               R"(,"timeoutSeconds":"60","containers":[
                                 {"image":"thaw.local/host","command":["x"]}]}}}}})")}}));
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  std::string run() {
    const auto view = jobs_->run("j", Json::object());
    EXPECT_TRUE(view) << view.error().message();
    return view->execution.name;
  }
  std::string variable(size_t started, const std::string& name) {
    for (const std::string& each : sandbox_.started[started]->spec.env) {
      if (each.starts_with(name + "=")) return each.substr(name.size() + 1);
    }
    return "-";
  }
  State state(const std::string& name) { return jobs_->execution(name)->core.state(); }

  std::string folder_ = ::testing::TempDir() + "jobs_" +
                        ::testing::UnitTest::GetInstance()->current_test_info()->name();
  serving::FakeTime time_;
  serving::CountingEntropy entropy_;
  serving::FakeSandbox sandbox_;
  NoObserver observer_;
  std::unique_ptr<store::Database> database_;
  std::optional<Catalog> catalog_;
  std::unique_ptr<Jobs> jobs_;
};

TEST_F(JobsTest, EachTaskIsAnInstanceThatKnowsWhichItIs) {
  ASSERT_TRUE(jobs_->put(job(3, 2, 0), Jobs::Mode::kCreate));
  const std::string name = run();
  ASSERT_EQ(sandbox_.started.size(), 2u);
  EXPECT_EQ(variable(1, "CLOUD_RUN_TASK_INDEX"), "1");
  EXPECT_EQ(variable(1, "CLOUD_RUN_TASK_COUNT"), "3");
  EXPECT_EQ(variable(1, "CLOUD_RUN_TASK_ATTEMPT"), "0");
  EXPECT_EQ(variable(1, "CLOUD_RUN_JOB"), "j");
  EXPECT_EQ(variable(1, "CLOUD_RUN_EXECUTION"), name);
  EXPECT_EQ(variable(1, "STORE"), "here");
  EXPECT_EQ(variable(1, "CLOUD_RUN_WORKER_POOL"), "-");
  EXPECT_EQ(variable(1, "PORT"), "-");
  sandbox_.exit(0, Kind::kExited);
  sandbox_.exit(1, Kind::kExited);
  sandbox_.exit(2, Kind::kExited);
  EXPECT_EQ(state(name), State::kSucceeded);
  EXPECT_TRUE(jobs_->execution(name)->execution.completed);
  EXPECT_EQ(observer_.gone.size(), 3u);
}

TEST_F(JobsTest, AfterACrashOnlyWhatHadNotEndedRuns) {
  ASSERT_TRUE(jobs_->put(job(3, 2, 2), Jobs::Mode::kCreate));
  const std::string name = run();
  sandbox_.exit(0, Kind::kExited);       // done; task 2 starts
  sandbox_.exit(1, Kind::kOutOfMemory);  // to be tried again
  open();
  ASSERT_EQ(sandbox_.started.size(), 2u);
  EXPECT_EQ(variable(0, "CLOUD_RUN_TASK_INDEX"), "1");
  EXPECT_EQ(variable(0, "CLOUD_RUN_TASK_ATTEMPT"), "1");
  EXPECT_EQ(variable(1, "CLOUD_RUN_TASK_INDEX"), "2");
  EXPECT_EQ(variable(1, "CLOUD_RUN_TASK_ATTEMPT"), "0");
  sandbox_.exit(0, Kind::kExited);
  sandbox_.exit(1, Kind::kExited);
  EXPECT_EQ(state(name), State::kSucceeded);
  open();
  EXPECT_TRUE(sandbox_.started.empty());
  EXPECT_EQ(state(name), State::kSucceeded);
  EXPECT_EQ(jobs_->get("j")->runs, 1);
}

TEST_F(JobsTest, WhatTakesTooLongIsAskedToEndAndThenKilled) {
  ASSERT_TRUE(jobs_->put(job(1, 0, 0), Jobs::Mode::kCreate));
  const std::string name = run();
  time_.run_until(59);
  EXPECT_EQ(sandbox_.started[0]->terminated, 0);
  time_.run_until(60);
  EXPECT_EQ(sandbox_.started[0]->terminated, 1);
  time_.run_until(69);
  EXPECT_EQ(sandbox_.started[0]->killed, 0);
  time_.run_until(70);
  EXPECT_EQ(sandbox_.started[0]->killed, 1);
  sandbox_.exit(0, Kind::kStopped);
  EXPECT_EQ(state(name), State::kFailed);
}

TEST_F(JobsTest, ACancelledExecutionStaysCancelledAcrossACrash) {
  ASSERT_TRUE(jobs_->put(job(2, 1, 0), Jobs::Mode::kCreate));
  const std::string name = run();
  ASSERT_TRUE(jobs_->cancel(name));
  EXPECT_EQ(sandbox_.started[0]->terminated, 1);
  open();
  EXPECT_TRUE(sandbox_.started.empty());
  EXPECT_EQ(state(name), State::kCancelled);
  EXPECT_EQ(jobs_->cancel(name).error().code(), Code::kFailedPrecondition);
}

TEST_F(JobsTest, ARemovedJobTakesItsExecutionsWithIt) {
  ASSERT_TRUE(jobs_->put(job(1, 0, 0), Jobs::Mode::kCreate));
  const std::string name = run();
  EXPECT_EQ(jobs_->put(job(1, 0, 0), Jobs::Mode::kCreate).error().code(), Code::kAlreadyExists);
  ASSERT_TRUE(jobs_->remove("j"));
  EXPECT_EQ(sandbox_.started[0]->observer, nullptr);
  EXPECT_EQ(observer_.gone.size(), 1u);
  EXPECT_EQ(jobs_->execution(name).error().code(), Code::kNotFound);
  EXPECT_EQ(jobs_->run("j", Json::object()).error().code(), Code::kNotFound);
  open();
  EXPECT_TRUE(jobs_->list().empty());
}

TEST_F(JobsTest, RunsNoMoreAtOnceThanOneMachineBears) {
  ASSERT_TRUE(jobs_->put(job(500, 0, 0), Jobs::Mode::kCreate));
  run();
  EXPECT_EQ(sandbox_.started.size(), static_cast<size_t>(kMostRunning));
}

}  // namespace
}  // namespace thaw::jobs
