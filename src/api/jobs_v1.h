// Cloud Run's v1 API for jobs: jobs, executions and tasks, as gcloud calls it.
//
// **Thread**: the loop's. **Owner**: the rooms outlive the routes. **Limits**: none of its own.
#pragma once

#include <vector>

#include "api/router.h"
#include "api/thaw_v1.h"
#include "jobs/jobs.h"
#include "telemetry/logs.h"

namespace thaw::api {

std::vector<Route> jobs_v1_routes(jobs::Jobs& jobs, const telemetry::Logs& logs,
                                  Followers& followers);

/// Under which name a job's lines are kept: no service has it.
ServiceId log_of_job(const std::string& job);

}  // namespace thaw::api
