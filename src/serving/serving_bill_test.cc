#include "serving/serving.h"

#include <gtest/gtest.h>

#include "serving/serving_fixture.h"

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

TEST_F(ServingTest, TheWaterfallHasEveryPointInOrder) {
  serving_->set_revision(config());
  time_.run_until(1);
  const auto caller = call();
  time_.run_until(2);
  sandbox_.started[0]->observer->on_sandbox_ready();
  time_.run_until(3);
  sandbox_.started[0]->observer->on_executed();
  time_.run_until(4);
  prober_.answer(0);
  time_.run_until(5);
  ASSERT_EQ(observer_.starts.size(), 1U);
  EXPECT_FALSE(observer_.starts[0].first_byte);
  caller->slot->first_byte();
  caller->slot->first_byte();
  time_.turn();
  ASSERT_EQ(observer_.starts.size(), 2U);
  const StartRecord& record = observer_.starts[1];
  EXPECT_EQ(record.requested, Instant(seconds(1)));
  EXPECT_EQ(record.decided, Instant(seconds(1)));
  EXPECT_EQ(record.sandbox_ready, Instant(seconds(2)));
  EXPECT_EQ(record.executed, Instant(seconds(3)));
  EXPECT_EQ(record.listening, Instant(seconds(4)));
  EXPECT_EQ(record.first_byte, Instant(seconds(5)));
  EXPECT_EQ(record.instance, sandbox_.started[0]->id);
}

TEST_F(ServingTest, TheFirstByteOfARequestThatFoundItFrozenIsNoPartOfTheStart) {
  RevisionConfig tried_out = config();
  tried_out.initial_instances = 1;
  serving_->set_revision(tried_out);
  time_.turn();
  sandbox_.started[0]->observer->on_sandbox_ready();
  sandbox_.started[0]->observer->on_executed();
  time_.turn();
  prober_.answer(0);
  time_.run_until(5);
  const auto caller = call();
  time_.turn();
  ASSERT_TRUE(caller->slot);
  caller->slot->first_byte();
  time_.turn();
  ASSERT_EQ(observer_.starts.size(), 2U);
  EXPECT_FALSE(observer_.starts[0].first_byte);
  EXPECT_EQ(observer_.starts[1].from, scaling::Rung::kFrozen) << "the wake has a record of its own";
}

TEST_F(ServingTest, BillsStartRequestsAndStopButNotIdleness) {
  serving_->set_revision(config());
  const auto caller = call();
  time_.run_until(2);
  come_up(0);
  time_.run_until(5);
  caller->slot.reset();  // 5 s without a gap
  time_.run_until(10);
  {
    const auto a = call();
    time_.run_until(11);
  }                     // 1 s
  time_.run_until(71);  // idle until here
  EXPECT_EQ(sandbox_.started[0]->terminated, 1);
  time_.run_until(73);
  sandbox_.exit(0, ExitReport::Kind::kStopped);  // 2 s
  time_.run_until(80);
  EXPECT_EQ(observer_.billed(), seconds(8));
  ASSERT_EQ(observer_.spans.size(), 3U);
  EXPECT_EQ(observer_.spans[0].to, Instant(seconds(5)));
  EXPECT_EQ(observer_.spans[0].memory, mib(512));
}

TEST_F(ServingTest, OverlappingRequestsAreBilledOnce) {
  serving_->set_revision(config(2, 1));
  const auto a = call();
  const auto b = call();
  come_up(0);
  time_.run_until(1);
  a->slot.reset();
  time_.run_until(3);
  b->slot.reset();
  time_.run_until(4);
  EXPECT_EQ(observer_.billed(), seconds(3));
}

TEST_F(ServingTest, InstanceBasedIsBilledItsWholeLifeInPieces) {
  RevisionConfig c = config();
  c.cpu = CpuAllocation::kInstanceBased;
  serving_->set_revision(c);
  const auto caller = call();
  come_up(0);
  caller->slot.reset();
  time_.run_until(35);
  EXPECT_EQ(observer_.billed(), seconds(30));
  time_.run_until(60);
  sandbox_.exit(0, ExitReport::Kind::kStopped);
  time_.run_until(61);
  EXPECT_EQ(observer_.billed(), seconds(60));
}

TEST_F(ServingTest, ALongRequestIsBilledWhileItLasts) {
  serving_->set_revision(config());
  const auto caller = call();
  come_up(0);
  time_.run_until(25.5);
  EXPECT_EQ(observer_.billed(), seconds(20));
  caller->slot.reset();
  time_.run_until(26);
  EXPECT_EQ(observer_.billed(), seconds(25.5));
}

TEST_F(ServingTest, SpansComeBeforeTheNewsThatTheInstanceIsGone) {
  struct Order final : Observer {
    void on_output(const InstanceStatus&, sandbox::OutputStream, std::string_view) override {}
    void on_event(const InstanceEvent&) override {}
    void on_start(const StartRecord&) override {}
    void on_billable(const BillableSpan&) override { said += "b"; }
    void on_revision_state(const RevisionId&, const RevisionState&) override {}
    void on_instance_network(const InstanceStatus&, const io::SocketAddress&) override {}
    void on_instance_frozen(const InstanceId&) override {}
    void on_instance_gone(const InstanceId&) override { said += "g"; }
    std::string said;
  } order;
  serving_ = std::make_unique<Serving>(time_, time_, entropy_, sandbox_, prober_, order,
                                       Serving::Options());
  serving_->set_revision(config());
  const auto caller = call();
  come_up(0);
  time_.run_until(1);
  sandbox_.exit(0, ExitReport::Kind::kSignalled);
  time_.run_until(2);
  EXPECT_EQ(order.said, "bg");
  caller->slot.reset();
}

}  // namespace
}  // namespace thaw::serving
