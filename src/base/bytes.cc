#include "base/bytes.h"

#include <fmt/format.h>

#include <array>

namespace thaw {

std::string format_bytes(ByteCount size) {
  static constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double amount = static_cast<double>(size.value);
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < kUnits.size()) {
    amount /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g} {}", amount, kUnits.at(unit));
}

}  // namespace thaw
