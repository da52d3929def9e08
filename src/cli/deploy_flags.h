// What the flags of `thaw deploy NAME` say, put into a service as `gcloud run deploy` does it:
// only what a flag names is changed.
//
// Thread: any. Owner: values. Limits: ranges are spec::validate's, not checked here.
#pragma once

#include "cli/flag_values.h"
#include "cli/words.h"
#include "spec/service.h"

namespace thaw::cli {

enum class Deployed { kNotYet, kBefore };

/// `variables` is what --env-vars-file held, if it was given. kUsage names the flag and the value.
Outcome<spec::Service> apply_flags(const Words& words, spec::Service service, Deployed deployed,
                                   const std::optional<KeyValues>& variables);

}  // namespace thaw::cli
