// Whether this machine can do with paging an instance out now.
//
// Hibernating must never make the machine slower for the others: the rule is here, apart from
// reading the files. **Thread**: any; read_memory_pressure() makes small reads of kernel memory.
// **Owner**: values. **Limits**: none.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "io/disk.h"

namespace thaw::sandbox {

struct MemoryPressure {
  ByteCount swap_total;
  ByteCount swap_free;
  /// Percent of the last ten seconds in which something waited for memory, or for a disk; 0 where
  /// the kernel does not tell (no /proc/pressure).
  double memory_some = 0;
  double io_some = 0;
};

/// From the texts of /proc/meminfo, /proc/pressure/memory and /proc/pressure/io; what is missing
/// reads as 0.
MemoryPressure parse_memory_pressure(std::string_view meminfo, std::string_view memory,
                                     std::string_view io);
MemoryPressure read_memory_pressure(io::Disk& disk);

/// MemTotal of /proc/meminfo.
ByteCount machine_memory(std::string_view meminfo);

constexpr double kMostMemoryPressure = 10;  // percent, see MemoryPressure
constexpr double kMostIoPressure = 40;
constexpr double kLeastSwapFree = 0.1;  // share of all swap

/// Why nothing may be paged out now, in words; empty when it may.
std::string why_not_page_out(const MemoryPressure& pressure);
/// True when anonymous pages have somewhere to go.
inline bool has_swap(const MemoryPressure& pressure) { return pressure.swap_total.value > 0; }

}  // namespace thaw::sandbox
