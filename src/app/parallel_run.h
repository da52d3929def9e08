// Work for all CPUs that this process may use, with the progress on a terminal.
//
// **Thread**: the caller's takes part; only it writes. **Owner**: the terminal outlives what is
// returned. **Limits**: none.
#pragma once

#include <functional>

#include "cli/terminal.h"

namespace thaw::app {

enum class Progress { kHidden, kShown };

/// Runs task(0) to task(count - 1), some at the same time.
std::function<void(size_t count, const std::function<void(size_t)>& task)> parallel_run(
    cli::Terminal& terminal, Progress progress);

}  // namespace thaw::app
