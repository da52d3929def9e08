// ServerStats: what a model server counts, in Prometheus' text form. Of both: the encoders' and the
// forecasts'.
// Thread: the loop's. Owner: values. Limits: one set of counters a path that exists.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "base/time.h"

namespace thaw::predict {

class ServerStats {
 public:
  void on_answer(const std::string& path, int status, Duration took);
  void on_batch(size_t requests);
  /// Steps of the start, in seconds since the process was executed.
  void on_step(const std::string& step, Duration since_exec) { steps_[step] = since_exec; }
  /// What of a model's load took how long: "map", and "cache" or "pack".
  void on_load(const std::string& model, const std::string& part, Duration took) {
    loads_[{model, part}] = took;
  }
  std::string render(size_t waiting) const;

 private:
  // Seconds; the last bucket is +Inf.
  static constexpr std::array<double, 10> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025,
                                                     0.05,  0.1,    0.25,  1,    10};
  struct Path {
    std::map<int, uint64_t> by_status;
    std::array<uint64_t, kBounds.size() + 1> counts{};
    double sum_s = 0;
  };
  std::map<std::string, Path> paths_;
  std::map<std::string, Duration> steps_;
  std::map<std::pair<std::string, std::string>, Duration> loads_;
  uint64_t batches_ = 0, batched_ = 0;
};

}  // namespace thaw::predict
