// The ladder's policy: which idle instance gives its memory up, how far down it goes, and when.
//
//   hot -> frozen -> hibernated -> gone          (a request walks up again)
//
// Hot to frozen is the revision's own rule (serving/revision_core.h), as is gone after the idle
// time of the service. Between them this decides, in two steps:
// 1. By time: an instance that has been idle for `hibernate_after` is hibernated, where the machine
//    has swap; without swap it would give up file pages only, which the kernel takes by itself when
//    it needs them. A service may ask for more or less: IdleRung.
// 2. By memory: while all instances together hold more than `budget`, of all single steps down that
//    are open the one is taken that costs the least for each byte it frees:
//
//        (wake time below - wake time here) x chance of a call within kHorizon / bytes freed
//
//    The chance is kHorizon / (kHorizon + expected gap): of calls that come at random with that
//    mean gap, about the share that falls within the horizon. Where nobody knows the gap, it is
//    taken to be as long as the instance has been idle already.
// An instance that the minimum of its service keeps is never stopped here, and hibernated only when
// the service asks for it.
// A busy instance is not touched: its memory counts, and that may keep the sum over the budget.
//
// **Thread**: any. **Owner**: values. **Limits**: kMostSteps steps a call; the rest comes with the
// next one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "scaling/price_list.h"

namespace thaw::scaling {

/// What a service wants of its idle instances: thaw.local/idle-rung.
enum class IdleRung {
  kAuto,
  kFrozen,      // never hibernated
  kHibernated,  // as soon as it is frozen
};

struct LadderOptions {
  ByteCount budget;                        // 0: none
  Duration hibernate_after = seconds(20);  // since the last answer
};

constexpr Duration kHorizon = seconds(60);
constexpr size_t kMostSteps = 64;

struct IdleInstance {
  size_t id = 0;
  Rung rung = Rung::kFrozen;  // or kHibernated
  Duration idle{0};
  std::optional<Duration> expected_gap;  // between calls, where someone has learned it
  ByteCount held;                        // now
  ByteCount held_hibernated;             // expected
  Duration wake_frozen{0};               // expected, of each rung
  Duration wake_hibernated{0};
  Duration wake_gone{0};
  IdleRung wish = IdleRung::kAuto;
  enum class May { kStay, kStop } may = May::kStay;  // kStop: the minimum does not need it
};

enum class Hibernation { kNot, kFilesOnly, kEverything };  // what the machine can do

struct LadderFacts {
  Hibernation hibernation = Hibernation::kNot;
  ByteCount held_by_all;  // instances, the busy ones too
  std::vector<IdleInstance> idle;
};

struct Descent {
  size_t id = 0;
  enum class To { kHibernated, kGone } to = To::kHibernated;
  enum class Why { kIdle, kBudget } why = Why::kIdle;

  bool operator==(const Descent&) const = default;
};

struct LadderPlan {
  std::vector<Descent> steps;
  /// When to ask again if nothing changes; nothing: never.
  std::optional<Duration> again_in;
};

LadderPlan plan_ladder(const LadderOptions& options, const LadderFacts& facts);

}  // namespace thaw::scaling
