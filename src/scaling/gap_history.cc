#include "scaling/gap_history.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace thaw::scaling {
namespace {

constexpr double kPriorWeight = 2;
constexpr int kPriorSteps = 24;              // the unknown's density falls as 1/t, in so many steps
constexpr uint32_t kEnoughToStartAhead = 3;  // gaps seen, before one is started without a request
constexpr double kSharpest = 0.005;          // no gap is known better than to half a percent

/// From `at` on the density of gaps is higher by `by`.
struct Step {
  double at;
  double by;
};

void add_prior(std::vector<Step>& steps) {
  const double growth = std::pow(to_seconds(GapHistory::kLongest), 1.0 / kPriorSteps);
  double from = 1;
  for (int i = 0; i < kPriorSteps; ++i) {
    const double to = from * growth;
    const double density = kPriorWeight / kPriorSteps / (to - from);
    steps.push_back({from, density});
    steps.push_back({to, -density});
    from = to;
  }
}

/// `gaps` in order.
void add_gaps(std::vector<Step>& steps, const std::vector<double>& gaps) {
  for (size_t i = 0; i < gaps.size(); ++i) {
    const double gap = gaps[i];
    const double before = i > 0 ? gap - gaps[i - 1] : 0;
    const double after = i + 1 < gaps.size() ? gaps[i + 1] - gap : 0;
    const double reach = std::max(gap * kSharpest, std::max(before, after) / 2);
    const double from = std::max(1.0, gap - reach);
    const double density = 1 / (gap + reach - from);
    steps.push_back({from, density});
    steps.push_back({gap + reach, -density});
  }
}

/// The stretch of the highest gain that begins at 0, and the best one after its end.
class Search {
 public:
  Search(const HoldPrice& price, double total)
      : worth_(worth(price, price.start_time)),
        worth_resting_(worth(price, price.start_time - price.resting.wake)),
        rests_after_(rests_after(price)),
        share_(price.resting.share),
        start_(to_seconds(price.start_time)),
        longest_(to_seconds(price.longest)),
        total_(total) {}

  /// Where the price of a second changes.
  static double rests_after(const HoldPrice& price) {
    return to_seconds(std::min(price.resting.after, Duration(GapHistory::kLongest)));
  }

  struct Stretch {
    double from = -1;
    double until = -1;
  };

  double hold(const std::vector<Step>& steps) {
    double best = 0;
    double until = 0;
    walk(steps, [&](const Segment& segment) {
      if (segment.to > longest_) return;
      if (segment.sum > best) {
        best = segment.sum;
        until = segment.to;
      }
    });
    return until;
  }

  Stretch later(const std::vector<Step>& steps, double after) {
    Stretch best;
    double highest = 0;
    double begin = -1;
    double base =
        0;  // what holding from 0 would have brought when the stretch begins, less its start
    walk(steps, [&](const Segment& segment) {
      if (segment.from < after) return;
      if (segment.to - segment.from > longest_) {
        begin = -1;
        return;
      }
      const double awake = std::min(rests_after_, segment.from) * (1 - share_);
      const double anew = segment.sum_before + segment.lasts * (start_ + awake);
      if (begin < 0 || anew < base || segment.to - begin > longest_) {
        base = anew;
        begin = segment.from;
      }
      if (segment.sum - base > highest) {
        highest = segment.sum - base;
        best = {begin, segment.to};
      }
    });
    return best;
  }

 private:
  struct Segment {
    double from;
    double to;
    double lasts;       // the chance that the gap is longer than `from`
    double sum_before;  // what holding from 0 to `from` brings, in seconds
    double sum;         // and to `to`
  };

  /// What it is worth not to wait so long for an instance, in seconds held: no gap is held longer.
  static double worth(const HoldPrice& price, Duration saved) {
    const double worth = to_seconds(saved) * price.hold_per_wait;
    return std::clamp(worth, 0.0, to_seconds(GapHistory::kLongest));
  }

  /// What a segment brings: the chance that the gap ends in it times the worth of a wait, less the
  /// time held, which is spent only if the gap has not ended before.
  template <class Visit>
  void walk(const std::vector<Step>& steps, Visit visit) {
    double density = 0;
    double at = 0;
    double left = 1;
    double sum = 0;
    for (const Step& step : steps) {
      const double width = step.at - at;
      if (width > 0) {
        const double mass = std::min(left, std::max(0.0, density) * width / total_);
        const double before = sum;
        const bool rests = at >= rests_after_;
        sum += (rests ? worth_resting_ : worth_) * mass -
               (rests ? share_ : 1) * (left - mass / 2) * width;
        visit(Segment{at, step.at, left, before, sum});
        left -= mass;
        at = step.at;
      }
      density += step.by;
    }
  }

  double worth_;
  double worth_resting_;
  double rests_after_;
  double share_;
  double start_;
  double longest_;
  double total_;
};

}  // namespace

void GapHistory::add(Duration gap) {
  if (gap < kShortest) return;
  last_[seen_ % last_.size()] = static_cast<float>(to_seconds(std::min(gap, kLongest)));
  ++seen_;
  // Stays in step with the ring, whatever the width of the counter.
  if (seen_ == 1000 * last_.size()) seen_ = static_cast<uint32_t>(last_.size());
}

std::optional<Duration> GapHistory::rest_of(Duration gone) const {
  const auto at = static_cast<float>(to_seconds(gone));
  double sum = 0;
  int longer = 0;
  for (size_t i = 0; i < std::min<size_t>(seen_, last_.size()); ++i) {
    if (last_[i] <= at) continue;
    sum += static_cast<double>(last_[i] - at);
    ++longer;
  }
  if (longer == 0) return std::nullopt;
  return seconds(sum / longer);
}

HoldPlan GapHistory::plan(const HoldPrice& price) const {
  const size_t kept = std::min<size_t>(seen_, last_.size());
  std::vector<double> gaps(last_.begin(), last_.begin() + static_cast<ptrdiff_t>(kept));
  std::sort(gaps.begin(), gaps.end());
  std::vector<Step> steps;
  steps.reserve(2 * (gaps.size() + kPriorSteps) + 1);
  add_prior(steps);
  add_gaps(steps, gaps);
  steps.push_back({to_seconds(price.longest), 0});
  steps.push_back({Search::rests_after(price), 0});
  std::sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.at < b.at; });

  Search search(price, static_cast<double>(kept) + kPriorWeight);
  HoldPlan plan;
  const double hold = search.hold(steps);
  plan.hold = seconds(hold);
  if (seen_ < kEnoughToStartAhead) return plan;
  const Search::Stretch later = search.later(steps, hold);
  if (later.from < 0) return plan;
  plan.warm_from = seconds(later.from) - price.start_time;
  plan.warm_until = seconds(later.until);
  if (plan.warm_from <= plan.hold) {
    plan.hold = plan.warm_until;
    plan.warm_from = plan.warm_until = Duration(-1);
  }
  return plan;
}

}  // namespace thaw::scaling
