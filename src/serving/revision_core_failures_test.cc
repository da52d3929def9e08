#include "serving/revision_core.h"

#include <gtest/gtest.h>

#include "serving/revision_core_testing.h"

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

// ---- places ----

TEST(RevisionCore, AFailedStartRefusesThoseWhoWaitWithTheReason) {
  Core core(config(1, 3));
  const auto request = core.arrive();
  core.send(event::Executed{0});
  core.exit(0);
  EXPECT_EQ(core.refused(request), 503);
  const auto refusal = core.all<action::Refuse>()[0].refusal;
  EXPECT_EQ(refusal.reason, Refusal::Reason::kStartFailed);
  EXPECT_NE(refusal.message.find("exited by itself"), std::string::npos);
  EXPECT_EQ(refusal.retry_after, seconds(1));
}

TEST(RevisionCore, AFailedStartBesideAGoodOneRefusesNobody) {
  Core core(config(1, 2));
  core.arrive();
  const auto second = core.arrive();
  core.send(event::Executed{0});
  core.exit(0);
  EXPECT_EQ(core.count<action::Refuse>(), 0);
  core.ready(1);
  core.release(1);
  EXPECT_EQ(core.place_of(second), 1);
}

TEST(RevisionCore, DuringTheBackoffRequestsAreRefusedAtOnceAndStartsPause) {
  Core core(config(1, 3));
  core.arrive();
  core.exit(0);
  core.run_until(0.5);
  EXPECT_EQ(core.refused(core.arrive()), 503);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
  core.run_until(1);
  const auto later = core.arrive();
  EXPECT_EQ(core.refused(later), 0);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
}

TEST(RevisionCore, BackoffDoublesUpToFiveMinutes) {
  Core core(config(1, 1));
  double at = 0;
  for (const double pause : {1., 2., 4., 8., 16., 32., 64., 128., 256., 300., 300.}) {
    core.run_until(at);
    core.clear();
    core.arrive();
    ASSERT_EQ(core.count<action::StartInstance>(), 1) << "after " << at;
    core.exit(core.all<action::StartInstance>()[0].instance);
    core.run_until(at + pause - 0.001);
    EXPECT_EQ(core.refused(core.arrive()), 503) << pause;
    at += pause;
  }
}

TEST(RevisionCore, AHealthyMinuteForgetsEarlierFailures) {
  Core core(config(1, 1));
  core.arrive();
  core.exit(0);  // 1 s
  core.run_until(1);
  core.arrive();
  core.exit(0);  // 2 s
  core.run_until(3);
  core.arrive();
  core.ready(0);
  core.run_until(63);
  core.exit(0, ExitReport::Kind::kSignalled);  // after 60 s: no pause
  core.clear();
  core.arrive();
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
}

TEST(RevisionCore, ACrashAfterReadyIsFollowedByAStartAtOnceTheNextOneIsNot) {
  Core core(config(1, 1));
  core.arrive();
  core.ready(0);
  core.exit(0, ExitReport::Kind::kSignalled);
  core.release(0);
  core.clear();
  core.arrive();
  ASSERT_EQ(core.count<action::StartInstance>(), 1);
  const auto key = core.all<action::StartInstance>()[0].instance;
  core.ready(key);
  core.exit(key, ExitReport::Kind::kSignalled);
  core.release(key);
  EXPECT_EQ(core.refused(core.arrive()), 503);
}

TEST(RevisionCore, ProbeFailureStopsTheInstanceAndSaysThatItNeverListened) {
  Core core(config(1, 1));
  const auto request = core.arrive();
  core.send(event::Executed{0});
  EXPECT_EQ(core.count<action::StartProbe>(), 1);
  core.send(event::ProbeFailed{0});
  EXPECT_EQ(core.refused(request), 503);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
  ASSERT_EQ(core.count<action::Declare>(), 1);
  EXPECT_EQ(core.all<action::Declare>()[0].state.reason, "HealthCheckContainerError");
}

// ---- how a revision is said to be ----

TEST(RevisionCore, AnInitialInstanceThatFailsMakesTheRevisionFail) {
  RevisionConfig c = config(1, 1);
  c.initial_instances = 1;
  Core core(c);
  ASSERT_EQ(core.count<action::StartInstance>(), 1);
  core.send(event::Executed{0});
  core.exit(0);
  ASSERT_EQ(core.count<action::Declare>(), 1);
  EXPECT_EQ(core.all<action::Declare>()[0].state.ready, RevisionState::Ready::kFalse);
  core.run_until(1000);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);  // nobody asks: it is left alone
}

