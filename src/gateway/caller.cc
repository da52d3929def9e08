#include "gateway/caller.h"

#include <arpa/inet.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace thaw::gateway {
namespace {

constexpr size_t kPrefixBytes = 8;
constexpr uint64_t kV4 = uint64_t{0xffff} << 32;  // as in an address of IPv6 that stands for one

uint64_t number_of(std::span<const uint8_t> bytes) {
  uint64_t number = 0;
  for (const uint8_t byte : bytes) number = number << 8 | byte;
  return number;
}

}  // namespace

serving::CallerId caller_of(const std::string& ip) {
  std::array<uint8_t, 16> bytes{};
  const std::span<const uint8_t> all(bytes);
  if (::inet_pton(AF_INET, ip.c_str(), bytes.data()) == 1) return {kV4 | number_of(all.first(4))};
  if (::inet_pton(AF_INET6, ip.c_str(), bytes.data()) != 1) return {kV4};
  const uint64_t prefix = number_of(all.first(kPrefixBytes));
  if (prefix != 0) return {prefix};
  // ::ffff:a.b.c.d is a.b.c.d; ::1 is nobody else.
  return {kV4 | number_of(all.last(4))};
}

}  // namespace thaw::gateway
