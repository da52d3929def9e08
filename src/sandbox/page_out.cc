#include "sandbox/page_out.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <map>

#include "sandbox/kernel_file.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr ByteCount kMaxText = mib(64);  // of one smaps
constexpr uint64_t kMaxScanned = uint64_t{32} << 30;
constexpr size_t kWordsAtOnce = 16'384;
constexpr int kIdleNice = 19;
constexpr int kIoIdleClass = 3 << 13;  // ioprio_set(2)
constexpr int kIoOfThread = 1;

OwnFd open_process(pid_t pid) { return OwnFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

/// Advises all ranges; those that the kernel refuses are left out. The errno of one that says that
/// none will do, else 0.
int advise(int process, const std::vector<PageRange>& ranges, int advice) {
  std::vector<iovec> vectors;
  vectors.reserve(ranges.size());
  for (const PageRange& range : ranges) {
    vectors.push_back({reinterpret_cast<void*>(range.begin), range.size()});  // NOLINT
  }
  for (size_t at = 0; at < vectors.size();) {
    const size_t count = std::min(vectors.size() - at, kPieceRanges);
    const long done = ::syscall(SYS_process_madvise, process, &vectors[at], count, advice, 0);
    const int error = done < 0 ? errno : 0;
    if (error == EPERM || error == ESRCH || error == ENOSYS || error == EBADF) return error;
    // It stops at the first range that fails and tells how many bytes came before.
    size_t bytes = done < 0 ? 0 : static_cast<size_t>(done);
    const size_t stop = at + count;
    while (at < stop && bytes >= vectors[at].iov_len) bytes -= vectors[at++].iov_len;
    if (at < stop) ++at;
  }
  return 0;
}

ByteCount share_of(int64_t bytes) {
  return {static_cast<int64_t>(kKeptShare * static_cast<double>(bytes))};
}

const std::vector<PageRange>* needed_by(pid_t pid, const std::shared_ptr<const WakeSet>& needed) {
  if (needed == nullptr) return nullptr;
  const auto found = std::ranges::find(*needed, pid, &ProcessPages::pid);
  return found == needed->end() ? nullptr : &found->ranges;
}

int64_t bytes_of(const std::vector<PageRange>& ranges) {
  int64_t sum = 0;
  for (const PageRange& range : ranges) sum += static_cast<int64_t>(range.size());
  return sum;
}

class ProcessRun final : public PageOutRun {
 public:
  ProcessRun(std::vector<pid_t> processes, PageOut what, ByteCount piece, SqueezeFiles squeeze,
             std::shared_ptr<const WakeSet> needed)
      : all_(std::move(processes)),
        processes_(all_),
        what_(what),
        piece_(piece),
        squeeze_(std::move(squeeze), piece, kKeptShare),
        needed_(std::move(needed)) {}

  Result<Step> step() override {
    if (!processes_.empty()) {
      look_at(processes_.back());
      processes_.pop_back();
      return Step::kMore;
    }
    if (pieces_.empty()) {
      ASSIGN_OR_RETURN(const Squeeze::Step squeezed, squeeze_.step(stays()));
      if (squeezed == Squeeze::Step::kMore) return Step::kMore;
      if (resident_ == 0 || passes_left_-- == 0) return Step::kDone;
      // Where the disk was busy the kernel has kept pages that it was asked to write.
      processes_ = all_;
      resident_ = 0;
      squeeze_.begin_again();
      return Step::kMore;
    }
    const Piece piece = std::move(pieces_.front());
    pieces_.pop_front();
    const int error = advise(piece.process->get(), piece.ranges, MADV_PAGEOUT);
    if (error != 0 && error != ESRCH) return errno_error("process_madvise", error);
    return Step::kMore;
  }

 private:
  struct Piece {
    std::shared_ptr<OwnFd> process;
    std::vector<PageRange> ranges;
  };

  void look_at(pid_t pid) {
    auto process = std::make_shared<OwnFd>(open_process(pid));
    if (!*process) return;  // it has ended
    const auto mapped = parse_smaps(read_kernel_file(fmt::format("/proc/{}/smaps", pid), kMaxText));
    int64_t resident = 0;
    int64_t swapped = 0;
    for (const MappedRange& range : mapped) {
      resident += range.resident.value;
      swapped += range.swapped.value;
    }
    const std::vector<PageRange>& kept = kept_of(pid, resident + swapped);
    resident_ += std::max<int64_t>(resident - bytes_of(kept), 0);
    for (const auto& ranges : cut_in_pieces(mapped, what_, piece_)) {
      if (auto rest = outside(ranges, kept); !rest.empty()) {
        pieces_.push_back({process, std::move(rest)});
      }
    }
  }

  /// A share of what it has when it is looked at first.
  const std::vector<PageRange>& kept_of(pid_t pid, int64_t has) {
    const auto [at, is_first] = kept_.try_emplace(pid);
    const std::vector<PageRange>* const needed = needed_by(pid, needed_);
    if (is_first && needed != nullptr) at->second = worth_keeping(*needed, share_of(has));
    return at->second;
  }

  ByteCount stays() const {
    ByteCount sum;
    for (const auto& [pid, ranges] : kept_) sum.value += bytes_of(ranges);
    return sum;
  }

  static constexpr int kMorePasses = 2;

  const std::vector<pid_t> all_;
  std::vector<pid_t> processes_;  // that are still to be looked at
  PageOut what_;
  ByteCount piece_;
  Squeeze squeeze_;
  const std::shared_ptr<const WakeSet> needed_;
  std::map<pid_t, std::vector<PageRange>> kept_;
  std::deque<Piece> pieces_;
  int64_t resident_ = 0;  // and to go
  int passes_left_ = kMorePasses;
};

class GroupRun final : public PageOutRun {
 public:
  GroupRun(std::string folder, ByteCount piece, std::shared_ptr<const WakeSet> needed)
      : folder_(std::move(folder)), piece_(piece), needed_(std::move(needed)) {}

  Result<Step> step() override {
    const int64_t held = number(read_kernel_file(folder_ + "/memory.current", kib(1)));
    if (left_ < 0) {
      left_ = 2 * (held / piece_.value) + 1;  // the kernel takes what it finds
      const int64_t swapped = number(read_kernel_file(folder_ + "/memory.swap.current", kib(1)));
      stays_ += kept_of(held + swapped);
    }
    if (left_-- == 0 || held <= stays_) return Step::kDone;
    const std::string path = folder_ + "/memory.reclaim";
    const OwnFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno_error("open " + path, errno);
    const std::string wish = std::to_string(std::min(held - stays_ + kLeast.value, piece_.value));
    if (::write(file.get(), wish.data(), wish.size()) >= 0) return Step::kMore;
    if (errno == EAGAIN) return Step::kDone;  // less than that was left to take
    return errno_error("write " + path, errno);
  }

 private:
  int64_t kept_of(int64_t has) const {
    int64_t sum = 0;
    if (needed_ == nullptr) return sum;
    for (const ProcessPages& process : *needed_) {
      sum += bytes_of(worth_keeping(process.ranges, {share_of(has).value - sum}));
    }
    return sum;
  }

  static constexpr ByteCount kLeast = kib(256);  // the kernel's own for it
  std::string folder_;
  ByteCount piece_;
  const std::shared_ptr<const WakeSet> needed_;
  int64_t stays_ = kLeast.value;
  int64_t left_ = -1;
};

}  // namespace

