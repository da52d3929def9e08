#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "base/json.h"
#include "predict/cross_validation.h"

namespace thaw::predict {
namespace {

using std::chrono::microseconds;

constexpr double kNearlyZero = 1e-8;  // Prophet's own bound for leaving mape out
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// Rows of one distance from their cutoffs: [begin, end) of the sorted rows.
struct Group {
  microseconds horizon;
  size_t begin, end;
  double count() const { return static_cast<double>(end - begin); }
};

std::vector<Group> groups_of(const std::vector<ValidatedRow>& sorted) {
  std::vector<Group> groups;
  for (size_t i = 0; i < sorted.size(); ++i) {
    const microseconds horizon = sorted[i].ds - sorted[i].cutoff;
    if (groups.empty() || groups.back().horizon != horizon) groups.push_back({horizon, i, i});
    groups.back().end = i + 1;
  }
  return groups;
}

/// Each row a group of its own, for measures without means.
std::vector<Group> rows_alone(const std::vector<ValidatedRow>& sorted) {
  std::vector<Group> groups;
  for (size_t i = 0; i < sorted.size(); ++i) {
    groups.push_back({sorted[i].ds - sorted[i].cutoff, i, i + 1});
  }
  return groups;
}

using Loss = std::function<double(const ValidatedRow&)>;

/// Per group the mean of the `window` rows that end with it, the group where they begin counting
/// in part; groups with fewer rows before them are left out, so that the last ones remain.
std::vector<double> rolling_means(const std::vector<ValidatedRow>& sorted,
                                  const std::vector<Group>& groups, double window,
                                  const Loss& loss) {
  std::vector<double> sums;
  for (const Group& it : groups) {
    double sum = 0;
    for (size_t i = it.begin; i < it.end; ++i) sum += loss(sorted[i]);
    sums.push_back(sum);
  }
  std::vector<double> means;  // from the last group on
  size_t last = groups.size();
  double sum = 0, count = 0;
  for (size_t i = groups.size(); i-- > 0;) {
    sum += sums[i];
    count += groups[i].count();
    while (count >= window && last > i) {
      const double excess = (count - window) * sums[i] / groups[i].count();
      means.push_back((sum - excess) / window);
      --last;
      sum -= sums[last];
      count -= groups[last].count();
    }
  }
  std::reverse(means.begin(), means.end());
  return means;
}

/// The medians of windows that only move on: of the losses [begin, end), where neither of the two
/// ever goes back. A Fenwick tree counts the values in the window by their rank among all.
class MovingMedian {
 public:
  explicit MovingMedian(std::vector<double> losses) : losses_(std::move(losses)) {
    for (double it : losses_) {
      if (!std::isnan(it)) sorted_.push_back(it);
    }
    std::sort(sorted_.begin(), sorted_.end());
    sorted_.erase(std::unique(sorted_.begin(), sorted_.end()), sorted_.end());
    counts_.assign(sorted_.size() + 1, 0);
  }

  /// NaN where one of the values is.
  double of(size_t begin, size_t end) {
    for (; end_ < end; ++end_) add(losses_[end_], 1);
    for (; begin_ < begin; ++begin_) add(losses_[begin_], -1);
    if (missing_ > 0) return kNan;
    const auto count = static_cast<int64_t>(end - begin);
    const double upper = at(count / 2);
    return count % 2 == 1 ? upper : (upper + at(count / 2 - 1)) / 2;
  }

 private:
  void add(double value, int64_t count) {
    if (std::isnan(value)) {
      missing_ += count;
      return;
    }
    const auto rank = std::lower_bound(sorted_.begin(), sorted_.end(), value) - sorted_.begin();
    for (size_t i = static_cast<size_t>(rank) + 1; i < counts_.size(); i += i & (~i + 1)) {
      counts_[i] += count;
    }
  }
  /// The value before which so many are in the window.
  double at(int64_t place) const {
    size_t rank = 0;
    for (size_t step = std::bit_floor(counts_.size() - 1); step > 0; step /= 2) {
      if (rank + step >= counts_.size() || counts_[rank + step] > place) continue;
      rank += step;
      place -= counts_[rank];
    }
    return sorted_[rank];
  }

