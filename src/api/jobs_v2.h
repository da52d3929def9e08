// Cloud Run's v2 API for jobs: jobs, executions, tasks and the operations that changes are, as
// Google's client libraries call it over REST.
//
// The same jobs as v1's, in other words: a v2 job becomes a v1 one, whose checks hold. Changes are
// done when they are answered; only a run's operation goes on, until its execution has ended.
//
// **Thread**: the loop's. **Owner**: jobs outlives the routes. **Limits**: those of jobs/job.h.
// Source: google/cloud/run/v2/job.proto, execution.proto, task.proto and their http options.
#pragma once

#include <vector>

#include "api/router.h"
#include "jobs/jobs.h"

namespace thaw::api {

std::vector<Route> jobs_v2_routes(jobs::Jobs& jobs);

}  // namespace thaw::api
