// What control makes of a worker pool.
#include <gmock/gmock.h>

#include "control/control_testing.h"

namespace thaw::control {
namespace {

using Ready = serving::RevisionState::Ready;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

spec::Service pool(const std::string& name, const std::string& word,
                   const std::string& template_lines = "") {
  spec::Service service = Bench::service(name, word, template_lines);
  service.kind = spec::ServiceKind::kWorkerPool;
  return service;
}

serving::RevisionConfig running(const Bench& bench, const std::string& name) {
  return bench.told.running.at(bench.latest(name));
}

TEST(WorkerPool, HasOneInstanceItsOwnEnvironmentAndNoRoute) {
  Bench bench;
  const std::string revision = bench.deploy_ready(pool("papers", "one"));
  const serving::RevisionConfig config = running(bench, "papers");
  EXPECT_EQ(config.min_instances, 1);
  EXPECT_EQ(config.max_instances, 1);
  EXPECT_EQ(config.workload, serving::Workload::kWorker);
  EXPECT_EQ(config.cpu, serving::CpuAllocation::kInstanceBased);
  EXPECT_EQ(config.startup_probe.kind, serving::Probe::Kind::kAlive);
  EXPECT_THAT(config.instance.env, Contains("CLOUD_RUN_WORKER_POOL=papers"));
  EXPECT_THAT(config.instance.env, Contains("CLOUD_RUN_WORKER_POOL_REVISION=" + revision));
  EXPECT_THAT(config.instance.env, Not(Contains(HasSubstr("PORT="))));
  EXPECT_EQ(bench.told.shares("papers"), "no route");
  EXPECT_EQ(bench.condition("papers", "Ready"), "True");
  EXPECT_EQ(bench.controller.get(ServiceId("papers"))->status.url, "");
}

TEST(WorkerPool, ManualScalingIsExactAndMakesNoRevision) {
  Bench bench;
  bench.deploy_ready(pool("papers", "one"));
  for (const int count : {3, 0, 2}) {
    spec::Service wanted = pool("papers", "one");
    wanted.scaling.manual_instances = count;
    bench.deploy(wanted);
    EXPECT_EQ(running(bench, "papers").min_instances, count);
    EXPECT_EQ(running(bench, "papers").max_instances, count);
  }
  EXPECT_EQ(bench.controller.revisions().size(), 1u);
}

TEST(WorkerPool, AStreamsBacklogDecidesBetweenItsBounds) {
  Bench bench;
  bench.deploy_ready(pool("papers", "one",
                          "    metadata:\n      annotations: {thaw.local/stream: s, "
                          "thaw.local/stream-group: g, thaw.local/stream-address: '127.0.0.1:1', "
                          "autoscaling.knative.dev/maxScale: '4', thaw.local/folders: /srv/x}\n"));
  const serving::RevisionConfig config = running(bench, "papers");
  ASSERT_TRUE(config.stream);
  EXPECT_EQ(config.stream->group, "g");
  EXPECT_EQ(config.min_instances, 0);
  EXPECT_EQ(config.max_instances, 4);
  ASSERT_EQ(config.instance.binds.size(), 1u);
  EXPECT_EQ(config.instance.binds[0].target, "/srv/x");
}

TEST(WorkerPool, SharesItsNamesWithServices) {
  Bench bench;
  bench.deploy_ready(pool("papers", "one"));
  const auto taken = bench.controller.apply(Bench::service("papers", "one"), ApplyMode::kUpsert);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Code::kAlreadyExists);
  EXPECT_THAT(taken.error().message(), HasSubstr("is the name of a worker pool already"));
}

TEST(WorkerPool, IsOneAgainAfterARestart) {
  const std::string path = testing::TempDir() + "/pool.db";
  std::remove(path.c_str());
  std::string revision;
  {
    Bench bench(path);
    revision = bench.deploy_ready(pool("papers", "one"));
  }
  Bench again(path);
  EXPECT_EQ(again.told.running.at(revision).workload, serving::Workload::kWorker);
  std::remove(path.c_str());
}

}  // namespace
}  // namespace thaw::control
