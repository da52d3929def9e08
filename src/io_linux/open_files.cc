#include "io_linux/open_files.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace thaw::io_linux {
namespace {

std::optional<rlimit> before;

}  // namespace

int64_t raise_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) before = std::exchange(limit, raised);
  }
  constexpr rlim_t kMost = std::numeric_limits<int64_t>::max();
  return static_cast<int64_t>(std::min(limit.rlim_cur, kMost));
}

const rlimit* open_files_before() { return before ? &*before : nullptr; }

}  // namespace thaw::io_linux
