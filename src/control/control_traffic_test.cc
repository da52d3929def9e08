// Where traffic leads, how readiness shows, and what may be removed.
#include <gmock/gmock.h>

#include "control/control_testing.h"

namespace thaw::control {
namespace {

using Ready = serving::RevisionState::Ready;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Traffic, IsSplitAmongRevisionsAndTagsHaveRoutesOfTheirOwn) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  spec::Service wanted = Bench::service("demo", "two");
  wanted.traffic = {{.revision_name = first, .percent = 90, .tag = "stable"},
                    {.latest_revision = true, .percent = 10},
                    {.latest_revision = true, .tag = "next"}};
  bench.deploy(wanted);
  const std::string second = bench.latest("demo");
  EXPECT_EQ(bench.told.shares("demo"), first + " 100") << "of " << bench.condition("demo", "Ready");
  bench.becomes(second, Ready::kTrue);
  EXPECT_EQ(bench.told.shares("demo"), first + " 90, " + second + " 10");
  EXPECT_EQ(bench.told.shares("demo", "stable"), first + " 100");
  EXPECT_EQ(bench.told.shares("demo", "next"), second + " 100");
  const auto traffic = bench.controller.get(ServiceId("demo"))->status.traffic;
  ASSERT_EQ(traffic.size(), 3u);
  EXPECT_EQ(traffic[0].url, "http://stable---demo.localhost:8080");
  EXPECT_EQ(traffic[1].revision_name, second);
  EXPECT_TRUE(traffic[1].latest_revision);
}

TEST(Traffic, ToARevisionThatIsNotReadyMovesWhenItIs) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  spec::Service wanted = Bench::service("demo", "two", "    metadata:\n      name: demo-blue\n");
  wanted.traffic = {{.revision_name = "demo-blue", .percent = 100}};
  bench.deploy(wanted);
  EXPECT_EQ(bench.told.shares("demo"), first + " 100");
  EXPECT_EQ(bench.condition("demo", "RoutesReady"), "Unknown: Deploying");
  bench.becomes("demo-blue", Ready::kTrue);
  EXPECT_EQ(bench.told.shares("demo"), "demo-blue 100");
}

TEST(Traffic, RollingBackIsAtOnce) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  bench.deploy_ready(Bench::service("demo", "two"));
  spec::Service wanted = *bench.controller.get(ServiceId("demo"));
  wanted.traffic = {{.revision_name = first, .percent = 100}};
  const spec::Service after = bench.deploy(wanted);
  EXPECT_EQ(bench.told.shares("demo"), first + " 100");
  EXPECT_EQ(after.metadata.generation, 3);
  EXPECT_EQ(bench.controller.revisions().size(), 2u);
  EXPECT_EQ(bench.condition("demo", "Ready"), "True");
}

TEST(Traffic, ToARevisionThatDoesNotExistNamesTheFieldAndTheNearest) {
  Bench bench;
  bench.deploy_ready(Bench::service("demo", "one", "    metadata:\n      name: demo-blue\n"));
  spec::Service wanted = Bench::service("demo", "one");
  wanted.traffic = {{.revision_name = "demo-blu", .percent = 100}};
  std::vector<spec::FieldViolation> violations;
  const auto refused =
      bench.controller.apply(wanted, ApplyMode::kUpsert, Persistence::kKeep, &violations);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].path, "spec.traffic[0].revisionName");
  EXPECT_THAT(violations[0].description, HasSubstr("did you mean 'demo-blue'?"));
}

TEST(Traffic, TheServicesBoundsAreDividedByPercent) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  spec::Service wanted = Bench::service("demo", "two");
  wanted.scaling = {.min_instances = 3, .max_instances = 10};
  wanted.traffic = {{.revision_name = first, .percent = 80},
                    {.latest_revision = true, .percent = 20}};
  const std::string second = bench.deploy_ready(wanted);
  EXPECT_EQ(bench.told.running.at(first).max_instances, 8);
  EXPECT_EQ(bench.told.running.at(first).min_instances, 3);
  EXPECT_EQ(bench.told.running.at(second).max_instances, 2);
  EXPECT_EQ(bench.told.running.at(second).min_instances, 1);
}

