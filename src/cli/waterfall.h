// Waterfall: one instance's start as the API tells it, and as bars of text.
//
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/text.h"

namespace thaw::cli {

/// A stretch of a start, in the order of time.
struct StartPhase {
  std::string_view name;  // queued, sandbox, exec, load, first byte
  double from_ms = 0;     // since the request, or since the platform wanted the instance
  double to_ms = 0;
};

struct Start {
  std::string instance;
  std::string revision;
  std::string time;  // RFC 3339
  std::string how;   // what was done ahead; empty: nothing
  std::vector<StartPhase> phases;
  std::optional<double> listening_ms;

  double total_ms() const { return phases.empty() ? 0 : phases.back().to_ms; }
};

/// Phases that were not reached are left out.
Start start_of(const Json& json);

/// One line a phase: name, length, and a bar that begins where the one before ended.
std::string waterfall_text(const Start& start, size_t width, const Style& style);

/// "0.42 ms", "17.1 ms", "2.31 s".
std::string format_ms(double ms);

}  // namespace thaw::cli
