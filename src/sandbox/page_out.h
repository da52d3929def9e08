// Page-out: takes the memory of frozen processes, a piece at a time, and reads back what a wake
// will need.
//
// The system calls alone: when and how fast is the Hibernator's. Everything here blocks for some
// milliseconds and belongs on a worker's thread.
// **Thread**: one at a time, any. **Owner**: values. **Limits**: memory_map.h's; a WakeSet holds
// kMaxRanges ranges a process, and of a process with over 32 GiB mapped only the first 32.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/memory_map.h"
#include "sandbox/own_fd.h"
#include "sandbox/squeeze.h"

namespace thaw::sandbox {

/// What one process had present after it was woken and had answered.
struct ProcessPages {
  pid_t pid = 0;
  std::vector<PageRange> ranges;
};
using WakeSet = std::vector<ProcessPages>;

/// Pages of `sets`, in bytes.
ByteCount size_of(const WakeSet& set);

/// One instance on its way out of memory.
class PageOutRun {
 public:
  virtual ~PageOutRun() = default;
  enum class Step { kMore, kDone };
  /// Pages the next piece out. The first call only looks at what there is.
  virtual Result<Step> step() = 0;
};

/// Of what a process has in memory and in swap, the share that stays: pages that the wake before
/// needed and that lie scattered, each of which would have to be read for itself (memory_map.h's
/// worth_keeping).
constexpr double kKeptShare = 0.05;

/// By process_madvise(2) with MADV_PAGEOUT, then by squeezing their group (squeeze.h); needs
/// CAP_SYS_NICE and leave to trace them. `needed`: of the last wake, null: nothing stays.
std::unique_ptr<PageOutRun> page_out_processes(std::vector<pid_t> processes, PageOut what,
                                               ByteCount piece, SqueezeFiles squeeze,
                                               std::shared_ptr<const WakeSet> needed = nullptr);
/// By memory.reclaim of cgroup v2: everything charged to the group, unmapped files and /tmp too;
/// the kernel takes what was used the longest ago first. `folder`: the group's; `needed` as above,
/// of which only the size counts.
std::unique_ptr<PageOutRun> page_out_group(std::string folder, ByteCount piece,
                                           std::shared_ptr<const WakeSet> needed = nullptr);

/// Which pages the processes have in memory now.
WakeSet present_pages(const std::vector<pid_t>& processes);
/// Asks the kernel to read these pages. What is gone meanwhile is left out.
void read_ahead(const WakeSet& set);

/// This thread gets the CPU and the disk when nobody else wants them.
void lower_own_priority();

/// Why processes of this program's own user cannot be paged out, in words; empty when they can.
std::string why_no_page_out();

}  // namespace thaw::sandbox
