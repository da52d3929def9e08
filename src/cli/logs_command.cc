// `thaw logs NAME`.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/log_filter.h"
#include "http/query.h"

namespace thaw::cli {
namespace {

constexpr int64_t kDefaultTail = 100;
constexpr int64_t kMostLines = 100'000;

/// The API filters what it has kept; what it sends later and the revision are filtered here.
struct Filter {
  size_t lowest = 0;
  std::string revision;
  std::optional<LogFilter> more;

  bool takes(const Json& line) const {
    if (severity_rank(line.string_or("severity", "DEFAULT")) < lowest) return false;
    if (!revision.empty() && line.string_or("revision") != revision) return false;
    return !more || more->takes(line);
  }
};

/// The severity, or where the line was printed when it came without one.
std::string origin_of(const Json& line) {
  const std::string severity = line.string_or("severity", "DEFAULT");
  return severity == "DEFAULT" ? line.string_or("stream", "-") : severity;
}

std::string coloured_severity(const std::string& severity, const Style& style) {
  const std::string padded = fmt::format("{:<7}", severity);
  if (severity_rank(severity) >= severity_rank("ERROR")) return style.red(padded);
  if (severity_rank(severity) >= severity_rank("WARNING")) return style.yellow(padded);
  return padded;
}

/// "GET 200 0.012s 634 B http://web.localhost/path?q=1 HTTP/1.1"
std::string request_words(const Json& request) {
  int64_t size = 0;
  const std::string text = request.string_or("responseSize");
  std::from_chars(text.data(), text.data() + text.size(), size);
  return fmt::format("{} {} {} {} {}", request.string_or("requestMethod"),
                     request.int_or("status", 0), request.string_or("latency"),
                     format_bytes({size}), request.string_or("requestUrl"));
}

/// "2026-11-23T01:02:03.123Z INFO    5f3a9c message"; what it quotes is made harmless on a
/// terminal.
std::string human_line(const Context& context, const Json& line) {
  std::string message = line.string_or("message");
  if (const Json& payload = line["jsonPayload"]; !payload.is_null()) {
    message += (message.empty() ? "" : " ") + payload.dump();
  }
  const Json& request = line["httpRequest"];
  if (request.is_object()) message += (message.empty() ? "" : " ") + request_words(request);
  if (context.terminal.out_is_tty()) message = escape_controls(message, Keep::kLinesAndTabs);
  const auto time = parse_rfc3339(line.string_or("timestamp"));
  // Milliseconds always, so that the columns stand.
  std::string when = escape_controls(line.string_or("timestamp"), Keep::kNothing);
  if (time) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(*time);
    when = format_rfc3339(whole);
    const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(*time - whole);
    when.insert(when.size() - 1, fmt::format(".{:03}", millis.count()));
  }
  const std::string instance = line.string_or("instance");
  const size_t dash = instance.rfind('-');
  const std::string suffix = dash == std::string::npos ? instance : instance.substr(dash + 1);
  return fmt::format("{} {} {:<6} {}\n", context.out.dim(when),
                     coloured_severity(origin_of(line), context.out), suffix.empty() ? "-" : suffix,
                     message);
}

/// Ours and gcloud's name of one flag: at most one of them is given.
Outcome<std::string_view> either(const Words& words, std::string_view ours,
                                 std::string_view gclouds) {
  if (words.given(ours) && words.given(gclouds)) {
    return usage_failure(
        fmt::format("--{} and --{} are the same: give one of them", ours, gclouds));
  }
  return words.given(gclouds) ? gclouds : ours;
}

}  // namespace

Outcome<ExitCode> logs_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const auto tail_flag, either(words, "tail", "limit"));
  ASSIGN_OR_RETURN(const auto since_flag, either(words, "since", "freshness"));
  ASSIGN_OR_RETURN(const auto tail, words.integer(tail_flag, {0, kMostLines}));
  ASSIGN_OR_RETURN(const auto since, words.duration(since_flag));
  Filter filter{.revision = std::string(words.value("revision").value_or(""))};
  if (const auto text = words.value("log-filter")) {
    ASSIGN_OR_RETURN(filter.more, LogFilter::parse(*text));
  }
  const bool follow = words.is_on("follow");
  const bool newest_first = words.value("order") == "desc";
  if (follow && newest_first) {
    return usage_failure("--order desc does not go with --follow: what comes next is the newest");
  }
  const int64_t wanted = tail.value_or(since ? kMostLines : kDefaultTail);
  // What is filtered here must be asked for in full, so that --tail counts what is shown.
  const bool in_full = (!filter.revision.empty() || filter.more) && !follow;
  std::string query = fmt::format("logs?tail={}", in_full ? kMostLines : wanted);
  if (since) {
    const std::string from = format_rfc3339(context.ports.loop().wall_now() - *since);
    query += "&since=" + http::percent_encode(from);
  }
  if (const auto severity = words.value("severity")) {
    filter.lowest = severity_rank(*severity);
    query += fmt::format("&severity={}", *severity);
  }
  if (follow) query += "&follow=true";

  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string path = service_path(words.arguments()[0], query);
  std::vector<std::string> held;  // without --follow: the lines to show, at most `wanted`
  Outcome<ExitCode> written = ExitCode::kOk;
  const auto show = [&](const std::string& text) {
    written = context.print(text);
    return written.has_value();
  };
  const auto on_line = [&](std::string_view line) {
    const auto json = Json::parse(line);
    if (!json || !filter.takes(*json)) return true;
    std::string text = context.json() ? json->dump() + "\n" : human_line(context, *json);
    if (follow) return show(text);
    held.push_back(std::move(text));
    return true;
  };
  RETURN_IF_ERROR(api.lines(path, follow ? kForever : seconds(60), on_line));
  RETURN_IF_ERROR(written);
  if (newest_first) std::reverse(held.begin(), held.end());
  std::string all;
  const size_t shown = std::min(held.size(), static_cast<size_t>(wanted));
  const size_t first = newest_first ? 0 : held.size() - shown;
  for (size_t i = first; i < first + shown; ++i) all += held[i];
  return all.empty() ? ExitCode::kOk : context.print(all);
}

}  // namespace thaw::cli
