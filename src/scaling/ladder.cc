#include "scaling/ladder.h"

#include <algorithm>

namespace thaw::scaling {
namespace {

struct Step {
  Descent::To to = Descent::To::kHibernated;
  int64_t frees = 0;
  double cost = 0;  // for each byte
};

double chance_of_call(const IdleInstance& instance) {
  const double horizon = to_seconds(kHorizon);
  const Duration gap = instance.expected_gap.value_or(instance.idle);
  return horizon / (horizon + std::max(0.0, to_seconds(gap)));
}

bool may_hibernate(const LadderFacts& facts, const IdleInstance& instance) {
  return facts.hibernation != Hibernation::kNot && instance.rung == Rung::kFrozen &&
         instance.wish != IdleRung::kFrozen &&
         (instance.may == IdleInstance::May::kStop || instance.wish == IdleRung::kHibernated);
}

/// The cheapest way down that frees anything.
std::optional<Step> best_step(const LadderFacts& facts, const IdleInstance& instance) {
  const Duration here =
      instance.rung == Rung::kFrozen ? instance.wake_frozen : instance.wake_hibernated;
  std::optional<Step> best;
  const auto consider = [&](Descent::To to, Duration below, int64_t frees) {
    if (frees <= 0) return;
    const double lost = std::max(0.0, to_seconds(below - here)) * chance_of_call(instance);
    const Step step{to, frees, lost / static_cast<double>(frees)};
    if (!best || step.cost < best->cost) best = step;
  };
  if (may_hibernate(facts, instance)) {
    consider(Descent::To::kHibernated, instance.wake_hibernated,
             instance.held.value - instance.held_hibernated.value);
  }
  if (instance.may == IdleInstance::May::kStop) {
    consider(Descent::To::kGone, instance.wake_gone, instance.held.value);
  }
  return best;
}

}  // namespace

LadderPlan plan_ladder(const LadderOptions& options, const LadderFacts& facts) {
  LadderPlan plan;
  std::vector<IdleInstance> left = facts.idle;
  int64_t held = facts.held_by_all.value;
  const auto take = [&](IdleInstance& instance, Descent::To to, Descent::Why why) {
    plan.steps.push_back({instance.id, to, why});
    const ByteCount after = to == Descent::To::kGone ? ByteCount{0} : instance.held_hibernated;
    held -= std::max<int64_t>(0, instance.held.value - after.value);
    instance.held = after;
    instance.rung = Rung::kHibernated;
    if (to == Descent::To::kGone) instance.may = IdleInstance::May::kStay;
  };

  for (IdleInstance& instance : left) {
    if (!may_hibernate(facts, instance)) continue;
    const bool asked = instance.wish == IdleRung::kHibernated;
    if (!asked && facts.hibernation != Hibernation::kEverything) continue;
    const Duration due = asked ? Duration(0) : options.hibernate_after;
    if (instance.idle >= due && plan.steps.size() < kMostSteps) {
      take(instance, Descent::To::kHibernated, Descent::Why::kIdle);
    } else {
      const Duration wait = std::max(due - instance.idle, milliseconds(1));
      plan.again_in = std::min(plan.again_in.value_or(wait), wait);
    }
  }

  while (options.budget.value > 0 && held > options.budget.value &&
         plan.steps.size() < kMostSteps) {
    IdleInstance* cheapest = nullptr;
    std::optional<Step> best;
    for (IdleInstance& instance : left) {
      const auto step = best_step(facts, instance);
      if (!step || (best && step->cost >= best->cost)) continue;
      best = step;
      cheapest = &instance;
    }
    if (cheapest == nullptr) break;
    take(*cheapest, best->to, Descent::Why::kBudget);
  }
  return plan;
}

}  // namespace thaw::scaling
