#include "serving/serving.h"

#include <gtest/gtest.h>

#include "serving/serving_fixture.h"

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

TEST_F(ServingTest, UnknownRevisionIs404) { EXPECT_EQ(call()->refusal->http_status, 404); }

TEST_F(ServingTest, ARequestFromZeroWaitsForTheStartAndGetsItsSlot) {
  serving_->set_revision(config());
  const auto caller = call();
  EXPECT_FALSE(caller->slot);
  ASSERT_EQ(sandbox_.started.size(), 1U);
  come_up(0);
  ASSERT_TRUE(caller->slot);
  EXPECT_TRUE(caller->slot->waited_for_start());
  EXPECT_EQ(caller->slot->address().port, 20001);
  EXPECT_EQ(caller->slot->instance(), sandbox_.started[0]->id);
  EXPECT_EQ(caller->answers, 1);
}

TEST_F(ServingTest, AReadyInstanceGivesASlotAtOnce) {
  serving_->set_revision(config());
  call();
  come_up(0);
  const auto caller = call();
  ASSERT_TRUE(caller->slot);
  EXPECT_FALSE(caller->slot->waited_for_start());
}

TEST_F(ServingTest, NoWaiterIsCalledInsideACall) {
  serving_->set_revision(config(1, 1));
  const auto first = call();
  const auto second = call();
  come_up(0);
  ASSERT_TRUE(first->slot);
  first->slot.reset();  // gives the place to the second, but not in here
  EXPECT_EQ(second->answers, 0);
  time_.turn();
  EXPECT_TRUE(second->slot);
}

TEST_F(ServingTest, ADroppedWaitIsNeverCalled) {
  serving_->set_revision(config(1, 1));
  const auto first = call();
  const auto second = call();
  const auto third = call();
  come_up(0);
  first->slot.reset();    // the second is granted
  second->wait = Wait();  // and leaves before it hears of it
  time_.turn();
  EXPECT_EQ(second->answers, 0);
  EXPECT_TRUE(third->slot);
}

TEST_F(ServingTest, AWaitKeptAfterItsSlotMeansNothing) {
  serving_->set_revision(config(1, 1));
  const auto first = call();
  come_up(0);
  const auto second = call();
  first->wait = Wait();  // its slot stays
  time_.turn();
  EXPECT_FALSE(second->slot);
  // Also not when the wait for the explanation replaces it.
  first->wait = Wait();
  first->wait = serving_->explain(*std::exchange(first->slot, std::nullopt), *first);
  sandbox_.exit(0, ExitReport::Kind::kOutOfMemory);
  time_.turn();
  ASSERT_TRUE(first->refusal);
  EXPECT_EQ(first->refusal->http_status, 500);
}

TEST_F(ServingTest, ASlotMovedOverAnotherGivesThatOneBack) {
  serving_->set_revision(config(2, 1));
  const auto a = call();
  const auto b = call();
  come_up(0);
  EXPECT_EQ(serving_->instances()[0].in_flight, 2);
  *a->slot = *std::exchange(b->slot, std::nullopt);
  EXPECT_EQ(serving_->instances()[0].in_flight, 1);
  a->slot.reset();
  EXPECT_EQ(serving_->instances()[0].in_flight, 0);
}

TEST_F(ServingTest, QueueFullIsRefusedAtOnceAndDeadlineLater) {
  Serving::Options options;
  options.longest_queue = 1;
  serving_ =
      std::make_unique<Serving>(time_, time_, entropy_, sandbox_, prober_, observer_, options);
  serving_->set_revision(config());
  const auto waiting = call(5);
  EXPECT_EQ(call()->refusal->http_status, 429);
  time_.run_until(5);
  ASSERT_TRUE(waiting->refusal);
  EXPECT_EQ(waiting->refusal->http_status, 504);
}

TEST_F(ServingTest, OneHundredRevisionsAtZeroSetNoTimer) {
  for (int i = 0; i < 100; ++i) {
    RevisionConfig c = config();
    c.instance.revision = RevisionId("r" + std::to_string(i));
    serving_->set_revision(c);
  }
  EXPECT_EQ(time_.pending(), 0U);
  EXPECT_EQ(sandbox_.kept_ready, 100);
}

TEST_F(ServingTest, AfterUseNoTimerIsLeftAtZero) {
  serving_->set_revision(config());
  call();
  come_up(0);
  call();
  time_.run_until(100);
  sandbox_.exit(0, ExitReport::Kind::kStopped);
  time_.run_until(200);
  EXPECT_TRUE(serving_->instances().empty());
  EXPECT_EQ(time_.pending(), 0U);
}

TEST_F(ServingTest, ASandboxIsKeptReadyWhileTheRevisionMayGrow) {
  RevisionConfig c = config(1, 2);
  serving_->set_revision(c);
  EXPECT_EQ(sandbox_.kept_ready, 1);
  const auto a = call();
  EXPECT_EQ(sandbox_.kept_ready, 1);  // not beside a start
  come_up(0);
  EXPECT_EQ(sandbox_.kept_ready, 2);
  const auto b = call();
  come_up(1);
  EXPECT_EQ(sandbox_.kept_ready, 2);  // the maximum
  c.reachability = Reachability::kUnreachable;
  serving_->set_revision(c);
  EXPECT_EQ(sandbox_.forgotten, 0);  // there was none
  sandbox_.exit(0, ExitReport::Kind::kSignalled);
  EXPECT_EQ(sandbox_.kept_ready, 2);
  c.reachability = Reachability::kReachable;
  serving_->set_revision(c);
  EXPECT_EQ(sandbox_.kept_ready, 3);
  serving_->retire_revision(kRevision);
  EXPECT_EQ(sandbox_.forgotten, 1);
}

