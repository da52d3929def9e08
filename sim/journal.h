// Journal: what happened in a simulated world, and which promises were broken.
//
// **Thread**: one. **Owner**: the loop outlives it. **Limits**: keeps the first ten violations.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/clock.h"

namespace thaw::sim {

class Journal {
 public:
  enum class Print { kNo, kYes };
  Journal(const io::Clock& clock, Print print) : clock_(clock), print_(print) {}

  /// One line of the trace. Also goes into the hash.
  void line(std::string_view text);
  /// A promise was broken.
  void violation(std::string_view text);

  const std::vector<std::string>& violations() const { return violations_; }
  /// Of all lines with their times: equal traces, equal hashes.
  uint64_t hash() const { return hash_; }

 private:
  const io::Clock& clock_;
  Print print_;
  uint64_t hash_ = 0xcbf29ce484222325;
  std::vector<std::string> violations_;
};

}  // namespace thaw::sim
