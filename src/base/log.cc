#include "base/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "base/json.h"
#include "base/time.h"

namespace thaw {
namespace {

constexpr size_t kLongestLine = 16 * 1024;

struct {
  LogFormat format = LogFormat::kText;
  Severity lowest = Severity::kInfo;
} settings;

// Cloud Logging's severity names.
std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "DEFAULT";
}

// The platform's log is the one place that reads the real clock without a port: a log line tells
// when it was written, never what was decided.
WallTime real_now() { return WallTime(std::chrono::system_clock::now().time_since_epoch()); }

std::string json_line(Severity severity, std::string_view message,
                      std::initializer_list<LogField> fields) {
  Json line = Json::object({{"time", format_rfc3339(real_now())},
                            {"severity", severity_name(severity)},
                            {"message", message}});
  for (const LogField& field : fields) {
    if (field.is_number) {
      if (auto number = Json::parse(field.value)) {
        line.set(field.name, *number);
        continue;
      }
    }
    line.set(field.name, field.value);
  }
  return line.dump();
}

/// True for a value that would not read back as one field, or that would steer a terminal.
bool needs_quotes(std::string_view value) {
  return value.empty() || std::any_of(value.begin(), value.end(), [](unsigned char c) {
           return c <= ' ' || c == '"' || c == 0x7f;
         });
}

std::string text_line(Severity severity, std::string_view message,
                      std::initializer_list<LogField> fields) {
  std::string line = fmt::format("{} {:<7} {}", format_rfc3339(real_now()).substr(11, 12),
                                 severity_name(severity), message);
  for (const LogField& field : fields) {
    const bool quoted = !field.is_number && needs_quotes(field.value);
    line += fmt::format(" {}={}", field.name, quoted ? Json(field.value).dump() : field.value);
  }
  return line;
}

}  // namespace

LogField::LogField(std::string_view name, double number)
    : name(name), value(fmt::format("{:.6g}", number)), is_number(true) {}
LogField::LogField(std::string_view name, int number)
    : name(name), value(std::to_string(number)), is_number(true) {}
LogField::LogField(std::string_view name, long number)  // NOLINT(google-runtime-int)
    : name(name), value(std::to_string(number)), is_number(true) {}
LogField::LogField(std::string_view name, long long number)  // NOLINT(google-runtime-int)
    : name(name), value(std::to_string(number)), is_number(true) {}
LogField::LogField(std::string_view name, unsigned long number)  // NOLINT(google-runtime-int)
    : name(name), value(std::to_string(number)), is_number(true) {}

void set_log_format(LogFormat format, Severity lowest) {
  settings.format = format;
  settings.lowest = lowest;
}

void log(Severity severity, std::string_view message, std::initializer_list<LogField> fields) {
  if (severity < settings.lowest) return;
  std::string line = settings.format == LogFormat::kJson ? json_line(severity, message, fields)
                                                         : text_line(severity, message, fields);
  if (line.size() > kLongestLine) line.resize(kLongestLine);
  line += '\n';
  // A log that cannot be written has nowhere to say so.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace thaw
