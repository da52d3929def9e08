// Connection limits: how many of the program's descriptors clients may take, so that enough are
// left for instances and what the program itself has open.
//
// **Thread**: any. **Owner**: nobody.
#pragma once

#include <cstddef>
#include <cstdint>

namespace thaw::app {

struct ConnectionLimits {
  size_t gateway;
  size_t api;
};

/// At most the rooms' own limits. Each request of a client of the gateway takes a second one, to
/// its instance.
ConnectionLimits connection_limits(int64_t open_files);

/// Raises this program's limit as far as it may; warns when it is less than the rooms would take.
ConnectionLimits share_open_files();

}  // namespace thaw::app
