#include "journal.h"

#include <fmt/format.h>

#include <cstdio>

namespace thaw::sim {

void Journal::line(std::string_view text) {
  const std::string entry =
      fmt::format("{:.9f} {}", to_seconds(clock_.now().time_since_epoch()), text);
  if (print_ == Print::kYes) fmt::print("{}\n", entry);
  for (const char c : entry) {  // FNV-1a
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
}

void Journal::violation(std::string_view text) {
  line(fmt::format("VIOLATION {}", text));
  if (violations_.size() >= 10) return;
  violations_.push_back(
      fmt::format("at {:.6f} s: {}", to_seconds(clock_.now().time_since_epoch()), text));
}

}  // namespace thaw::sim
