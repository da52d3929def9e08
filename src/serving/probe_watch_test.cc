#include "serving/probe_watch.h"

#include <gtest/gtest.h>

namespace thaw::serving {
namespace {

using Outcome = ProbeWatch::Outcome;
using Change = ProbeWatch::Change;

Instant at(double when) { return Instant{seconds(when)}; }

Probe probe(int failures, int successes) {
  Probe p;
  p.initial_delay = seconds(5);
  p.period = seconds(10);
  p.failure_threshold = failures;
  p.success_threshold = successes;
  return p;
}

TEST(ProbeWatch, TheFirstTryComesAfterTheDelayAndOthersEachPeriod) {
  ProbeWatch watch(probe(3, 1), at(100));
  EXPECT_EQ(watch.due(), at(105));
  watch.begin(at(105));
  EXPECT_EQ(watch.due(), Instant::max());
  watch.ended(Outcome::kPassed);
  EXPECT_EQ(watch.due(), at(115));
}

TEST(ProbeWatch, WhatWasMissedIsNotMadeUpFor) {
  ProbeWatch watch(probe(3, 1), at(0));
  watch.begin(at(77));  // it stood still until then
  watch.ended(Outcome::kPassed);
  EXPECT_EQ(watch.due(), at(87));
}

TEST(ProbeWatch, ItFailsAfterSoManyFailuresInARow) {
  ProbeWatch watch(probe(3, 2), at(0));
  const auto end = [&](Outcome outcome) {
    watch.begin(watch.due());
    return watch.ended(outcome);
  };
  EXPECT_EQ(end(Outcome::kFailed), Change::kNone);
  EXPECT_FALSE(watch.is_calm());
  EXPECT_EQ(end(Outcome::kFailed), Change::kNone);
  EXPECT_EQ(end(Outcome::kPassed), Change::kNone);
  EXPECT_TRUE(watch.is_calm());
  EXPECT_EQ(end(Outcome::kFailed), Change::kNone);
  EXPECT_EQ(end(Outcome::kFailed), Change::kNone);
  EXPECT_TRUE(watch.passes());
  EXPECT_EQ(end(Outcome::kFailed), Change::kFails);
  EXPECT_FALSE(watch.passes());
  EXPECT_FALSE(watch.is_calm());
  EXPECT_EQ(end(Outcome::kPassed), Change::kNone);
  EXPECT_EQ(end(Outcome::kFailed), Change::kNone);
  EXPECT_EQ(end(Outcome::kPassed), Change::kNone);
  EXPECT_EQ(end(Outcome::kPassed), Change::kPasses);
  EXPECT_TRUE(watch.is_calm());
}

}  // namespace
}  // namespace thaw::serving
