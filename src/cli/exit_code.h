// The exit codes of `thaw`: one closed list, the same for every command. Thread: any.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace thaw::cli {

enum class ExitCode {
  kOk = 0,
  kFailed = 1,       // the operation was tried and failed
  kUsage = 2,        // the words were wrong: nothing was tried
  kUnreachable = 3,  // the platform does not answer
  kNotFound = 4,     // what was named does not exist
  kRefused = 5,      // invalid input, or the state does not allow it: nothing was changed
  kNotReady = 6,     // deployed, but the revision did not become ready
  kFindings = 7,     // the doctor found something at or over --fail-on
  kInterrupted = 130,
};

struct ExitCodeMeaning {
  ExitCode code;
  std::string_view name;
  std::string_view meaning;
  std::string_view what_to_do;
};

/// Each code once, ascending: what `thaw help exit-codes` and the reference page show.
std::span<const ExitCodeMeaning> exit_code_meanings();

/// The exit code for an error of the API or of reading the user's input.
ExitCode exit_code_of(Code code);

inline int number(ExitCode code) { return static_cast<int>(code); }

}  // namespace thaw::cli
