// What /proc tells about processes: sessions, CPU time, memory.
//
// Thread: any. Owner: values. Limits: reads every process of the machine once per call, about
// 10 us each.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "io/disk.h"

namespace thaw::sandbox {

struct ProcessStat {
  pid_t pid = 0;
  pid_t session = 0;
  char state = '?';
  Duration cpu{0};  // its own, and that of children it has waited for
};

/// The text of /proc/PID/stat (proc(5)); nothing when it is truncated.
std::optional<ProcessStat> parse_stat(std::string_view text, int64_t ticks_per_second);

/// Memory that nobody else's file backs, from the text of /proc/PID/status: quick, but pages that
/// forked processes share count for each of them.
ByteCount own_memory(std::string_view status);
/// The same from /proc/PID/smaps_rollup: shared pages are divided among those who share them.
ByteCount shared_out_memory(std::string_view smaps_rollup);

/// All processes by session.
std::map<pid_t, std::vector<ProcessStat>> read_sessions(io::Disk& disk);
std::optional<ProcessStat> read_stat(io::Disk& disk, pid_t pid);

}  // namespace thaw::sandbox
