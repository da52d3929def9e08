// From a revision's template to what serving runs: the contract's environment, argv, limits.
//
// Pure. **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "control/policy.h"
#include "control/revision.h"
#include "serving/revision_config.h"

namespace thaw::control {

/// `serve_argv` runs image thaw.local/serve; the container's args follow it. The environment is
/// the user's, then PORT, K_SERVICE, K_REVISION and K_CONFIGURATION (contract 1.1); PATH and HOME
/// too unless the user set them, as images of Cloud Run have them.
/// `instance_env` is there too where the user sets none of that name. A worker pool's instances get
/// CLOUD_RUN_WORKER_POOL and its revision instead of PORT and the rest.
using Variable = std::pair<std::string, std::string>;
struct Runtime {
  const std::vector<std::string>& serve_argv;
  const std::vector<Variable>& instance_env;
  spec::ServiceKind kind = spec::ServiceKind::kService;
};
serving::RevisionConfig runtime_config(const Revision& revision, const Runtime& runtime,
                                       Bounds bounds, serving::Reachability reachability);

/// The revision's own scale bounds, defaults applied.
Bounds own_bounds(const Revision& revision);

}  // namespace thaw::control
