// A swap file for a test that needs one; the machine's own is not needed and not touched.
//
// One at a time on the machine: where one is switched off, the kernel brings what is in it back to
// memory, the pages of another test's programs too.
#pragma once

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/swap.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace thaw::sandbox {

/// Swapped on while it lives. `why_not` tells when it could not be.
class TestSwap {
 public:
  explicit TestSwap(ByteCount size) { why_not = make(size); }
  ~TestSwap() {
    if (is_on_) ::swapoff(path_.c_str());
    if (!path_.empty()) ::unlink(path_.c_str());
    ::close(turn_);
  }
  TestSwap(const TestSwap&) = delete;
  TestSwap& operator=(const TestSwap&) = delete;

  std::string why_not;  // empty: it is on

 private:
  std::string make(ByteCount size) {
    constexpr size_t kPageBytes = 4096;
    turn_ = ::open("/var/lib", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (turn_ < 0 || ::flock(turn_, LOCK_EX) != 0) return failed("lock /var/lib");
    char name[] = "/var/lib/thaw-test-swap-XXXXXX";
    const int file = ::mkstemp(name);
    if (file < 0) return failed("make a file in /var/lib");
    path_ = name;
    // The header of mkswap(8): version and last page at 1024, the signature ends the page.
    std::vector<char> page(kPageBytes);
    const uint32_t head[] = {1, static_cast<uint32_t>(size.value / 4096 - 1)};
    std::memcpy(&page[1024], head, sizeof head);
    std::memcpy(&page[kPageBytes - 10], "SWAPSPACE2", 10);
    bool written = ::write(file, page.data(), page.size()) > 0;
    const std::vector<char> zeros(1 << 20);  // no holes
    for (int64_t at = 0; written && at < size.value; at += 1 << 20) {
      const size_t skip = at == 0 ? kPageBytes : 0;
      written =
          ::pwrite(file, zeros.data(), zeros.size() - skip, at + static_cast<int64_t>(skip)) > 0;
    }
    written = written && ::fsync(file) == 0;
    ::close(file);
    if (!written) return failed("write " + path_);
    if (::swapon(path_.c_str(), 0) != 0) return failed("swapon " + path_);
    is_on_ = true;
    return "";
  }
  static std::string failed(const std::string& what) { return what + ": " + std::strerror(errno); }

  std::string path_;
  bool is_on_ = false;
  int turn_ = -1;  // locked while it lives
};

}  // namespace thaw::sandbox