TEST(RevisionCore, AReadyRevisionStaysReadyWhenALaterStartFails) {
  RevisionConfig c = config(1, 1);
  c.initial_instances = 1;
  Core core(c);
  core.ready(0);
  core.exit(0, ExitReport::Kind::kOutOfMemory);
  core.arrive();
  core.exit(0);
  std::vector<std::string> reasons;
  for (const auto& declare : core.all<action::Declare>()) {
    EXPECT_EQ(declare.state.ready, RevisionState::Ready::kTrue);
    reasons.push_back(declare.state.reason);
  }
  EXPECT_EQ(reasons,
            (std::vector<std::string>{"", "ContainerOutOfMemory", "HealthCheckContainerError"}));
}

TEST(RevisionCore, ALateListenerIsWarnedOfAndAQuickStartTakesItBack) {
  RevisionConfig c = config(1, 1);
  c.initial_instances = 1;
  Core core(c);
  core.send(event::Executed{0});
  core.run_until(4);
  core.send(event::ProbePassed{0});
  ASSERT_EQ(core.count<action::Declare>(), 1);
  EXPECT_EQ(core.all<action::Declare>()[0].state.ready, RevisionState::Ready::kTrue);
  EXPECT_EQ(core.all<action::Declare>()[0].state.reason, "ContainerSlowToStart");
  core.run_until(64);
  core.exit(0, ExitReport::Kind::kStopped);
  core.clear();
  core.arrive();
  core.ready(0);
  ASSERT_EQ(core.count<action::Declare>(), 1);
  EXPECT_EQ(core.all<action::Declare>()[0].state.message, "");
}

// ---- the end of connections ----

TEST(RevisionCore, ABrokenConnectionLearnsHowItsInstanceEnded) {
  struct Row {
    ExitReport::Kind kind;
    int status;
  };
  for (const Row& row :
       {Row{ExitReport::Kind::kOutOfMemory, 500}, Row{ExitReport::Kind::kSignalled, 503},
        Row{ExitReport::Kind::kExited, 503}}) {
    Core core(config(1, 1));
    const auto request = core.arrive();
    core.ready(0);
    core.send(event::ConnectionBroke{{request, 0}, 0});
    EXPECT_EQ(core.refused(request), 0);
    core.exit(0, row.kind);
    EXPECT_EQ(core.refused(request), row.status);
    EXPECT_EQ(core.count<action::Forget>(), 1);
  }
}

TEST(RevisionCore, AConnectionToAnEndedInstanceIsExplainedAtOnce) {
  Core core(config(2, 1));
  const auto a = core.arrive();
  const auto b = core.arrive();
  core.ready(0);
  core.exit(0, ExitReport::Kind::kOutOfMemory);
  EXPECT_EQ(core.count<action::Forget>(), 0);  // two requests still refer to it
  core.send(event::ConnectionBroke{{a, 0}, 0});
  core.send(event::ConnectionBroke{{b, 0}, 0});
  EXPECT_EQ(core.refused(a), 500);
  EXPECT_EQ(core.refused(b), 500);
  EXPECT_EQ(core.count<action::Forget>(), 1);
}

TEST(RevisionCore, AStoppingInstanceThatRanOutOfMemoryIsExplainedSo) {
  Core core(config(2, 1));
  const auto request = core.arrive();
  core.ready(0);
  core.send(event::Retired{});  // it drains
  core.send(event::ConnectionBroke{{request, 0}, 0});
  EXPECT_EQ(core.count<action::Terminate>(), 1);
  core.exit(0, ExitReport::Kind::kOutOfMemory);
  EXPECT_EQ(core.refused(request), 500);
}

TEST(RevisionCore, AnExplanationTakesAtMostASecond) {
  Core core(config(1, 1));
  const auto request = core.arrive();
  core.ready(0);
  core.send(event::ConnectionBroke{{request, 0}, 0});
  core.run_until(0.999);
  EXPECT_EQ(core.refused(request), 0);
  core.run_until(1);
  EXPECT_EQ(core.refused(request), 503);
  EXPECT_EQ(core.place_of(core.arrive()), 0);  // it lives and serves on
}

TEST(RevisionCore, AnInstanceThatBrokeAConnectionGetsNoRequestForAMoment) {
  Core core(config(2, 5));
  const auto broken = core.arrive();
  core.ready(0);
  core.send(event::ConnectionBroke{{broken, 0}, 0});
  const auto next = core.arrive();
  EXPECT_EQ(core.place_of(next), -1);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);  // its places will do, if it lives
  core.run_until(0.1);
  EXPECT_EQ(core.place_of(next), 0);
}

TEST(RevisionCore, WhoWaitsBesideACrashGetsTheNextInstance) {
  Core core(config(1, 1));
  const auto broken = core.arrive();
  const auto waiting = core.arrive();
  core.ready(0);
  core.send(event::ConnectionBroke{{broken, 0}, 0});
  core.exit(0, ExitReport::Kind::kSignalled);
  core.clear();
  core.ready(0);
  EXPECT_EQ(core.place_of(waiting), 0);
}

}  // namespace
}  // namespace thaw::serving
