#include "cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace thaw::cli {
namespace {

constexpr int kDefaultWidth = 80;

/// 0, or the errno of the write that failed.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

class ProcessTerminal final : public Terminal {
 public:
  Status write_out(std::string_view text) override {
    const int error = write_all(STDOUT_FILENO, text);
    if (error == EPIPE) return Error(Code::kCancelled, "nobody reads the output any more");
    if (error != 0) return errno_error("write to standard output", error);
    return {};
  }
  void write_err(std::string_view text) override { write_all(STDERR_FILENO, text); }

  Result<std::string> read_input(ByteCount limit) override {
    std::string all;
    char block[65536];
    while (true) {
      const ssize_t got = ::read(STDIN_FILENO, block, sizeof block);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno_error("read standard input", errno);
      if (got == 0) return all;
      all.append(block, static_cast<size_t>(got));
      if (static_cast<int64_t>(all.size()) > limit.value) {
        return Error(Code::kInvalidArgument,
                     fmt::format("standard input is larger than {}", format_bytes(limit)));
      }
    }
  }

  bool out_is_tty() const override { return ::isatty(STDOUT_FILENO) == 1; }
  bool err_is_tty() const override { return ::isatty(STDERR_FILENO) == 1; }

  int width() const override {
    for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
      winsize size{};
      if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
    }
    return kDefaultWidth;
  }

  std::optional<std::string> env(const char* name) const override {
    const char* value = std::getenv(name);
    if (value == nullptr) return std::nullopt;
    return value;
  }
};

}  // namespace

std::unique_ptr<Terminal> process_terminal() { return std::make_unique<ProcessTerminal>(); }

}  // namespace thaw::cli
