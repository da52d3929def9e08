// The platform's own log: one line per event on standard error, as JSON or for a terminal.
//
// Not for the lines that instances print: those are telemetry/. Values are fields, not formatted
// into the text, so that JSON logs can be queried. Never give a secret to it.
// Thread: any; a line is written by one write(2). Limits: a line over 16 KiB is cut.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace thaw {

enum class Severity { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

struct LogField {
  LogField(std::string_view name, std::string_view value) : name(name), value(value) {}
  LogField(std::string_view name, const char* value) : name(name), value(value) {}
  LogField(std::string_view name, double number);
  LogField(std::string_view name, int number);
  LogField(std::string_view name, long number);           // NOLINT(google-runtime-int)
  LogField(std::string_view name, long long number);      // NOLINT(google-runtime-int)
  LogField(std::string_view name, unsigned long number);  // NOLINT(google-runtime-int)
  template <class Tagged>
  requires requires(const Tagged& id) { id.str(); }
  LogField(std::string_view name, const Tagged& id) : name(name), value(id.str()) {}

  std::string_view name;
  std::string value;
  bool is_number = false;
};

/// Set once at start, before other threads; default kText, kInfo.
void set_log_format(LogFormat format, Severity lowest);

void log(Severity severity, std::string_view message, std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view m, std::initializer_list<LogField> f = {}) {
  log(Severity::kDebug, m, f);
}
inline void log_info(std::string_view m, std::initializer_list<LogField> f = {}) {
  log(Severity::kInfo, m, f);
}
inline void log_warning(std::string_view m, std::initializer_list<LogField> f = {}) {
  log(Severity::kWarning, m, f);
}
inline void log_error(std::string_view m, std::initializer_list<LogField> f = {}) {
  log(Severity::kError, m, f);
}

}  // namespace thaw
