// Replay: one service's calls put through the real decisions (serving/RevisionCore), with a clock
// that jumps and instances that only take time.
//
// **Thread**: any, each replay its own. **Owner**: the calls outlive the call. **Limits**: none.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "serving/revision_core.h"
#include "simulate/trace.h"

namespace thaw::simulate {

struct Policy {
  std::string_view name;
  std::string_view rule;  // in a few words
  serving::RevisionCore::Options options;
  scaling::Resting resting = {};  // an idle instance's way to swap; none: it keeps its memory
};

/// Cloud Run's as documented: 60 % of the concurrency over a minute, a start for each request
/// without a place, an idle instance kept for 15 minutes (contract 1.4, 2.2).
Policy cloud_run_policy();
/// Knative's defaults: the pod autoscaler's windows and panic, zero after the stable window and the
/// grace period of 30 s (contract 2.1); or with what a service asks for.
Policy knative_policy(const spec::KnativeScaling& asked = {});
/// What `thaw up --scale-to-zero-after auto` does, where idle instances rest so.
Policy thaw_policy(const scaling::Resting& resting = {});

/// Counts by size from 1 ms to 1 h, 16 bins a doubling.
class WaitCounts {
 public:
  void add(double seconds);
  void add(const WaitCounts& other);
  /// The smallest wait that `share` of all calls did not exceed, in seconds; 0 for those that did
  /// not wait 1 ms.
  double percentile(double share) const;

 private:
  static constexpr int kBins = 352;
  std::array<uint32_t, kBins> bins_{};
  uint64_t total_ = 0;
};

struct Outcome {
  static constexpr size_t kSlices = 288;  // of the span

  uint64_t calls = 0;
  uint64_t refused = 0;
  uint64_t cold_waits = 0;  // calls that waited for a start
  uint64_t starts = 0;
  uint64_t wakes = 0;  // calls that waited for an instance's memory
  double wait_seconds = 0;
  double instance_seconds = 0;    // in memory
  double hibernated_seconds = 0;  // in swap
  double busy_seconds = 0;        // of instances with a call in them, or starting
  int most_instances = 0;         // of one service
  WaitCounts waits;
  // Of all services, slice by slice: instances on average, and calls that waited for a start.
  std::vector<float> instances = std::vector<float>(kSlices);
  std::vector<float> cold = std::vector<float>(kSlices);

  void add(const Outcome& other);
};

struct ReplayOptions {
  serving::RevisionConfig config;
  Duration start_time = seconds(2);
  double span = 86400;
};

Outcome replay(const std::vector<Call>& calls, const Policy& policy, const ReplayOptions& options);

}  // namespace thaw::simulate
