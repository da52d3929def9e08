// KernelEntropy: random bytes of getrandom(2). Thread: one. Owner: value.
#pragma once

#include <array>
#include <cstddef>

#include "io/entropy.h"

namespace thaw::io_linux {

class KernelEntropy final : public io::Entropy {
 public:
  uint64_t next() override;

 private:
  std::array<uint64_t, 32> pool_{};  // 256 bytes: getrandom gives these in one piece
  size_t used_ = 32;
};

}  // namespace thaw::io_linux
