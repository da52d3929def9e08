// SystemNames: host names looked up by the system's resolver, on a thread of its own, because it
// may take its time.
//
// **Thread**: the loop's. **Owner**: the loop outlives it; it outlives its lookups.
// **Limits**: a worker's queue; the resolver's own time-outs.
#pragma once

#include <optional>

#include "domains/names.h"
#include "io_linux/thread_worker.h"

namespace thaw::app {

class SystemNames final : public domains::Names {
 public:
  explicit SystemNames(io::Loop& loop) : loop_(loop) {}

  std::unique_ptr<domains::Lookup> find(const std::string& host, OnFound on_found) override;

 private:
  io::Loop& loop_;
  std::optional<io_linux::ThreadWorker> worker_;  // made at the first lookup
};

}  // namespace thaw::app
