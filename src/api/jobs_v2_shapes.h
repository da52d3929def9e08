// Jobs in the words of Cloud Run's v2 API, from and to those of v1. Pure.
//
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "jobs/jobs.h"

namespace thaw::api {

/// A v2 Job as a v1 one named `name`. kInvalidArgument names a v2 field that has no place there.
Result<Json> job_from_v2(const Json& job, const std::string& name);
/// A v2 RunJobRequest's overrides as v1's :run takes them.
Result<Json> overrides_from_v2(const Json& request);

/// `parent`: "projects/P/locations/L".
Json job_to_v2(const jobs::Job& job, const jobs::Execution* latest, const std::string& parent);
Json execution_to_v2(const jobs::Jobs::View& view, const std::string& parent);
Json task_to_v2(const jobs::Jobs::View& view, int task, const std::string& parent);

/// A google.longrunning.Operation that is done.
Json done_operation(const std::string& name, std::string_view type, Json response);
/// The one of a run: done once its execution has ended.
Json run_operation(const jobs::Jobs::View& view, const std::string& parent);

}  // namespace thaw::api
