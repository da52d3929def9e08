// The plan of `thaw apply` and `thaw destroy` as text and as JSON.
// Thread: any. Owner: values. Limits: values are cut to 60 columns.
#pragma once

#include <string>

#include "cli/text.h"
#include "pipeline/plan.h"

namespace thaw::cli {

/// A line a resource that is touched, its changes below it, and a line of counts at the end.
std::string plan_page(const std::string& name, const pipeline::Plan& plan, const Style& style);
Json plan_json(const std::string& name, const pipeline::Plan& plan);
/// "2 to add, 1 to change, 0 to destroy".
std::string counts_text(const pipeline::Plan& plan);

}  // namespace thaw::cli
