#include "sandbox/process_table.h"

#include <fmt/format.h>
#include <unistd.h>

#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr ByteCount kMaxFile = mib(1);

ByteCount sum_of(std::string_view text, std::initializer_list<std::string_view> names) {
  int64_t sum = 0;
  for (std::string_view name : names) sum += number(field(text, name));
  return kib(sum);
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text, int64_t ticks_per_second) {
  // "PID (name) S ppid pgrp session ..."; the name may contain anything, also ")".
  const size_t name_end = text.rfind(')');
  if (name_end == text.npos) return std::nullopt;
  const std::vector<std::string_view> words = split(trim(text.substr(name_end + 1)), ' ');
  if (words.size() < 15 || words[0].empty()) return std::nullopt;
  ProcessStat stat;
  stat.pid = static_cast<pid_t>(number(text));
  stat.state = words[0][0];
  stat.session = static_cast<pid_t>(number(words[3]));
  int64_t ticks = 0;
  for (size_t i = 11; i < 15; ++i) ticks += number(words[i]);  // utime stime cutime cstime
  stat.cpu = Duration(ticks * (1'000'000'000 / ticks_per_second));
  return stat;
}

ByteCount own_memory(std::string_view status) { return sum_of(status, {"RssAnon", "RssShmem"}); }

ByteCount shared_out_memory(std::string_view smaps_rollup) {
  return sum_of(smaps_rollup, {"Pss_Anon", "Pss_Shmem"});
}

std::optional<ProcessStat> read_stat(io::Disk& disk, pid_t pid) {
  static const int64_t ticks = ::sysconf(_SC_CLK_TCK);
  const auto text = disk.read_file(fmt::format("/proc/{}/stat", pid), kMaxFile);
  return text ? parse_stat(*text, ticks) : std::nullopt;
}

std::map<pid_t, std::vector<ProcessStat>> read_sessions(io::Disk& disk) {
  std::map<pid_t, std::vector<ProcessStat>> sessions;
  const auto names = disk.list("/proc");
  if (!names) return sessions;
  for (const std::string& name : *names) {
    const auto pid = static_cast<pid_t>(number(name));
    if (pid <= 0) continue;
    if (const auto stat = read_stat(disk, pid)) sessions[stat->session].push_back(*stat);
  }
  return sessions;
}

}  // namespace thaw::sandbox
