// Job and Execution: what is deployed and what a run of it is, in Cloud Run's v1 shapes.
//
// A job's container is held to the rules of a worker pool's (spec/parse.h): no port, no requests.
// **Thread**: any. **Owner**: values. **Limits**: kMostTasks tasks, 10 retries, 24 h an attempt.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "jobs/execution_core.h"
#include "spec/service.h"

namespace thaw::jobs {

struct Job {
  std::string name;
  Json metadata = Json::object();  // labels and annotations, as they were given
  Json spec = Json::object();      // as it was given
  std::string uid;
  int64_t generation = 1;
  WallTime created{};
  int64_t runs = 0;  // executions so far; their numbers are not given twice

  ExecutionSettings settings;
  spec::RevisionTemplate template_;  // the container, defaults applied
};

/// kInvalidArgument names the field and, for an unknown one, the nearest right name.
Result<Job> job_from_json(const Json& json);
/// What the state database keeps, and back.
Json to_store(const Job& job);
Result<Job> job_from_store(const Json& json);

struct Execution {
  std::string name;
  std::string job;
  std::string uid;
  WallTime created{};
  std::optional<WallTime> completed;
  Job of;  // as the job was when it was run, with the run's overrides
};

/// The job with a :run request's overrides (taskCount, timeout, args, env) over it.
Result<Job> with_overrides(Job job, const Json& request);

/// "JOB-abcde".
std::string execution_name(const std::string& job, const std::string& suffix);

/// Wire shapes of run.googleapis.com/v1.
Json job_json(const Job& job, const Execution* latest, const std::string& parent);
Json execution_json(const Execution& execution, const ExecutionCore& core,
                    const std::string& parent);
Json task_json(const Execution& execution, const ExecutionCore& core, int task,
               const std::string& parent);

}  // namespace thaw::jobs
