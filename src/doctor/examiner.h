// The examination: runs a target under the contract, once or a few times, and writes down facts.
//
//   1. its folder is weighed
//   2. started on another PORT than 8080: when and where it listens, whom it calls meanwhile
//   3. requests: one, several, overlapping; memory before and after
//   4. left alone, running and then frozen: who works between requests
//   5. what it wrote; SIGTERM
//   6. Python only: started again to see each import's time, and modules without byte code
//
// It judges nothing: findings.h. Thread: the loop's; it waits (patience.h). Owner: all that is
// given outlives the call; every instance is gone when it returns.
// Limits: see the constants; the start takes as long as the startup probe allows, or max_wait.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "doctor/facts.h"
#include "doctor/patience.h"
#include "io/net.h"
#include "sandbox/sandbox.h"

namespace thaw::doctor {

struct Ports {
  Patience& patience;
  io::Net& net;
  sandbox::Sandbox& sandbox;
  bool is_container = false;
  std::string scratch;  // a folder of ours for writable views; containers only
  std::function<void(std::string_view)> progress;
};

struct Limits {
  std::optional<Duration> max_wait;  // for the start; else what the probe allows
  Duration request = seconds(10);
};

/// kCancelled when the user gave up.
Result<Facts> examine(const Target& target, const Limits& limits, Ports ports);

}  // namespace thaw::doctor