TEST(Readiness, ALaterFailureShowsButKeepsTheTraffic) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  const int commits = bench.catalog.commits;
  bench.becomes(first, Ready::kFalse, "ContainerExited", "exit code 3");
  EXPECT_EQ(bench.condition("demo", "Ready"), "False: ContainerExited");
  EXPECT_EQ(bench.told.shares("demo"), first + " 100");
  bench.becomes(first, Ready::kTrue);
  EXPECT_EQ(bench.condition("demo", "Ready"), "True");
  EXPECT_EQ(bench.catalog.commits, commits) << "what a restart finds out anew is not kept";
}

TEST(Readiness, TransitionTimesChangeOnlyWithTheStatus) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  const auto ready_since = [&] {
    return *bench.controller.get(ServiceId("demo"))->status.conditions[0].last_transition_time;
  };
  const WallTime since = ready_since();
  EXPECT_EQ(since, bench.clock.wall_now());
  bench.becomes(first, Ready::kTrue, "", "");
  bench.deploy(Bench::service("demo", "one"));
  EXPECT_EQ(ready_since(), since);
  bench.becomes(first, Ready::kFalse, "x", "y");
  EXPECT_EQ(ready_since(), bench.clock.wall_now());
}

TEST(Readiness, OfUnknownRevisionsIsIgnored) {
  Bench bench;
  bench.becomes("absent", Ready::kTrue);
  EXPECT_TRUE(bench.told.calls.empty());
}

TEST(Remove, TakesTheNameAwayFirstThenRetiresWhatRan) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  bench.told.calls.clear();
  ASSERT_TRUE(bench.controller.remove(ServiceId("demo")));
  EXPECT_THAT(bench.told.calls, ElementsAre("routes", "retire " + first, "removed demo"));
  EXPECT_EQ(bench.told.shares("demo"), "no route");
  EXPECT_FALSE(bench.controller.get(ServiceId("demo")));
  EXPECT_FALSE(bench.controller.revision(RevisionId(first)));
  const auto again = bench.controller.remove(ServiceId("demo"));
  EXPECT_EQ(again.error().code(), Code::kNotFound);
  bench.becomes(first, Ready::kFalse);  // late news of what is gone
  EXPECT_THAT(bench.deploy_ready(Bench::service("demo", "one")), HasSubstr("demo-00001-"));
}

TEST(Remove, AnUnknownServiceNamesTheNearest) {
  Bench bench;
  bench.deploy(Bench::service("forecaster", "one"));
  const auto missing = bench.controller.get(ServiceId("forcaster"));
  EXPECT_THAT(missing.error().message(), HasSubstr("did you mean 'forecaster'?"));
}

TEST(Remove, ARevisionInUseStays) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  spec::Service wanted = Bench::service("demo", "two");
  wanted.traffic = {{.latest_revision = true, .percent = 100},
                    {.revision_name = first, .tag = "old"}};
  const std::string second = bench.deploy_ready(wanted);
  for (const std::string& name : {first, second}) {
    const auto refused = bench.controller.remove_revision(RevisionId(name));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), Code::kFailedPrecondition);
  }
  wanted.traffic = {{.latest_revision = true, .percent = 100}};
  bench.deploy(wanted);
  ASSERT_TRUE(bench.controller.remove_revision(RevisionId(first)));
  EXPECT_EQ(bench.told.calls.back(), "retire " + first);
  EXPECT_EQ(bench.controller.remove_revision(RevisionId(first)).error().code(), Code::kNotFound);
}

TEST(Remove, TheLatestRevisionStaysEvenWithoutTraffic) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  spec::Service wanted = Bench::service("demo", "two");
  wanted.traffic = {{.revision_name = first, .percent = 100}};
  const std::string second = bench.deploy_ready(wanted);
  const auto refused = bench.controller.remove_revision(RevisionId(second));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("is the latest"));
}

}  // namespace
}  // namespace thaw::control
