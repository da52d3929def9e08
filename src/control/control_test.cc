// Deploying: revisions, traffic, readiness and what the rooms below are told.
#include "control/control.h"

#include <gmock/gmock.h>

#include "control/control_testing.h"

namespace thaw::control {
namespace {

using Ready = serving::RevisionState::Ready;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

TEST(Deploy, ANewServiceIsTriedOutBeforeItHasTraffic) {
  Bench bench;
  const spec::Service made = bench.deploy(Bench::service("demo", "one"));
  EXPECT_EQ(made.metadata.generation, 1);
  EXPECT_EQ(made.status.observed_generation, 1);
  EXPECT_THAT(made.metadata.uid, MatchesRegex("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab].*"));
  EXPECT_FALSE(made.metadata.resource_version.empty());
  EXPECT_EQ(made.status.url, "http://demo.localhost:8080");
  EXPECT_EQ(made.metadata.labels.at("cloud.googleapis.com/location"), "local");
  EXPECT_THAT(bench.latest("demo"), MatchesRegex("demo-00001-[0-9a-z]{3}"));
  EXPECT_EQ(made.status.latest_ready_revision_name, "");
  EXPECT_EQ(bench.condition("demo", "Ready"), "Unknown: Deploying");
  EXPECT_EQ(bench.told.shares("demo"), "");
  const auto& config = bench.told.running.at(bench.latest("demo"));
  EXPECT_EQ(config.initial_instances, 1);
  EXPECT_EQ(config.reachability, serving::Reachability::kReachable);
}

TEST(Deploy, TrafficMovesOnceTheRevisionIsReadyAndTheOldOneIsLetGo) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  EXPECT_EQ(bench.condition("demo", "Ready"), "True");
  EXPECT_EQ(bench.told.shares("demo"), first + " 100");
  bench.deploy(Bench::service("demo", "two"));
  const std::string second = bench.latest("demo");
  EXPECT_THAT(second, HasSubstr("demo-00002-"));
  EXPECT_EQ(bench.told.shares("demo"), first + " 100");
  EXPECT_EQ(bench.condition("demo", "Ready"), "Unknown: Deploying");
  EXPECT_EQ(bench.condition("demo", "RoutesReady"), "True");
  bench.told.calls.clear();
  bench.becomes(second, Ready::kTrue);
  EXPECT_EQ(bench.told.shares("demo"), second + " 100");
  EXPECT_THAT(bench.told.calls, ElementsAre("routes", "run " + first));
  EXPECT_EQ(bench.told.running.at(first).reachability, serving::Reachability::kUnreachable);
  EXPECT_EQ(bench.controller.get(ServiceId("demo"))->status.latest_ready_revision_name, second);
}

TEST(Deploy, AFailedRevisionLeavesTheOldServingAndSaysWhy) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  bench.deploy(Bench::service("demo", "two"));
  const std::string second = bench.latest("demo");
  bench.becomes(second, Ready::kFalse, "HealthCheckContainerError", "It did not listen on 8080.");
  EXPECT_EQ(bench.told.shares("demo"), first + " 100");
  EXPECT_EQ(bench.condition("demo", "Ready"), "False: HealthCheckContainerError");
  EXPECT_EQ(bench.condition("demo", "RoutesReady"), "True");
  const auto shown = *bench.controller.get(ServiceId("demo"));
  EXPECT_THAT(shown.status.conditions[0].message,
              HasSubstr("Revision '" + second +
                        "' is not ready and cannot serve traffic. It did "
                        "not listen on 8080."));
  EXPECT_EQ(shown.status.latest_ready_revision_name, first);
  EXPECT_EQ(bench.told.running.at(second).reachability, serving::Reachability::kUnreachable);
}

TEST(Deploy, TheFirstRevisionsFailureIsTheServices) {
  Bench bench;
  bench.deploy(Bench::service("demo", "one"));
  bench.becomes(bench.latest("demo"), Ready::kFalse, "ContainerMissing", "no such program");
  EXPECT_EQ(bench.condition("demo", "ConfigurationsReady"), "False: ContainerMissing");
  EXPECT_EQ(bench.condition("demo", "RoutesReady"), "False: RevisionFailed");
  EXPECT_EQ(bench.told.shares("demo"), "");
}

TEST(Deploy, TheSameTemplateMakesNoRevisionAndNoGeneration) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  const spec::Service before = *bench.controller.get(ServiceId("demo"));
  const spec::Service after = bench.deploy(Bench::service("demo", "one"));
  EXPECT_EQ(bench.latest("demo"), first);
  EXPECT_EQ(after, before);
}

