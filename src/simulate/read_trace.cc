#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "base/json.h"
#include "predict/csv.h"
#include "simulate/trace.h"

namespace thaw::simulate {
namespace {

constexpr double kLongestCall = 86400;
constexpr size_t kMostServices = 100'000;

Error fault(std::string_view file, int64_t line, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}:{}: {}", file, line, what));
}

std::string shown(std::string_view text) {
  constexpr size_t kMost = 60;
  std::string out = "'";
  for (const char c : text.substr(0, kMost)) {
    out += static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c;
  }
  return out + (text.size() > kMost ? "...'" : "'");
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

/// Seconds, or RFC 3339.
std::optional<double> time_of(std::string_view text) {
  if (const auto value = number(text)) return value;
  if (const auto wall = parse_rfc3339(text)) return to_seconds(wall->time_since_epoch());
  return std::nullopt;
}

/// Sorts calls under their services and lets the trace begin at its first call.
class Collector {
 public:
  Collector(std::string_view file, Duration takes) : file_(file), takes_(to_seconds(takes)) {}

  Status add(int64_t line, std::string_view service, double at, std::optional<double> takes) {
    if (++calls_ > kMaxCalls) {
      return fault(file_, line, fmt::format("more than {} calls; cut the file", kMaxCalls));
    }
    if (takes && (*takes < 0 || *takes > kLongestCall)) {
      return fault(file_, line, fmt::format("a call of {} s; it must take 0 s to 24 h", *takes));
    }
    auto found = services_.find(service);
    if (found == services_.end()) {
      if (services_.size() == kMostServices) {
        return fault(file_, line, fmt::format("more than {} services", kMostServices));
      }
      found = services_.emplace(std::string(service), std::vector<Call>()).first;
    }
    found->second.push_back({at, static_cast<float>(takes.value_or(takes_))});
    return {};
  }

  Result<Trace> trace() {
    if (calls_ == 0) {
      return Error(Code::kInvalidArgument, fmt::format("{}: there is no call in it", file_));
    }
    Trace trace;
    double first = HUGE_VAL;
    double last = 0;
    for (auto& [name, calls] : services_) {
      std::stable_sort(calls.begin(), calls.end(),
                       [](const Call& a, const Call& b) { return a.at < b.at; });
      first = std::min(first, calls.front().at);
    }
    for (auto& [name, calls] : services_) {
      for (Call& call : calls) {
        call.at -= first;
        last = std::max(last, call.at + static_cast<double>(call.takes));
      }
      trace.services.push_back({name, std::move(calls)});
    }
    constexpr double kLongestSpan = 366 * 86400.0;
    if (last > kLongestSpan) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}: the calls span {:.0f} days; at most 366", file_, last / 86400));
    }
    trace.span = last + 1;
    return trace;
  }

 private:
  std::string_view file_;
  double takes_;
  size_t calls_ = 0;
  std::map<std::string, std::vector<Call>, std::less<>> services_;
};

Status read_csv(std::string_view text, std::string_view file, Collector& calls) {
  predict::CsvReader csv(text);
  const auto context = [&](Error error) { return std::move(error).with_context(file); };
  std::optional<size_t> time, service, duration;
  auto more = csv.next();
  if (!more) return context(std::move(more).error());
  for (size_t i = 0; i < csv.fields().size(); ++i) {
    const std::string_view name = csv.fields()[i];
    std::optional<size_t>* column = name == "time"       ? &time
                                    : name == "service"  ? &service
                                    : name == "duration" ? &duration
                                                         : nullptr;
    if (column == nullptr) {
      return fault(file, 1, fmt::format("column {}: time, service or duration", shown(name)));
    }
    *column = i;
  }
  if (!time) return fault(file, 1, "there is no column 'time'");
  const size_t columns = csv.fields().size();
  while (true) {
    more = csv.next();
    if (!more) return context(std::move(more).error());
    if (!*more) return {};
    const auto& fields = csv.fields();
    if (fields.size() != columns) {
      return fault(file, csv.line(),
                   fmt::format("{} fields, the header has {}", fields.size(), columns));
    }
    const auto at = time_of(fields[*time]);
    if (!at) {
      return fault(file, csv.line(),
                   fmt::format("time {}: seconds or RFC 3339", shown(fields[*time])));
    }
    std::optional<double> takes;
    if (duration && !fields[*duration].empty()) {
      takes = number(fields[*duration]);
      if (!takes) {
        return fault(file, csv.line(),
                     fmt::format("duration {}: seconds", shown(fields[*duration])));
      }
    }
    RETURN_IF_ERROR(calls.add(csv.line(), service ? fields[*service] : std::string_view("service"),
                              *at, takes));
  }
}

