#include "simulate/simulate.h"

#include <algorithm>
#include <mutex>

namespace thaw::simulate {
namespace {

constexpr size_t kBatch = 32;  // services of a task

}  // namespace

std::vector<PolicyResult> simulate(const Simulation& simulation, const RunTasks& run) {
  const size_t services = simulation.trace != nullptr ? simulation.trace->services.size()
                                                      : static_cast<size_t>(simulation.services);
  const size_t batches = (services + kBatch - 1) / kBatch;
  // Summed in the order of the services, so that no digit depends on threads.
  std::vector<std::vector<Outcome>> parts(batches);
  run(batches, [&](size_t batch) {
    std::vector<Outcome> outcomes(simulation.policies.size());
    for (size_t i = batch * kBatch; i < std::min(services, (batch + 1) * kBatch); ++i) {
      ServiceTrace made;
      if (simulation.trace == nullptr) {
        made = make_trace(simulation.pattern, static_cast<uint32_t>(i));
      }
      const auto& calls =
          simulation.trace != nullptr ? simulation.trace->services[i].calls : made.calls;
      for (size_t p = 0; p < outcomes.size(); ++p) {
        outcomes[p].add(replay(calls, simulation.policies[p], simulation.replay));
      }
    }
    parts[batch] = std::move(outcomes);
  });
  std::vector<PolicyResult> results;
  for (size_t p = 0; p < simulation.policies.size(); ++p) {
    results.push_back({simulation.policies[p], {}});
    for (const auto& part : parts) results.back().outcome.add(part[p]);
  }
  return results;
}

}  // namespace thaw::simulate