TEST(Deploy, TheSameTemplateIsTriedAgainAfterItFailed) {
  Bench bench;
  bench.deploy(Bench::service("demo", "one"));
  const std::string first = bench.latest("demo");
  bench.becomes(first, Ready::kFalse, "ContainerMissing", "no such program");
  bench.deploy(Bench::service("demo", "one"));
  EXPECT_NE(bench.latest("demo"), first);
  EXPECT_EQ(bench.condition("demo", "Ready"), "Unknown: Deploying");
}

TEST(Deploy, ARevisionThatComesUpLateDoesNotTakeTrafficFromANewerOne) {
  Bench bench;
  bench.deploy(Bench::service("demo", "one"));
  const std::string first = bench.latest("demo");
  bench.deploy(Bench::service("demo", "two"));
  const std::string second = bench.latest("demo");
  bench.becomes(second, Ready::kTrue);
  bench.becomes(first, Ready::kTrue);
  EXPECT_EQ(bench.told.shares("demo"), second + " 100");
}

TEST(Deploy, OwnRevisionNamesAreUsedOnce) {
  Bench bench;
  const std::string named = "    metadata:\n      name: demo-blue\n";
  EXPECT_EQ(bench.deploy_ready(Bench::service("demo", "one", named)), "demo-blue");
  bench.deploy(Bench::service("demo", "one", named));
  EXPECT_EQ(bench.controller.revisions().size(), 1u);
  const auto other =
      bench.controller.apply(Bench::service("demo", "two", named), ApplyMode::kUpsert);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code(), Code::kAlreadyExists);
  EXPECT_THAT(other.error().message(), HasSubstr("revision 'demo-blue' exists already"));
  EXPECT_THAT(bench.deploy_ready(Bench::service("demo", "two")), HasSubstr("demo-00002-"));
}

TEST(Deploy, WithoutAHealthCheckTheRevisionIsReadyAtOnceAndNothingIsStarted) {
  for (const std::string annotation : {"run.googleapis.com/health-check-disabled: \"true\"",
                                       "autoscaling.knative.dev/initial-scale: \"0\""}) {
    Bench bench;
    bench.deploy(Bench::service("demo", "one",
                                "    metadata:\n      annotations:\n        " + annotation + "\n"));
    EXPECT_EQ(bench.condition("demo", "Ready"), "True");
    EXPECT_EQ(bench.told.running.at(bench.latest("demo")).initial_instances, 0);
    EXPECT_EQ(bench.told.shares("demo"), bench.latest("demo") + " 100");
  }
}

TEST(Deploy, ModesHoldTheNameToWhatIsThere) {
  Bench bench;
  const auto missing = bench.controller.apply(Bench::service("demo", "one"), ApplyMode::kReplace);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  ASSERT_TRUE(bench.controller.apply(Bench::service("demo", "one"), ApplyMode::kCreate));
  const auto taken = bench.controller.apply(Bench::service("demo", "two"), ApplyMode::kCreate);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code(), Code::kAlreadyExists);
}

TEST(Deploy, AStaleReadIsRefused) {
  Bench bench;
  bench.deploy(Bench::service("demo", "one"));
  const spec::Service read = *bench.controller.get(ServiceId("demo"));
  spec::Service mine = read;
  mine.template_.spec.containers[0].args = {"mine"};
  spec::Service theirs = read;
  theirs.template_.spec.containers[0].args = {"theirs"};
  ASSERT_TRUE(bench.controller.apply(theirs, ApplyMode::kReplace));
  const auto refused = bench.controller.apply(mine, ApplyMode::kReplace);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kAborted);
  EXPECT_THAT(refused.error().message(), HasSubstr("read it again"));
  mine.metadata.resource_version = "";
  mine.metadata.uid = "0000";
  EXPECT_EQ(bench.controller.apply(mine, ApplyMode::kReplace).error().code(), Code::kAborted);
}

TEST(Deploy, ReadinessDoesNotMakeAReadStale) {
  Bench bench;
  bench.deploy(Bench::service("demo", "one"));
  spec::Service read = *bench.controller.get(ServiceId("demo"));
  bench.becomes(bench.latest("demo"), Ready::kTrue);
  EXPECT_TRUE(bench.controller.apply(read, ApplyMode::kReplace));
}

TEST(Deploy, ADryRunChecksEverythingAndChangesNothing) {
  Bench bench;
  const int commits = bench.catalog.commits;
  const auto shown = bench.controller.apply(Bench::service("demo", "one"), ApplyMode::kCreate,
                                            Persistence::kDryRun);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->metadata.generation, 1);
  EXPECT_FALSE(bench.controller.get(ServiceId("demo")));
  EXPECT_EQ(bench.catalog.commits, commits);
  EXPECT_TRUE(bench.told.calls.empty());
}