ByteCount size_of(const WakeSet& set) {
  ByteCount sum;
  for (const ProcessPages& process : set) sum.value += bytes_of(process.ranges);
  return sum;
}

std::unique_ptr<PageOutRun> page_out_processes(std::vector<pid_t> processes, PageOut what,
                                               ByteCount piece, SqueezeFiles squeeze,
                                               std::shared_ptr<const WakeSet> needed) {
  return std::make_unique<ProcessRun>(std::move(processes), what, piece, std::move(squeeze),
                                      std::move(needed));
}

std::unique_ptr<PageOutRun> page_out_group(std::string folder, ByteCount piece,
                                           std::shared_ptr<const WakeSet> needed) {
  return std::make_unique<GroupRun>(std::move(folder), piece, std::move(needed));
}

WakeSet present_pages(const std::vector<pid_t>& processes) {
  WakeSet set;
  std::vector<uint64_t> words(kWordsAtOnce);
  for (const pid_t pid : processes) {
    ProcessPages pages{pid, {}};
    const OwnFd pagemap(::open(fmt::format("/proc/{}/pagemap", pid).c_str(), O_RDONLY | O_CLOEXEC));
    if (!pagemap) continue;
    uint64_t scanned = 0;
    for (const MappedRange& range :
         parse_smaps(read_kernel_file(fmt::format("/proc/{}/smaps", pid), kMaxText))) {
      scanned += range.pages.size();
      if (range.resident.value <= 0 || scanned > kMaxScanned) continue;
      for (uint64_t at = range.pages.begin; at < range.pages.end;) {
        const size_t wanted = std::min<uint64_t>((range.pages.end - at) / kPage, words.size());
        const ssize_t got = ::pread(pagemap.get(), words.data(), wanted * sizeof(uint64_t),
                                    static_cast<off_t>(at / kPage * sizeof(uint64_t)));
        if (got < static_cast<ssize_t>(sizeof(uint64_t))) break;
        const size_t count = static_cast<size_t>(got) / sizeof(uint64_t);
        add_present(at, words.data(), count, pages.ranges);
        at += count * kPage;
      }
    }
    if (!pages.ranges.empty()) set.push_back(std::move(pages));
  }
  return set;
}

void read_ahead(const WakeSet& set) {
  for (const ProcessPages& pages : set) {
    const OwnFd process = open_process(pages.pid);
    if (process) (void)advise(process.get(), pages.ranges, MADV_WILLNEED);
  }
}

void lower_own_priority() {
  thread_local bool lowered = false;
  if (std::exchange(lowered, true)) return;
  const auto thread = static_cast<pid_t>(::syscall(SYS_gettid));
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(thread), kIdleNice);
  (void)::syscall(SYS_ioprio_set, kIoOfThread, thread, kIoIdleClass);
}

std::string why_no_page_out() {
  // Of no bytes, on ourselves: only the right to do it is asked.
  const OwnFd self = open_process(::getpid());
  if (!self) return fmt::format("pidfd_open: {}", std::generic_category().message(errno));
  iovec nothing{nullptr, 0};
  if (::syscall(SYS_process_madvise, self.get(), &nothing, 1, MADV_PAGEOUT, 0) >= 0) return "";
  if (errno == ENOSYS) return "the kernel has no process_madvise (Linux 5.10 has it)";
  if (errno == EPERM)
    return "the platform may not page other processes out (start it as root, or with CAP_SYS_NICE)";
  return fmt::format("process_madvise: {}", std::generic_category().message(errno));
}

}  // namespace thaw::sandbox
