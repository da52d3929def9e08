// Starts: the waterfalls of each service's last starts: where the time of a wake went.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: 20 starts and wakes a service, the oldest
// is dropped; they are kept in memory and begin anew with the program.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/id.h"
#include "base/json.h"
#include "base/time.h"

namespace thaw::telemetry {

/// One start, or one wake. A phase is absent until it is over. They follow each other and add up to
/// the time from the request (or the scaler's wish) to the first byte of the first answer.
struct Start {
  InstanceId instance;
  RevisionId revision;
  ServiceId service;
  WallTime requested;
  std::string from;                    // the rung it came from: "cold", "frozen", ...
  std::string how;                     // what was done ahead, in words; empty: nothing
  std::optional<Duration> queued;      // until the start was ordered
  std::optional<Duration> sandbox;     // namespaces, cgroup, root
  std::optional<Duration> exec;        // until the program ran
  std::optional<Duration> load;        // until it listened
  std::optional<Duration> first_byte;  // until the first byte of its first answer
};

/// {"instance", "revision", "time", "from", "queuedMs", "sandboxMs", "execMs", "loadMs",
/// "firstByteMs", "how"}
Json to_json(const Start& start);

class Starts {
 public:
  static constexpr size_t kKept = 20;

  /// Adds the start, or replaces an earlier word about the same one. Of an instance's wakes from
  /// one rung the last is kept: they may come with every request.
  void put(Start start);
  /// Newest last.
  std::deque<Start> of(const ServiceId& service) const;
  void remove(const ServiceId& service) { starts_.erase(service); }

 private:
  std::unordered_map<ServiceId, std::deque<Start>> starts_;
};

}  // namespace thaw::telemetry
