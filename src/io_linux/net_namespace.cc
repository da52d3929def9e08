#include "io_linux/net_namespace.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/check.h"
#include "io_linux/fd.h"

namespace thaw::io_linux {
namespace {

class OpenNamespace final : public io::NetNamespace {
 public:
  explicit OpenNamespace(Fd fd) : fd_(std::move(fd)) {}
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

/// The namespace that this thread had when it first asked.
int own_namespace() {
  thread_local const Fd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  return own.get();
}

}  // namespace

Result<std::shared_ptr<const io::NetNamespace>> open_net_namespace(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return errno_error("open " + path, errno);
  return std::shared_ptr<const io::NetNamespace>(std::make_shared<OpenNamespace>(std::move(fd)));
}

Result<int> socket_in(const io::NetNamespace* in, int family) {
  constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  if (in == nullptr) {
    const int fd = ::socket(family, kType, 0);
    if (fd < 0) return errno_error("socket", errno);
    return fd;
  }
  const auto* target = dynamic_cast<const OpenNamespace*>(in);
  CHECK(target != nullptr, "a network namespace of another machine");
  const int own = own_namespace();
  if (own < 0) return errno_error("open /proc/thread-self/ns/net", errno);
  if (::setns(target->fd(), CLONE_NEWNET) != 0)
    return errno_error("enter network namespace", errno);
  const int fd = ::socket(family, kType, 0);
  const int error = errno;
  CHECK(::setns(own, CLONE_NEWNET) == 0, "cannot return to the own network namespace");
  if (fd < 0) return errno_error("socket in network namespace", error);
  return fd;
}

}  // namespace thaw::io_linux
