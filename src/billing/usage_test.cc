// What is billed, to the unit, and what it costs at the prices of the contract.
#include "billing/usage.h"

#include <gtest/gtest.h>

#include "billing/prices.h"

namespace thaw::billing {
namespace {

Span span_of(Duration length, Mode mode = Mode::kRequestBased) {
  return {.from = Instant(seconds(5)),
          .to = Instant(seconds(5) + length),
          .cpu_millis = 2000,
          .memory = gib(1),
          .mode = mode};
}

TEST(BillableTime, IsRoundedUpToTenthsOfASecond) {
  const struct {
    Duration active;
    int64_t ms;
  } cases[] = {{Duration(0), 0},
               {Duration(1), 100},
               {milliseconds(99), 100},
               {milliseconds(100), 100},
               {milliseconds(100) + Duration(1), 200},
               {seconds(1), 1000},
               {seconds(-3), 0},
               {seconds(3600) + Duration(1), 3'600'100}};
  for (const auto& [active, ms] : cases) {
    EXPECT_EQ(billable_ms(active, Mode::kRequestBased), ms) << active.count();
  }
}

TEST(BillableTime, InstanceBasedIsAtLeastAMinute) {
  EXPECT_EQ(billable_ms(Duration(1), Mode::kInstanceBased), 60'000);
  EXPECT_EQ(billable_ms(seconds(60), Mode::kInstanceBased), 60'000);
  EXPECT_EQ(billable_ms(seconds(60) + Duration(1), Mode::kInstanceBased), 60'100);
  EXPECT_EQ(billable_ms(Duration(0), Mode::kInstanceBased), 0);
}

TEST(Amount, IsTimeTimesCpuAndMemory) {
  const Amount amount = amount_of(span_of(milliseconds(1450)), Duration(0));
  EXPECT_EQ(amount.billed_ms, 1500);
  EXPECT_DOUBLE_EQ(amount.vcpu_seconds(), 3.0);
  EXPECT_DOUBLE_EQ(amount.gib_seconds(), 1.5);
  EXPECT_DOUBLE_EQ(amount.instance_seconds(), 1.5);
}

TEST(Amount, AStretchInPartsCostsWhatItCostsInOne) {
  for (const Mode mode : {Mode::kRequestBased, Mode::kInstanceBased}) {
    Amount parts;
    Duration before{0};
    for (int i = 0; i < 1000; ++i) {
      const Duration part = milliseconds(1 + i % 37);
      parts += amount_of(span_of(part, mode), before);
      before += part;
    }
    EXPECT_EQ(parts, amount_of(span_of(before, mode), Duration(0)));
  }
}

TEST(Amount, ASpanThatEndsBeforeItStartsCostsNothing) {
  EXPECT_TRUE(amount_of(span_of(seconds(-1)), Duration(0)).empty());
}

TEST(Amount, MemoryThatIsNoWholeKibibyteIsRoundedUp) {
  Span span = span_of(milliseconds(100));
  span.memory = {1025};
  EXPECT_EQ(amount_of(span, Duration(0)).memory, 200);
}

TEST(Cost, OfTheContractsExamples) {
  // Instance-based, always on, 1 vCPU and 0.5 GiB for 30 days: "about $50 a month" (5.1).
  Usage always;
  const int64_t month_ms = int64_t{30} * 86'400 * 1000;
  always.instance_based = {1000 * month_ms, 512 * 1024 * month_ms, month_ms, 5'000'000};
  const Cost cost = list_cost(always, kTier1);
  EXPECT_NEAR(cost.total(), 49.25, 0.01);
  EXPECT_EQ(cost.requests, 0);
  EXPECT_NEAR(list_cost(always, kTier2).total(), 59.1, 0.1);
}

TEST(Cost, RequestsArePricedOnlyWhenRequestBased) {
  Usage usage;
  usage.request_based.requests = 2'500'000;
  EXPECT_DOUBLE_EQ(list_cost(usage, kTier1).total(), 1.0);
}

TEST(FreeTier, TakesOffNoMoreThanWasUsed) {
  Usage small;
  small.request_based = {1'000'000, 1'048'576'000, 1000, 10};
  EXPECT_DOUBLE_EQ(free_discount(small, kTier1), list_cost(small, kTier1).total());
  Usage large;
  large.request_based.cpu = int64_t{1'000'000} * 1'000'000;
  // "All four CPU allowances are worth exactly $4.32" (5.1).
  EXPECT_DOUBLE_EQ(free_discount(large, kTier1), 4.32);
  Usage instance;
  instance.instance_based.cpu = int64_t{1'000'000} * 1'000'000;
  EXPECT_DOUBLE_EQ(free_discount(instance, kTier2), 4.32);
}

TEST(PriceList, IsFoundByName) {
  EXPECT_EQ(price_list("tier2")->request_based_vcpu_second, 0.0000336);
  EXPECT_FALSE(price_list("tier3"));
  EXPECT_FALSE(price_list(""));
}

}  // namespace
}  // namespace thaw::billing
