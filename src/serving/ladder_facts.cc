#include "serving/ladder_facts.h"

#include <algorithm>

namespace thaw::serving {
namespace {

using scaling::Rung;
using Hibernation = sandbox::Sandbox::Hibernation;

// Until a revision has prices of its own.
constexpr Duration kFrozen = milliseconds(1);
constexpr Duration kHibernated = milliseconds(100);
constexpr Duration kGone = seconds(2);
constexpr double kLeftOfEverything = 0.1;  // of the memory, after it was paged out
constexpr double kLeftOfFiles = 0.7;

Duration wake_of(const scaling::PriceList& prices, Rung rung, Duration otherwise) {
  const scaling::WakeTimes& wakes = prices.of(rung).wakes;
  return wakes.count() > 0 ? wakes.quantile(0.5) : otherwise;
}

}  // namespace

scaling::IdleInstance expect(const scaling::PriceList& prices, ByteCount held,
                             Temperature temperature, Hibernation hibernation) {
  scaling::IdleInstance facts;
  facts.rung = rung_of(temperature);
  facts.held = held;
  const double left = hibernation == Hibernation::kEverything ? kLeftOfEverything : kLeftOfFiles;
  const auto guess = ByteCount{static_cast<int64_t>(static_cast<double>(held.value) * left)};
  facts.held_hibernated = temperature == Temperature::kHibernated
                              ? held
                              : prices.of(Rung::kHibernated).memory.value_or(guess);
  facts.wake_frozen = wake_of(prices, Rung::kFrozen, kFrozen);
  facts.wake_hibernated = wake_of(prices, Rung::kHibernated, kHibernated);
  facts.wake_gone = wake_of(prices, Rung::kTemplated, wake_of(prices, Rung::kCold, kGone));
  return facts;
}

scaling::Resting resting(const scaling::PriceList& prices, scaling::IdleRung wish,
                         Hibernation hibernation, Duration hibernate_after) {
  if (wish == scaling::IdleRung::kFrozen || hibernation != Hibernation::kEverything) return {};
  const auto awake = prices.of(Rung::kFrozen).memory;
  const auto asleep = prices.of(Rung::kHibernated).memory;
  const bool known = awake && asleep && awake->value > 0;
  const double share = known
                           ? static_cast<double>(asleep->value) / static_cast<double>(awake->value)
                           : kLeftOfEverything;
  return {.after = wish == scaling::IdleRung::kHibernated ? Duration(0) : hibernate_after,
          .share = std::clamp(share, 0.0, 1.0),
          .wake = wake_of(prices, Rung::kHibernated, kHibernated)};
}

}  // namespace thaw::serving
