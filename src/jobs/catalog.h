// Catalog: jobs, their executions and how far each task is, in the state database.
//
// **Thread**: the loop's; a change blocks for one commit. **Owner**: the database outlives it.
// **Limits**: kKeptExecutions of a job; older ones that have ended are forgotten.
#pragma once

#include <string>
#include <vector>

#include "jobs/job.h"
#include "store/database.h"

namespace thaw::jobs {

inline constexpr int kKeptExecutions = 100;

struct StoredExecution {
  Execution execution;
  ExecutionCore core;
};

class Catalog {
 public:
  explicit Catalog(store::Database& database) : database_(database) {}

  /// After OK each survives kill -9 and power loss.
  Status put(const Job& job);
  Status remove(const std::string& job);  // with its executions
  Status put(const Execution& execution, const ExecutionCore& core);
  /// Only what became of one task.
  Status put_task(const Execution& execution, const ExecutionCore& core, int task);
  Status remove_execution(const std::string& name);

  Result<std::vector<Job>> jobs(std::vector<std::string>& unreadable);
  /// Oldest first.
  Result<std::vector<StoredExecution>> executions(std::vector<std::string>& unreadable);

 private:
  store::Database& database_;
};

}  // namespace thaw::jobs
