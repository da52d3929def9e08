// Cpu, and the exact reading and writing of Kubernetes quantities ("500m", "1Gi", "1e3", "0.5").
//
// Exact: no floating point is used, so 0.1 is 100 millicores and "0.5Gi" is 536870912 bytes.
// Thread: any. Owner: values. Limits: at most 32 characters; values beyond 2^62 are refused.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace thaw::spec {

/// CPU as a share of cores: 1000 millicores are one vCPU.
struct Cpu {
  int64_t millis = 0;

  auto operator<=>(const Cpu&) const = default;
  constexpr double cores() const { return static_cast<double>(millis) / 1000.0; }
};

/// kInvalidArgument says what is wrong with the text, without naming a field: no quantity at all,
/// negative, too large, or finer than a millicore.
Result<Cpu> parse_cpu(std::string_view text);
/// As parse_cpu, in whole bytes.
Result<ByteCount> parse_memory(std::string_view text);

/// "1000m": always millicores, as Cloud Run prints its default.
std::string cpu_quantity(Cpu cpu);
/// "512Mi", "3Gi", "1000": the largest binary unit that divides the size.
std::string memory_quantity(ByteCount size);

}  // namespace thaw::spec
