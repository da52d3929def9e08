#include "rpc/status.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace thaw::rpc {

int status_number(Code code) {
  static_assert(
      static_cast<int>(Code::kCancelled) == 0 && static_cast<int>(Code::kUnauthenticated) == 15,
      "codes are google.rpc's, in their order, without OK");
  return static_cast<int>(code) + 1;
}

std::string encode_message(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", byte);
    }
  }
  return out;
}

namespace {

/// 0: there is none of that name.
Duration unit_of(char name) {
  switch (name) {
    case 'H':
      return std::chrono::hours(1);
    case 'M':
      return std::chrono::minutes(1);
    case 'S':
      return std::chrono::seconds(1);
    case 'm':
      return std::chrono::milliseconds(1);
    case 'u':
      return std::chrono::microseconds(1);
    case 'n':
      return std::chrono::nanoseconds(1);
    default:
      return Duration::zero();
  }
}

}  // namespace

std::optional<Duration> parse_timeout(std::string_view text) {
  constexpr size_t kMaxDigits = 8;
  if (text.size() < 2 || text.size() > kMaxDigits + 1) return std::nullopt;
  int64_t amount = 0;
  const char* const unit = text.data() + text.size() - 1;
  const auto [end, error] = std::from_chars(text.data(), unit, amount);
  if (error != std::errc() || end != unit || amount < 0 || text[0] == '-') return std::nullopt;
  const Duration one = unit_of(*unit);
  if (one == Duration::zero()) return std::nullopt;
  return amount > kLongestTimeout / one ? kLongestTimeout : amount * one;
}

}  // namespace thaw::rpc
