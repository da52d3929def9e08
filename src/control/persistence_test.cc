// What was acknowledged is there after a restart; what is damaged is told and left out.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "control/control_testing.h"

namespace thaw::control {
namespace {

using Ready = serving::RevisionState::Ready;
using ::testing::HasSubstr;

class Restart : public ::testing::Test {
 protected:
  Restart() {
    char folder[] = "/tmp/thaw-control-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/state.db";
  }
  ~Restart() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
  std::string path_;
};

TEST_F(Restart, BringsBackServicesRevisionsTrafficAndStatus) {
  spec::Service before;
  std::vector<Revision> revisions;
  Routes routes;
  {
    Bench bench(path_);
    const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
    spec::Service wanted = Bench::service("demo", "two");
    wanted.scaling.max_instances = 7;
    wanted.description = "A demo: \"quoted\"\n";
    wanted.traffic = {{.revision_name = first, .percent = 30, .tag = "old"},
                      {.latest_revision = true, .percent = 70}};
    bench.deploy_ready(wanted);
    before = *bench.controller.get(ServiceId("demo"));
    revisions = bench.controller.revisions();
    routes = bench.controller.routes();
  }
  Bench bench(path_);
  EXPECT_EQ(*bench.controller.get(ServiceId("demo")), before);
  EXPECT_EQ(bench.controller.routes(), routes);
  const auto again = bench.controller.revisions();
  ASSERT_EQ(again.size(), revisions.size());
  for (size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].name, revisions[i].name);
    EXPECT_EQ(again[i].uid, revisions[i].uid);
    EXPECT_EQ(again[i].created, revisions[i].created);
    EXPECT_EQ(again[i].template_, revisions[i].template_);
  }
  EXPECT_EQ(bench.told.running.size(), 2u);
  for (const auto& [name, config] : bench.told.running) EXPECT_EQ(config.initial_instances, 0);
  EXPECT_THAT(bench.deploy_ready(Bench::service("demo", "three")), HasSubstr("demo-00003-"));
}

TEST_F(Restart, TriesOutAgainWhatHadNoVerdict) {
  {
    Bench bench(path_);
    bench.deploy(Bench::service("demo", "one"));
  }
  Bench bench(path_);
  ASSERT_EQ(bench.told.running.size(), 1u);
  EXPECT_EQ(bench.told.running.begin()->second.initial_instances, 1);
  bench.becomes(bench.latest("demo"), Ready::kTrue);
  EXPECT_EQ(bench.condition("demo", "Ready"), "True");
}

TEST_F(Restart, RemembersAFailureAndItsReason) {
  {
    Bench bench(path_);
    bench.deploy(Bench::service("demo", "one"));
    bench.becomes(bench.latest("demo"), Ready::kFalse, "ContainerMissing", "no such program");
  }
  Bench bench(path_);
  EXPECT_EQ(bench.condition("demo", "Ready"), "False: ContainerMissing");
  EXPECT_TRUE(bench.told.running.empty());
}

TEST_F(Restart, ForgetsALaterFailureOfWhatWasReady) {
  {
    Bench bench(path_);
    bench.becomes(bench.deploy_ready(Bench::service("demo", "one")), Ready::kFalse, "x", "y");
    bench.deploy(Bench::service("demo", "one", "",
                                "  traffic:\n  - latestRevision: true\n"
                                "    percent: 100\n    tag: t\n"));
  }
  Bench bench(path_);
  EXPECT_EQ(bench.condition("demo", "Ready"), "True");
}

TEST_F(Restart, KeepsWhatWasAcknowledgedBeforeAKill) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Bench bench(path_);
    for (int i = 0; i < 30; ++i) {
      bench.deploy(Bench::service("demo", "word" + std::to_string(i)));
      if (::write(pipe[1], &i, sizeof i) != sizeof i) ::_exit(1);
    }
    ::raise(SIGKILL);
  }
  ::close(pipe[1]);
  int number = 0, acknowledged = -1;
  while (::read(pipe[0], &number, sizeof number) == sizeof number) acknowledged = number;
  ::close(pipe[0]);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(acknowledged, 29);
  Bench bench(path_);
  EXPECT_EQ(bench.controller.revisions().size(), 30u);
  EXPECT_EQ(bench.controller.get(ServiceId("demo"))->template_.spec.containers[0].args[0],
            "word29");
}

TEST_F(Restart, LeavesOutWhatCannotBeReadAndSaysSo) {
  {
    Bench bench(path_);
    bench.deploy_ready(Bench::service("good", "one"));
    bench.deploy_ready(Bench::service("bad", "one"));
    bench.deploy_ready(Bench::service("odd", "one"));
    ASSERT_TRUE(bench.database->execute("UPDATE services SET service='{' WHERE name='bad'"));
    ASSERT_TRUE(bench.database->execute("UPDATE revisions SET template='[]' WHERE service='odd'"));
  }
  auto database = *store::open_state(path_, kStart);
  SqliteCatalog catalog(*database);
  HandClock clock;
  CountingEntropy entropy;
  Told told;
  Controller controller(clock, entropy, catalog, told, {});
  const auto report = controller.load();
  ASSERT_TRUE(report);
  EXPECT_EQ(report->services, 2u);
  ASSERT_EQ(report->unreadable.size(), 2u);
  EXPECT_THAT(report->unreadable[0], HasSubstr("service 'bad' cannot be read"));
  EXPECT_THAT(report->unreadable[1], HasSubstr("revision 'odd-00001-"));
  EXPECT_TRUE(controller.get(ServiceId("good")));
  EXPECT_EQ(told.shares("odd"), "") << "its traffic went to what is lost";
  // Both can be deployed again.
  for (const char* name : {"bad", "odd"}) {
    const auto done = controller.apply(Bench::service(name, "one"), ApplyMode::kUpsert);
    EXPECT_TRUE(done) << done.error().message();
  }
}

TEST_F(Restart, RemovedServicesStayAway) {
  {
    Bench bench(path_);
    bench.deploy_ready(Bench::service("demo", "one"));
    ASSERT_TRUE(bench.controller.remove(ServiceId("demo")));
  }
  Bench bench(path_);
  EXPECT_TRUE(bench.controller.list().empty());
  EXPECT_TRUE(bench.controller.revisions().empty());
}

}  // namespace
}  // namespace thaw::control
