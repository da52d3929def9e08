// CHECK and BUG: what to do about mistakes of ours.
//
// CHECK(condition) aborts with file, line and message, in release too: for states that cannot be
// gone on from. BUG(text) logs and counts an odd but survivable state; with
// set_bug_is_fatal(true), as tests set it, it aborts. Not for bad input: that is a Result.
// Thread: any.
#pragma once

#include <cstdint>
#include <string_view>

namespace thaw {

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view message);
void report_bug(const char* file, int line, std::string_view message);
void set_bug_is_fatal(bool fatal);  // NOLINT: the name says what the bool is
/// How many times BUG was reached since start; exported as a metric.
uint64_t bug_count();

}  // namespace thaw

#define CHECK(condition, ...)                                                              \
  do {                                                                                     \
    if (!(condition)) [[unlikely]] {                                                       \
      ::thaw::check_failed(__FILE__, __LINE__, #condition, std::string_view{__VA_ARGS__}); \
    }                                                                                      \
  } while (false)

#define BUG(message) ::thaw::report_bug(__FILE__, __LINE__, message)