  std::vector<double> losses_, sorted_;
  std::vector<int64_t> counts_;
  size_t begin_ = 0, end_ = 0;
  int64_t missing_ = 0;
};

/// Where the window of a group begins: with the group, or before it while it has fewer than
/// `window` rows.
size_t window_begin(const Group& group, double window) {
  const auto rows = std::min(static_cast<size_t>(std::ceil(window)), group.end);
  return std::min(group.begin, group.end - rows);
}

double relative(const ValidatedRow& it) { return std::abs((it.y - it.yhat) / it.y); }

double symmetric(const ValidatedRow& it) {
  const double size = (std::abs(it.y) + std::abs(it.yhat)) / 2;
  return size == 0 ? 0 : std::abs(it.y - it.yhat) / size;
}

/// "30 days", "1 days 12:00:00": as pandas writes them.
std::string horizon_text(microseconds horizon) {
  const auto days = std::chrono::floor<std::chrono::days>(horizon);
  const auto rest = std::chrono::duration_cast<std::chrono::seconds>(horizon - days).count();
  const std::string text = fmt::format("{} days", days.count());
  if (rest == 0) return text;
  return fmt::format("{} {:02}:{:02}:{:02}", text, rest / 3600, rest / 60 % 60, rest % 60);
}

struct Measure {
  const char* name;
  double HorizonMeasures::*value;
};
constexpr Measure kMeasures[] = {
    {"mse", &HorizonMeasures::mse},          {"rmse", &HorizonMeasures::rmse},
    {"mae", &HorizonMeasures::mae},          {"mape", &HorizonMeasures::mape},
    {"mdape", &HorizonMeasures::mdape},      {"smape", &HorizonMeasures::smape},
    {"coverage", &HorizonMeasures::coverage}};

std::string number_text(double value) {
  return std::isfinite(value) ? fmt::format("{:.10g}", value) : "";
}

std::string number_json(double value) { return Json(value).dump(); }  // null where not finite

}  // namespace

std::vector<HorizonMeasures> measures_of(const std::vector<ValidatedRow>& rows,
                                         double rolling_window) {
  std::vector<ValidatedRow> sorted = rows;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.ds - a.cutoff < b.ds - b.cutoff; });
  const auto count = static_cast<double>(sorted.size());
  const double wanted = std::trunc(rolling_window * count);
  const std::vector<Group> groups = wanted < 0 ? rows_alone(sorted) : groups_of(sorted);
  const double window = std::clamp(wanted, 1.0, std::max(count, 1.0));
  const auto means = [&](const Loss& loss) { return rolling_means(sorted, groups, window, loss); };
  const auto square = means([](const auto& it) { return (it.y - it.yhat) * (it.y - it.yhat); });
  const auto absolute = means([](const auto& it) { return std::abs(it.y - it.yhat); });
  const auto share = means(relative), both = means(symmetric);
  const auto covered = means(
      [](const auto& it) { return it.y >= it.yhat_lower && it.y <= it.yhat_upper ? 1.0 : 0.0; });
  const bool near_zero = std::any_of(sorted.begin(), sorted.end(),
                                     [](const auto& it) { return std::abs(it.y) < kNearlyZero; });
  const bool bounded = !sorted.empty() && !std::isnan(sorted[0].yhat_lower);
  std::vector<double> shares;
  for (const ValidatedRow& it : sorted) shares.push_back(relative(it));
  MovingMedian medians(std::move(shares));
  std::vector<HorizonMeasures> measures;
  for (size_t i = 0; i < square.size(); ++i) {
    const Group& group = groups[groups.size() - square.size() + i];
    measures.push_back(
        {group.horizon, square[i], std::sqrt(square[i]), absolute[i], near_zero ? kNan : share[i],
         medians.of(window_begin(group, window), group.end), both[i], bounded ? covered[i] : kNan});
  }
  return measures;
}

std::string measures_csv(const CrossValidation& result) {
  std::string text = "horizon";
  for (const Measure& it : kMeasures) text += fmt::format(",{}", it.name);
  text += '\n';
  for (const HorizonMeasures& row : result.measures) {
    text += horizon_text(row.horizon);
    for (const Measure& it : kMeasures) text += "," + number_text(row.*it.value);
    text += '\n';
  }
  return text;
}

std::string measures_table(const CrossValidation& result) {
  std::string text = fmt::format("{:<18}", "horizon");
  for (const Measure& it : kMeasures) text += fmt::format("  {:>10}", it.name);
  text += '\n';
  for (const HorizonMeasures& row : result.measures) {
    text += fmt::format("{:<18}", horizon_text(row.horizon));
    for (const Measure& it : kMeasures) {
      const double value = row.*it.value;
      text += fmt::format("  {:>10}", std::isfinite(value) ? fmt::format("{:.4g}", value) : "");
    }
    text += '\n';
  }
  return text;
}

std::string rows_csv(const CrossValidation& result) {
  std::string text = "ds,cutoff,y,yhat,yhat_lower,yhat_upper\n";
  for (const ValidatedRow& it : result.rows) {
    text +=
        fmt::format("{},{},{},{},{},{}\n", format_timestamp(it.ds, ClockPart::kShortest),
                    format_timestamp(it.cutoff, ClockPart::kShortest), number_text(it.y),
                    number_text(it.yhat), number_text(it.yhat_lower), number_text(it.yhat_upper));
  }
  return text;
}

std::string measures_json(const CrossValidation& result) {
  // As text at once: a tree of values would take many times the bytes.
  std::string text = "{\"metrics\":[";
  for (const HorizonMeasures& row : result.measures) {
    text += (text.back() == '[' ? "{\"horizon\":\"" : ",{\"horizon\":\"") +
            horizon_text(row.horizon) + '"';
    for (const Measure& it : kMeasures) {
      text += fmt::format(",\"{}\":{}", it.name, number_json(row.*it.value));
    }
    text += '}';
  }
  text += "],\"rows\":[";
  for (const ValidatedRow& it : result.rows) {
    if (text.back() != '[') text += ',';
    text += fmt::format(
        "{{\"ds\":\"{}\",\"cutoff\":\"{}\",\"y\":{},\"yhat\":{},\"yhat_lower\":{},"
        "\"yhat_upper\":{}}}",
        format_timestamp(it.ds, ClockPart::kShortest),
        format_timestamp(it.cutoff, ClockPart::kShortest), number_json(it.y), number_json(it.yhat),
        number_json(it.yhat_lower), number_json(it.yhat_upper));
  }
  return text + "]}\n";
}

}  // namespace thaw::predict
