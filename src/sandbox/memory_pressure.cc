#include "sandbox/memory_pressure.h"

#include <fmt/format.h>

#include <charconv>

#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

/// "some avg10=0.12 avg60=0.00 avg300=0.00 total=12345"
double some_avg10(std::string_view text) {
  constexpr std::string_view kName = "avg10=";
  const std::string_view some = field(text, "some");
  const size_t at = some.find(kName);
  if (at == some.npos) return 0;
  double percent = 0;
  std::from_chars(some.data() + at + kName.size(), some.data() + some.size(), percent);
  return percent;
}

}  // namespace

MemoryPressure parse_memory_pressure(std::string_view meminfo, std::string_view memory,
                                     std::string_view io) {
  return {.swap_total = kib(number(field(meminfo, "SwapTotal"))),
          .swap_free = kib(number(field(meminfo, "SwapFree"))),
          .memory_some = some_avg10(memory),
          .io_some = some_avg10(io)};
}

ByteCount machine_memory(std::string_view meminfo) {
  return kib(number(field(meminfo, "MemTotal")));
}

MemoryPressure read_memory_pressure(io::Disk& disk) {
  return parse_memory_pressure(disk.read_file("/proc/meminfo", mib(1)).value_or(""),
                               disk.read_file("/proc/pressure/memory", mib(1)).value_or(""),
                               disk.read_file("/proc/pressure/io", mib(1)).value_or(""));
}

std::string why_not_page_out(const MemoryPressure& pressure) {
  if (pressure.memory_some > kMostMemoryPressure) {
    return fmt::format("the machine is short of memory ({:.0f} % of the last 10 s waited for it)",
                       pressure.memory_some);
  }
  if (pressure.io_some > kMostIoPressure) {
    return fmt::format("the disks are busy ({:.0f} % of the last 10 s waited for them)",
                       pressure.io_some);
  }
  const auto total = static_cast<double>(pressure.swap_total.value);
  if (total > 0 && static_cast<double>(pressure.swap_free.value) < kLeastSwapFree * total) {
    return fmt::format("swap is almost full ({} of {} free)", format_bytes(pressure.swap_free),
                       format_bytes(pressure.swap_total));
  }
  return "";
}

}  // namespace thaw::sandbox