/// "10/Oct/2026:13:55:36 -0700" in seconds since 1970.
std::optional<double> log_time(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 26 || text[2] != '/' || text[6] != '/' || text[11] != ':') return std::nullopt;
  const size_t month = kMonths.find(text.substr(3, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::string rfc =
      fmt::format("{}-{:02}-{}T{}{}:{}", text.substr(7, 4), month / 3 + 1, text.substr(0, 2),
                  text.substr(12, 8), text.substr(21, 3), text.substr(24, 2));
  const auto wall = parse_rfc3339(rfc);
  if (!wall) return std::nullopt;
  return to_seconds(wall->time_since_epoch());
}

Status read_log_line(std::string_view line, int64_t number_of_line, std::string_view file,
                     Collector& calls) {
  const size_t open = line.find('[');
  const size_t close = line.find(']', open == std::string_view::npos ? 0 : open);
  const auto at = open == std::string_view::npos || close == std::string_view::npos
                      ? std::nullopt
                      : log_time(line.substr(open + 1, close - open - 1));
  if (!at) {
    return fault(file, number_of_line,
                 fmt::format("{}: no time like [10/Oct/2026:13:55:36 +0000]", shown(line)));
  }
  const std::string_view last = line.substr(line.rfind(' ') + 1);
  // The combined format ends with a quoted user agent, the common one with the bytes sent, which
  // follow the status; one more number is the time it took.
  std::optional<double> takes;
  const size_t quote = line.rfind('"');
  if (quote != std::string_view::npos && quote > close) {
    const std::string_view tail = line.substr(quote + 1);
    const bool after_agent =
        std::count(line.begin() + static_cast<ptrdiff_t>(close), line.end(), '"') >= 6;
    const auto words = static_cast<int>(std::count(tail.begin(), tail.end(), ' '));
    if (words >= (after_agent ? 1 : 3)) takes = number(last);
  }
  return calls.add(number_of_line, "service", *at, takes);
}

Status read_entry(std::string_view line, int64_t number_of_line, std::string_view file,
                  Collector& calls) {
  auto entry = Json::parse(line);
  if (!entry) return fault(file, number_of_line, entry.error().message());
  const std::string time = entry->string_or("timestamp");
  const auto at = time_of(time);
  if (!at) return fault(file, number_of_line, fmt::format("timestamp {}: RFC 3339", shown(time)));
  std::optional<double> takes;
  const std::string latency = (*entry)["httpRequest"].string_or("latency");
  if (!latency.empty()) {
    const auto duration = parse_duration(latency);
    if (!duration) {
      return fault(file, number_of_line, fmt::format("latency {}: as 0.25s", shown(latency)));
    }
    takes = to_seconds(*duration);
  }
  const std::string service = (*entry)["resource"]["labels"].string_or("service_name", "service");
  return calls.add(number_of_line, service, *at, takes);
}

}  // namespace

Result<Trace> read_trace(std::string_view text, std::string_view file_name, Duration takes) {
  Collector calls(file_name, takes);
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return calls.trace();
  const bool json = text[begin] == '{';
  const std::string_view first = text.substr(0, text.find('\n'));
  if (!json && first.find('[') == std::string_view::npos) {
    RETURN_IF_ERROR(read_csv(text, file_name, calls));
    return calls.trace();
  }
  int64_t number_of_line = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number_of_line;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (line.empty()) continue;
    RETURN_IF_ERROR(json ? read_entry(line, number_of_line, file_name, calls)
                         : read_log_line(line, number_of_line, file_name, calls));
  }
  return calls.trace();
}

}  // namespace thaw::simulate
