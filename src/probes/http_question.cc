#include "probes/http_question.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/text.h"

namespace thaw::probes {
namespace {

constexpr size_t kMostRead = 1024;

std::string request_text(const serving::Probe& probe, const std::string& host) {
  std::string text = fmt::format("GET {} HTTP/1.1\r\n", probe.path.empty() ? "/" : probe.path);
  bool has_host = false;
  bool has_agent = false;
  for (const auto& [name, value] : probe.headers) {
    has_host |= http::equals_ignoring_case(name, "Host");
    has_agent |= http::equals_ignoring_case(name, "User-Agent");
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!has_host) text += fmt::format("Host: {}\r\n", host);
  if (!has_agent) text += "User-Agent: thaw-probe/1.0\r\n";
  return text + "Accept: */*\r\nConnection: close\r\n\r\n";
}

/// The status of a complete status line; nullopt: more is needed; 0: this is no HTTP.
std::optional<int> parse_status(std::string_view text) {
  constexpr std::string_view kStart = "HTTP/1.";
  const size_t known = std::min(text.size(), kStart.size());
  if (text.substr(0, known) != kStart.substr(0, known)) return 0;
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return text.size() < kMostRead ? std::nullopt : std::optional(0);
  }
  // "HTTP/1.x NNN", then a blank or the end of the line.
  if (end < 12 || text[8] != ' ') return 0;  // so text[12] is there
  int status = 0;
  for (const char c : text.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + (c - '0');
  }
  const char after = text[12];
  return after == ' ' || after == '\r' || after == '\n' ? status : 0;
}

}  // namespace

HttpQuestion::HttpQuestion(const serving::Probe& probe, const std::string& host)
    : what_(fmt::format("GET {} on port {}", probe.path.empty() ? "/" : probe.path, probe.port)),
      request_(request_text(probe, host)) {}

std::optional<Verdict> HttpQuestion::receive(std::string_view bytes, Instant) {
  answer_ += bytes.substr(0, kMostRead - answer_.size());
  const auto status = parse_status(answer_);
  if (!status) return std::nullopt;
  if (*status == 0) return Verdict{what_ + " was answered with something that is not HTTP/1"};
  if (*status >= 200 && *status < 400) return Verdict{};
  return Verdict{fmt::format("{} was answered with {}", what_, *status)};
}

Verdict HttpQuestion::ended() { return {what_ + ": the connection was closed without an answer"}; }

}  // namespace thaw::probes
