// CallerId: whose requests are served in turn with those of others, when they have to wait.
//
// **Thread**: any. **Owner**: a value. **Limits**: none.
#pragma once

#include <compare>
#include <cstdint>

namespace thaw::serving {

/// Equal for requests of one caller. The gateway makes it from a client's address
/// (gateway/caller.h).
struct CallerId {
  uint64_t value = 0;  // 0: the platform itself, which delivers messages and runs schedules

  auto operator<=>(const CallerId&) const = default;
};

}  // namespace thaw::serving
