// When spans are sent, again, or given up: on a clock that the test turns.
#include "telemetry/export_policy.h"

#include <gtest/gtest.h>

namespace thaw::telemetry {
namespace {

using Do = ExportPolicy::Do;

Instant at(double when) { return Instant(seconds(when)); }

TEST(ExportPolicy, SendsAFullBatchAtOnceAndOthersAfterTheDelay) {
  ExportPolicy policy({.delay = seconds(5)});
  EXPECT_EQ(policy.wake_at(), Instant::max());
  EXPECT_EQ(policy.on_waiting(at(1), false), Do::kNothing);
  EXPECT_EQ(policy.on_waiting(at(3), false), Do::kNothing);
  EXPECT_EQ(policy.wake_at(), at(6));
  EXPECT_EQ(policy.on_time(at(5.9)), Do::kNothing);
  EXPECT_EQ(policy.on_time(at(6)), Do::kSend);
  EXPECT_FALSE(policy.idle());
  EXPECT_EQ(policy.on_waiting(at(6), true), Do::kNothing) << "one at a time";
  EXPECT_EQ(policy.on_answer(at(7), 200, {}, 0), Do::kNothing);
  EXPECT_TRUE(policy.idle());
  EXPECT_EQ(policy.on_waiting(at(7), true), Do::kSend);
}

TEST(ExportPolicy, TriesAgainWithDoubledWaitsAndGivesUp) {
  ExportPolicy policy({.first_wait = seconds(1), .longest_wait = seconds(3), .attempts = 5});
  ASSERT_EQ(policy.on_waiting(at(0), true), Do::kSend);
  double now = 0;
  for (const double wait : {1, 2, 3, 3}) {
    EXPECT_EQ(policy.on_answer(at(now), 503, {}, 1), Do::kNothing);
    EXPECT_FALSE(policy.idle());
    EXPECT_EQ(policy.wake_at(), at(now + wait));
    now += wait;
    EXPECT_EQ(policy.on_time(at(now)), Do::kSend);
  }
  EXPECT_EQ(policy.on_answer(at(now), 503, {}, 1), Do::kGiveUp);
  EXPECT_TRUE(policy.idle());
  // The next batch has all its tries again.
  ASSERT_EQ(policy.on_waiting(at(now), true), Do::kSend);
  EXPECT_EQ(policy.on_answer(at(now), 0, {}, 0), Do::kNothing);
  EXPECT_EQ(policy.wake_at(), at(now + 0.5)) << "jitter takes up to half";
}

TEST(ExportPolicy, HonoursRetryAfterWithinReason) {
  ExportPolicy policy({.longest_retry_after = seconds(60)});
  ASSERT_EQ(policy.on_waiting(at(0), true), Do::kSend);
  policy.on_answer(at(0), 429, seconds(7), 0.3);
  EXPECT_EQ(policy.wake_at(), at(7));
  ASSERT_EQ(policy.on_time(at(7)), Do::kSend);
  policy.on_answer(at(7), 503, seconds(100'000), 0.3);
  EXPECT_EQ(policy.wake_at(), at(67));
}

TEST(ExportPolicy, OnlySomeFaultsAreTriedAgain) {
  for (const int status : {0, 429, 502, 503, 504}) {
    ExportPolicy policy({});
    policy.on_waiting(at(0), true);
    EXPECT_EQ(policy.on_answer(at(0), status, {}, 0), Do::kNothing) << status;
    EXPECT_FALSE(policy.idle()) << status;
  }
  for (const int status : {301, 400, 401, 404, 413, 500, 501}) {
    ExportPolicy policy({});
    policy.on_waiting(at(0), true);
    EXPECT_EQ(policy.on_answer(at(0), status, {}, 0), Do::kGiveUp) << status;
    EXPECT_TRUE(policy.idle()) << status;
  }
}

}  // namespace
}  // namespace thaw::telemetry