TEST_F(ServingTest, AnInstancesNetworkIsToldAtOnceForItsProgramDoesNotWait) {
  serving_->set_revision(config());
  const auto caller = call();
  const FakeSandbox::Started& started = *sandbox_.started[0];
  started.observer->on_network({.ip = "127.0.8.80", .port = 8080});
  ASSERT_EQ(observer_.networks.size(), 1U);
  EXPECT_EQ(observer_.networks[0].first, started.id);
  EXPECT_EQ(observer_.networks[0].second, "127.0.8.80");
}

TEST_F(ServingTest, AProbeOfAnotherPortAsksThatPort) {
  RevisionConfig c = config();
  c.startup_probe.port = 9090;
  serving_->set_revision(c);
  const auto caller = call();
  sandbox_.started[0]->observer->on_executed();
  EXPECT_EQ(prober_.asked[0]->address.port, 9090);
}

TEST_F(ServingTest, TheLastLineOfStderrIsInTheReport) {
  serving_->set_revision(config());
  const auto caller = call();
  sandbox_.started[0]->observer->on_executed();
  sandbox_.started[0]->observer->on_output(sandbox::OutputStream::kStderr, "Traceback");
  sandbox_.started[0]->observer->on_output(sandbox::OutputStream::kStderr, "KeyError: 'x'");
  sandbox_.started[0]->observer->on_output(sandbox::OutputStream::kStderr, "");
  sandbox_.exit(0, ExitReport::Kind::kExited);
  time_.turn();
  EXPECT_EQ(observer_.lines.size(), 3U);
  EXPECT_NE(observer_.events.back().message.find("KeyError: 'x'"), std::string::npos);
  EXPECT_EQ(caller->refusal->http_status, 503);
}

TEST_F(ServingTest, AProbeThatFailsDeclaresTheRevisionFailed) {
  RevisionConfig c = config();
  c.initial_instances = 1;
  serving_->set_revision(c);
  sandbox_.started[0]->observer->on_executed();
  prober_.answer(0, Prober::Outcome::kFailed);
  time_.turn();
  ASSERT_EQ(observer_.states.size(), 1U);
  EXPECT_EQ(observer_.states[0].ready, RevisionState::Ready::kFalse);
  EXPECT_EQ(sandbox_.started[0]->terminated, 1);
  time_.run_until(10);
  EXPECT_EQ(sandbox_.started[0]->killed, 1);
}

TEST_F(ServingTest, InstancesSaysWhatThereIs) {
  serving_->set_revision(config());
  const auto caller = call();
  ASSERT_EQ(serving_->instances().size(), 1U);
  EXPECT_EQ(serving_->instances()[0].state, InstanceState::kStarting);
  come_up(0);
  const InstanceStatus status = serving_->instances()[0];
  EXPECT_EQ(status.state, InstanceState::kReady);
  EXPECT_EQ(status.in_flight, 1);
  EXPECT_EQ(status.usage.memory, mib(30));
  EXPECT_EQ(status.memory_limit, mib(512));
}

TEST_F(ServingTest, RetiredRevisionsGoWhenTheyAreEmptyAndMayComeBack) {
  serving_->set_revision(config());
  const auto caller = call();
  come_up(0);
  serving_->retire_revision(kRevision);
  EXPECT_EQ(call()->refusal->http_status, 404);
  caller->slot.reset();
  EXPECT_EQ(sandbox_.started[0]->terminated, 1);
  sandbox_.exit(0, ExitReport::Kind::kStopped);
  time_.turn();
  serving_->set_revision(config());
  EXPECT_FALSE(call()->refusal);
  serving_->retire_revision(RevisionId("unknown"));
}

TEST_F(ServingTest, ShutDownRefusesWaitersStopsAllAndSaysWhenDone) {
  serving_->set_revision(config(1, 1));
  const auto a = call();
  come_up(0);
  const auto waiting = call();
  bool down = false;
  serving_->shut_down([&] { down = true; });
  time_.turn();
  EXPECT_EQ(waiting->refusal->http_status, 503);
  EXPECT_EQ(call()->refusal->http_status, 503);
  a->slot.reset();
  time_.turn();
  EXPECT_FALSE(down);
  sandbox_.exit(0, ExitReport::Kind::kStopped);
  time_.turn();
  EXPECT_TRUE(down);
}

TEST_F(ServingTest, ShutDownOfNothingIsDoneInTheNextTurn) {
  bool down = false;
  serving_->shut_down([&] { down = true; });
  EXPECT_FALSE(down);
  time_.turn();
  EXPECT_TRUE(down);
}

TEST_F(ServingTest, TwoHundredAtOnceWithConcurrencyOneAndThreeInstancesAreAllAnswered) {
  serving_->set_revision(config(1, 3));
  std::vector<std::unique_ptr<Caller>> callers;
  for (int i = 0; i < 200; ++i) callers.push_back(call());
  ASSERT_EQ(sandbox_.started.size(), 3U);
  for (size_t i = 0; i < 3; ++i) come_up(i);
  int served = 0;
  for (int round = 0; round < 200; ++round) {
    for (const auto& status : serving_->instances()) ASSERT_LE(status.in_flight, 1);
    for (auto& caller : callers) {
      if (!caller->slot) continue;
      caller->slot.reset();
      ++served;
    }
    time_.run_until(to_seconds(time_.now().time_since_epoch()) + 0.05);
  }
  EXPECT_EQ(served, 200);
  EXPECT_EQ(sandbox_.started.size(), 3U);
}

}  // namespace
}  // namespace thaw::serving
