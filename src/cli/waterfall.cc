#include "cli/waterfall.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace thaw::cli {
namespace {

struct Member {
  std::string_view key;
  std::string_view name;
};
/// The API's lengths in milliseconds, in the order of time.
constexpr Member kPhases[] = {{"queuedMs", "queued"},
                              {"sandboxMs", "sandbox"},
                              {"execMs", "exec"},
                              {"loadMs", "load"},
                              {"firstByteMs", "first byte"}};
constexpr size_t kNameWidth = 12;
constexpr size_t kTimeWidth = 9;
constexpr size_t kWidestBar = 60;

std::string repeated(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

Start start_of(const Json& json) {
  Start start{.instance = json.string_or("instance"),
              .revision = json.string_or("revision"),
              .time = json.string_or("time"),
              .how = json.string_or("how")};
  double at = 0;
  for (const Member& member : kPhases) {
    const Json& length = json[member.key];
    if (!length.is_number()) continue;
    start.phases.push_back({member.name, at, at + std::max(length.as_double(), 0.0)});
    at = start.phases.back().to_ms;
    if (member.key == "loadMs") start.listening_ms = at;
  }
  return start;
}

std::string format_ms(double ms) {
  if (ms >= 1000) return fmt::format("{:.2f} s", ms / 1000);
  if (ms >= 100) return fmt::format("{:.0f} ms", ms);
  if (ms >= 10) return fmt::format("{:.1f} ms", ms);
  return fmt::format("{:.2f} ms", ms);
}

std::string waterfall_text(const Start& start, size_t width, const Style& style) {
  std::string out;
  const size_t used = 2 + kNameWidth + kTimeWidth + 2;
  const size_t room = std::clamp<size_t>(width > used ? width - used : 10, 10, kWidestBar);
  const double total = std::max(start.total_ms(), 1e-9);
  const auto column = [&](double ms) {
    return static_cast<size_t>(std::lround(ms / total * static_cast<double>(room)));
  };
  for (const StartPhase& phase : start.phases) {
    const size_t from = std::min(column(phase.from_ms), room - 1);
    const size_t length = std::max<size_t>(column(phase.to_ms) - column(phase.from_ms), 0);
    const std::string bar = length == 0 ? "▏" : repeated("█", length);
    out += fmt::format("  {:<{}}{:>{}}  {}{}\n", phase.name, kNameWidth,
                       format_ms(phase.to_ms - phase.from_ms), kTimeWidth, std::string(from, ' '),
                       style.green(bar));
  }
  out +=
      fmt::format("  {:<{}}{:>{}}", "total", kNameWidth, format_ms(start.total_ms()), kTimeWidth);
  if (start.listening_ms)
    out += fmt::format("  listening after {}", format_ms(*start.listening_ms));
  out += "\n";
  if (!start.how.empty()) out += fmt::format("  {}\n", escape_controls(start.how, Keep::kNothing));
  return out;
}

}  // namespace thaw::cli
