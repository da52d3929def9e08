#include "base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

#include "base/log.h"

namespace thaw {
namespace {
std::atomic<uint64_t> bugs{0};
std::atomic<bool> bug_is_fatal{false};
}  // namespace

void check_failed(const char* file, int line, const char* condition, std::string_view message) {
  std::fprintf(stderr, "CHECK failed at %s:%d: %s %.*s\n", file, line, condition,
               static_cast<int>(message.size()), message.data());
  std::abort();
}

void report_bug(const char* file, int line, std::string_view message) {
  bugs.fetch_add(1, std::memory_order_relaxed);
  if (bug_is_fatal) check_failed(file, line, "BUG", message);
  log_error("bug", {{"file", file}, {"line", line}, {"message", message}});
}

void set_bug_is_fatal(bool fatal) { bug_is_fatal = fatal; }

uint64_t bug_count() { return bugs.load(std::memory_order_relaxed); }

}  // namespace thaw
