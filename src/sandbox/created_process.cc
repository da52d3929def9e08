#include "sandbox/created_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <optional>

#include "base/check.h"
#include "sandbox/own_fd.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

/// Whether a signal is in a mask of /proc/PID/status; nullopt when the mask is not there.
std::optional<bool> mask_has(std::string_view proc_status, const char* mask, int signal) {
  const std::string_view hex = field(proc_status, mask);
  uint64_t signals = 0;
  const auto end = std::from_chars(hex.data(), hex.data() + hex.size(), signals, 16);
  if (hex.empty() || end.ec != std::errc{}) return std::nullopt;
  return (signals >> (signal - 1) & 1) != 0;
}

}  // namespace

Status open_exec_gate(const std::string& state_folder) {
  const std::string path = state_folder + "/exec.fifo";
  const OwnFd gate(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
  if (!gate) {
    // ENXIO: a fifo that nobody reads.
    return errno == ENXIO ? Error(Code::kUnavailable, "open " + path + ": nobody waits there")
                          : errno_error("open " + path, errno);
  }
  // Its absence is how crun knows that the container was started.
  if (::unlink(path.c_str()) != 0) return errno_error("unlink " + path, errno);
  const char go = 0;
  if (::write(gate.get(), &go, 1) != 1) return errno_error("write " + path, errno);
  return {};
}

std::string program_of(pid_t pid) {
  const std::string link = "/proc/" + std::to_string(pid) + "/exe";
  std::array<char, 4096> target;
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length < 0 ? "" : std::string(target.data(), static_cast<size_t>(length));
}

namespace {

/// A second address on lo, which no route leads away from.
Status add_metadata_address(int socket) {
  ifreq request{};
  std::strcpy(request.ifr_name, "lo:metadata");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  CHECK(::inet_pton(AF_INET, kMetadataAddress, &address.sin_addr) == 1);
  std::memcpy(&request.ifr_addr, &address, sizeof address);
  if (::ioctl(socket, SIOCSIFADDR, &request) != 0) return errno_error("address of lo", errno);
  CHECK(::inet_pton(AF_INET, "255.255.255.255", &address.sin_addr) == 1);
  std::memcpy(&request.ifr_netmask, &address, sizeof address);
  if (::ioctl(socket, SIOCSIFNETMASK, &request) != 0) return errno_error("mask of lo", errno);
  return {};
}

}  // namespace

Status raise_loopback(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  const OwnFd theirs(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!theirs) return errno_error("open " + path, errno);
  const OwnFd ours(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!ours) return errno_error("open /proc/thread-self/ns/net", errno);
  if (::setns(theirs.get(), CLONE_NEWNET) != 0) return errno_error("setns " + path, errno);
  const OwnFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const int error = errno;
  CHECK(::setns(ours.get(), CLONE_NEWNET) == 0, "cannot return to the own network namespace");
  if (!socket) return errno_error("socket", error);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return errno_error("flags of lo", errno);
  if ((request.ifr_flags & IFF_UP) == 0) {
    request.ifr_flags |= IFF_UP;
    if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return errno_error("raise lo", errno);
  }
  return add_metadata_address(socket.get());
}

Result<std::string> read_in_container(pid_t pid, const std::string& path, size_t limit_bytes) {
  const std::string root_path = "/proc/" + std::to_string(pid) + "/root";
  const OwnFd root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root) return errno_error("open " + root_path, errno);
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const OwnFd file(
      static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!file) return errno_error("open " + path + " of the container", errno);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return errno_error("stat " + path, errno);
  if (!S_ISREG(facts.st_mode)) return Error(Code::kInvalidArgument, path + " is no plain file");
  std::string text(limit_bytes + 1, '\0');
  const ssize_t length = ::read(file.get(), text.data(), text.size());
  if (length < 0) return errno_error("read " + path, errno);
  if (static_cast<size_t>(length) > limit_bytes)
    return Error(Code::kInvalidArgument, path + " is too long");
  text.resize(static_cast<size_t>(length));
  return text;
}

bool ignores_sigterm_by_default(std::string_view proc_status) {
  for (const char* mask : {"SigBlk", "SigIgn", "SigCgt"}) {
    // Where it is not known: SIGTERM does no harm.
    if (mask_has(proc_status, mask, SIGTERM).value_or(true)) return false;
  }
  return true;
}

bool kill_is_pending(std::string_view proc_status) {
  return mask_has(proc_status, "SigPnd", SIGKILL).value_or(false) ||
         mask_has(proc_status, "ShdPnd", SIGKILL).value_or(false);
}

}  // namespace thaw::sandbox
