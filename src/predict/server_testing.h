// For this room's tests of the server.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "io/worker.h"
#include "predict/series.h"

namespace thaw::predict {

/// 1 January 2024 and on, with a season of a week.
inline std::string daily_csv(int rows) {
  std::string text = "ds,y\r\n";
  for (int i = 0; i < rows; ++i) {
    const Timestamp at = parse_timestamp("2024-01-01").value() + i * kDay;
    text +=
        format_timestamp(at, ClockPart::kShortest) + "," + std::to_string(i % 7 + i * 0.1) + "\r\n";
  }
  return text;
}

/// A worker whose jobs run when the test says so.
class HeldWorker final : public io::Worker {
 public:
  Status run(std::function<void()> job, std::function<void()> done) override {
    if (is_full) return Error(Code::kResourceExhausted, "full");
    held.emplace_back(std::move(job), std::move(done));
    return {};
  }
  void finish_all() {
    for (auto& [job, done] : std::exchange(held, {})) {
      job();
      done();
    }
  }
  std::vector<std::pair<std::function<void()>, std::function<void()>>> held;
  bool is_full = false;
};

}  // namespace thaw::predict
