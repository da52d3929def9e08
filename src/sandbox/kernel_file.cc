#include "sandbox/kernel_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "sandbox/own_fd.h"

namespace thaw::sandbox {

std::string read_kernel_file(const std::string& path, ByteCount limit) {
  std::string text;
  if (path.empty()) return text;
  const OwnFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  char buffer[65'536];
  while (file && std::cmp_less(text.size(), limit.value)) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got <= 0) break;
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

Status write_kernel_file(const std::string& path, const std::string& text) {
  const OwnFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno_error("open " + path, errno);
  if (::write(file.get(), text.data(), text.size()) < 0) return errno_error("write " + path, errno);
  return {};
}

}  // namespace thaw::sandbox
