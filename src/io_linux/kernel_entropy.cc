#include "io_linux/kernel_entropy.h"

#include <sys/random.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace thaw::io_linux {

uint64_t KernelEntropy::next() {
  if (used_ == pool_.size()) {
    ssize_t n;
    do {
      n = ::getrandom(pool_.data(), sizeof pool_, 0);
    } while (n < 0 && errno == EINTR);
    CHECK(n == sizeof pool_, "getrandom failed");
    used_ = 0;
  }
  return std::exchange(pool_[used_++], 0);
}

}  // namespace thaw::io_linux
