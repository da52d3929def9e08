// Alerts: what the platform stopped by itself and somebody should look at.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: kKept alerts, the one that was seen
// longest ago is dropped; they are kept in memory and begin anew with the program. The log has all
// of them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"

namespace thaw::telemetry {

struct Alert {
  std::string kind;     // "endless-loop"
  std::string subject;  // what was stopped, e.g. a subscription's name
  std::string message;  // of the last time
  WallTime first{};
  WallTime last{};
  int64_t times = 1;
};

inline Json to_json(const Alert& alert) {
  return Json::object({{"kind", alert.kind},
                       {"subject", alert.subject},
                       {"message", alert.message},
                       {"first", format_rfc3339(alert.first)},
                       {"last", format_rfc3339(alert.last)},
                       {"times", alert.times}});
}

class Alerts {
 public:
  static constexpr size_t kKept = 100;

  /// Once more, when one of that kind and subject is known.
  void add(std::string kind, std::string subject, std::string message, WallTime now) {
    const auto known = std::ranges::find_if(
        all_, [&](const Alert& each) { return each.kind == kind && each.subject == subject; });
    Alert alert{std::move(kind), std::move(subject), std::move(message), now, now, 1};
    if (known != all_.end()) {
      alert.first = known->first;
      alert.times = known->times + 1;
      all_.erase(known);
    } else if (all_.size() == kKept) {
      all_.erase(all_.begin());
    }
    all_.push_back(std::move(alert));
  }

  /// The last one last.
  const std::vector<Alert>& all() const { return all_; }

 private:
  std::vector<Alert> all_;
};

}  // namespace thaw::telemetry
