// `thaw simulate`: a trace replayed under several policies, side by side, as table, JSON or
// picture.
//
// Pure: the caller reads files, runs tasks on threads and prints.
// **Thread**: the caller's; `run` may use others. **Owner**: arguments outlive the call.
// **Limits**: those of Trace; kMostServices made services.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "predict/pen.h"
#include "simulate/replay.h"
#include "simulate/trace.h"

namespace thaw::simulate {

inline constexpr int kMostServices = 100'000;

struct Simulation {
  const Trace* trace = nullptr;  // or a pattern and how many services
  PatternOptions pattern;
  int services = 1;
  std::vector<Policy> policies;
  ReplayOptions replay;
};

struct PolicyResult {
  Policy policy;
  Outcome outcome;
};

/// Runs task(0) to task(count - 1), in any order, perhaps at the same time.
using RunTasks = std::function<void(size_t count, const std::function<void(size_t index)>& task)>;

/// The same whatever the order in which `run` calls.
std::vector<PolicyResult> simulate(const Simulation& simulation, const RunTasks& run);

/// What the numbers are of, for the reports.
struct Scene {
  std::string title;  // "steady, 100 services, 1 day"
  double span = 0;
  int cpu_millis = 1000;
  ByteCount memory;
};

std::string report_text(const std::vector<PolicyResult>& results, const Scene& scene);
Json report_json(const std::vector<PolicyResult>& results, const Scene& scene);
void draw_report(predict::Pen& pen, const std::vector<PolicyResult>& results, const Scene& scene);

}  // namespace thaw::simulate
