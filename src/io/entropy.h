// Entropy: random bytes; from the kernel, or from a seed in simulation. Thread: the loop's.
#pragma once

#include <cstdint>
#include <string>

namespace thaw::io {

class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual uint64_t next() = 0;
  /// `length` characters of [0-9a-z], for names.
  std::string name(int length);
};

}  // namespace thaw::io