TEST(Deploy, WhatCannotBeKeptIsNotDone) {
  Bench bench;
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  const spec::Service before = *bench.controller.get(ServiceId("demo"));
  bench.told.calls.clear();
  bench.catalog.broken = true;
  const auto done = bench.controller.apply(Bench::service("demo", "two"), ApplyMode::kUpsert);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::kResourceExhausted);
  EXPECT_FALSE(bench.controller.remove(ServiceId("demo")));
  EXPECT_EQ(*bench.controller.get(ServiceId("demo")), before);
  EXPECT_EQ(bench.controller.revisions().size(), 1u);
  EXPECT_TRUE(bench.told.calls.empty());
  bench.catalog.broken = false;
  EXPECT_TRUE(bench.controller.apply(Bench::service("demo", "two"), ApplyMode::kUpsert));
}

TEST(Deploy, AReadinessThatCannotBeKeptStillServes) {
  Bench bench;
  bench.deploy(Bench::service("demo", "one"));
  bench.catalog.broken = true;
  bench.becomes(bench.latest("demo"), Ready::kTrue);
  EXPECT_EQ(bench.told.shares("demo"), bench.latest("demo") + " 100");
}

TEST(Deploy, BeyondTheMostServicesIsRefused) {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.deploy(Bench::service("demo" + std::to_string(i), "one"));
  const auto refused = bench.controller.apply(Bench::service("demo5", "one"), ApplyMode::kUpsert);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_TRUE(bench.controller.apply(Bench::service("demo4", "two"), ApplyMode::kUpsert));
}

TEST(Deploy, TheOldestRevisionsWithoutTrafficAreTrimmed) {
  Bench bench(":memory:", 3);
  const std::string first = bench.deploy_ready(Bench::service("demo", "one"));
  spec::Service wanted = Bench::service("demo", "two");
  wanted.traffic = {{.revision_name = first, .percent = 100}};
  for (const char* word : {"two", "three", "four", "five"}) {
    wanted.template_.spec.containers[0].args = {word};
    bench.deploy_ready(wanted);
  }
  std::vector<std::string> left;
  for (const Revision& revision : bench.controller.revisions()) {
    left.push_back(revision.template_.spec.containers[0].args[0]);
  }
  EXPECT_THAT(left, ElementsAre("five", "four", "one"));
}

TEST(RuntimeConfig, HasTheContractsEnvironmentAndLimits) {
  Bench bench;
  spec::Service wanted = Bench::service("demo", "one");
  spec::Container& container = wanted.template_.spec.containers[0];
  container.env = {{"MODE", "fast"}, {"HOME", "/home/me"}};
  container.resources.memory = mib(1024);
  wanted.template_.spec.timeout = seconds(7);
  wanted.template_.metadata.annotations["thaw.local/template"] = "module";
  wanted.template_.metadata.annotations["thaw.local/idle-rung"] = "frozen";
  wanted.template_.metadata.annotations["thaw.local/bytecode"] = "off";
  bench.deploy(wanted);
  const std::string name = bench.latest("demo");
  const auto& config = bench.told.running.at(name);
  EXPECT_THAT(config.instance.argv, ElementsAre("/bin/program", "one"));
  EXPECT_THAT(config.instance.env, ElementsAre(HasSubstr("PATH=/usr/local/sbin:"), "MODE=fast",
                                               "HOME=/home/me", "PORT=8080", "K_SERVICE=demo",
                                               "K_REVISION=" + name, "K_CONFIGURATION=demo"));
  EXPECT_EQ(config.instance.memory, gib(1));
  EXPECT_EQ(config.instance.cpu_millis, 1000);
  EXPECT_EQ(config.instance.templates, sandbox::InstanceSpec::Templates::kModule);
  EXPECT_EQ(config.idle_rung, scaling::IdleRung::kFrozen);
  EXPECT_EQ(config.instance.byte_code, sandbox::InstanceSpec::ByteCode::kOff);
  EXPECT_EQ(config.request_timeout, seconds(7));
  EXPECT_EQ(config.container_concurrency, 80);
  EXPECT_EQ(config.max_instances, 100);
  EXPECT_EQ(config.startup_probe.timeout, seconds(240));
}

TEST(RuntimeConfig, TheServeImageRunsOurOwnProgram) {
  Bench bench;
  spec::Service wanted = Bench::service("demo", "one");
  spec::Container& container = wanted.template_.spec.containers[0];
  container.image = "thaw.local/serve";
  container.command = {};
  container.args = {"--task", "forecast"};
  bench.deploy(wanted);
  EXPECT_THAT(bench.told.running.at(bench.latest("demo")).instance.argv,
              ElementsAre("/usr/bin/thaw", "serve", "--task", "forecast"));
}

}  // namespace
}  // namespace thaw::control
