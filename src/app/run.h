// run(): the whole program. It gives the command (cli/) what it cannot have: the real ports, and
// the programs `up`, `serve` and `forecast`.
//
// **Thread**: the main one. **Owner**: nobody. **Limits**: none.
#pragma once

namespace thaw::app {

/// Returns the process's exit code (cli/exit_code.h).
int run(int argc, const char* const* argv);

}  // namespace thaw::app
