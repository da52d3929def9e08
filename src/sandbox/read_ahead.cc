#include "sandbox/read_ahead.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "sandbox/leftovers.h"
#include "sandbox/own_fd.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr size_t kMostFiles = 512;
constexpr size_t kMostRanges = 4096;
constexpr size_t kMostProcesses = 16;
constexpr int64_t kMostBytes = mib(512).value;
constexpr ByteCount kMaxPlan = mib(4);
constexpr int64_t kPage = 4096;
constexpr int64_t kWindow = mib(64).value;  // mapped at a time
constexpr int64_t kGap = kib(128).value;

/// Nothing unless it is the plain file that was meant. O_NONBLOCK: nobody makes us wait.
OwnFd open_file(const FileRange& range, int64_t* size) {
  OwnFd file(::open(range.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat facts {};
  if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
      facts.st_ino != range.inode) {
    return OwnFd();
  }
  *size = facts.st_size;
  return file;
}

/// Adds the pages of one window that are in memory to `ranges`.
void add_window(const FileRange& file, int fd, int64_t start, int64_t length,
                std::vector<FileRange>& ranges) {
  const auto bytes = static_cast<size_t>(length);
  void* pages = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, start);
  if (pages == MAP_FAILED) return;
  std::vector<unsigned char> present(static_cast<size_t>((length + kPage - 1) / kPage));
  const bool known = ::mincore(pages, bytes, present.data()) == 0;
  ::munmap(pages, bytes);
  for (size_t i = 0; known && i < present.size(); ++i) {
    if ((present[i] & 1) == 0) continue;
    const int64_t at = start + static_cast<int64_t>(i) * kPage;
    FileRange* last = ranges.empty() ? nullptr : &ranges.back();
    if (last != nullptr && last->path == file.path && at - last->offset - last->length < kGap) {
      last->length = at + kPage - last->offset;
    } else {
      ranges.push_back({file.path, file.inode, at, kPage});
    }
  }
}

/// False when a page of it is not in memory, by a look at its first, middle and last one.
bool is_in_memory(int fd, const FileRange& range) {
  for (const int64_t at : {int64_t{0}, range.length / 2, range.length - 1}) {
    char byte;
    iovec where{&byte, 1};
    if (::preadv2(fd, &where, 1, range.offset + at, RWF_NOWAIT) < 0) return false;
  }
  return true;
}

}  // namespace

std::vector<FileRange> mapped_files(std::string_view maps) {
  std::vector<FileRange> files;
  std::set<std::string, std::less<>> seen;
  for (const std::string_view line : split(maps, '\n')) {
    // "7f00-7f10 r-xp 00001000 08:01 1234      /usr/lib/x.so"
    const size_t slash = line.find('/');
    if (slash == line.npos || line.ends_with(" (deleted)")) continue;
    const auto words = split(line.substr(0, slash), ' ');
    const std::string_view path = line.substr(slash);
    if (words.size() < 5 || path.find('\\') != path.npos || seen.contains(path)) continue;
    const int64_t inode = number(words[4]);
    if (inode <= 0 || path.starts_with("/dev/")) continue;
    if (files.size() == kMostFiles) break;
    seen.emplace(path);
    files.push_back({std::string(path), static_cast<uint64_t>(inode), 0, 0});
  }
  return files;
}

std::vector<FileRange> ranges_in_memory(const std::vector<FileRange>& files) {
  std::vector<FileRange> ranges;
  for (const FileRange& file : files) {
    int64_t size = 0;
    const OwnFd open = open_file(file, &size);
    for (int64_t at = 0; open && at < size; at += kWindow)
      add_window(file, open.get(), at, std::min(kWindow, size - at), ranges);
  }
  int64_t room = kMostBytes;
  size_t kept = 0;
  while (kept < std::min(ranges.size(), kMostRanges) && room > 0) {
    ranges[kept].length = std::min(ranges[kept].length, room);
    room -= ranges[kept++].length;
  }
  ranges.resize(kept);
  return ranges;
}

ByteCount read_ranges(const std::vector<FileRange>& ranges) {
  ByteCount asked;
  OwnFd open;
  const FileRange* before = nullptr;
  for (const FileRange& range : ranges) {
    int64_t size = 0;
    if (before == nullptr || before->path != range.path) open = open_file(range, &size);
    before = &range;
    if (!open || is_in_memory(open.get(), range)) continue;
    if (::posix_fadvise(open.get(), range.offset, range.length, POSIX_FADV_WILLNEED) == 0)
      asked.value += range.length;
  }
  return asked;
}

std::string print_ranges(const std::vector<FileRange>& ranges) {
  std::string text;
  for (const FileRange& range : ranges) {
    if (range.path.find('\n') != std::string::npos) continue;
    text += fmt::format("{} {} {} {}\n", range.inode, range.offset, range.length, range.path);
  }
  return text;
}

std::vector<FileRange> parse_ranges(std::string_view text) {
  std::vector<FileRange> ranges;
  int64_t room = kMostBytes;
  for (const std::string_view line : split(text, '\n')) {
    const size_t slash = line.find('/');
    if (slash == line.npos || ranges.size() == kMostRanges) continue;
    const auto words = split(line.substr(0, slash), ' ');
    if (words.size() != 4) continue;
    const FileRange range{std::string(line.substr(slash)), static_cast<uint64_t>(number(words[0])),
                          number(words[1]), number(words[2])};
    if (range.length <= 0 || range.length > room || range.offset > INT64_MAX - range.length)
      continue;
    room -= range.length;
    ranges.push_back(range);
  }
  return ranges;
}

std::string ReadAhead::place(const RevisionId& revision) const {
  return folder_ + "/" + data_dir_hash(revision.str());
}

void ReadAhead::note(const RevisionId& revision, const std::vector<pid_t>& processes,
                     const std::string& read) {
  if (worker_ == nullptr) return;
  std::string maps;
  for (size_t i = 0; i < std::min(processes.size(), kMostProcesses); ++i)
    maps += disk_.read_file(fmt::format("/proc/{}/maps", processes[i]), kMaxPlan).value_or("");
  const auto text = std::make_shared<std::string>();
  const Status accepted = worker_->run(
      [maps = std::move(maps), read, text] {
        std::vector<FileRange> files = mapped_files(maps);
        struct stat facts {};
        if (!read.empty() && ::stat(read.c_str(), &facts) == 0)
          files.insert(files.begin(), {read, facts.st_ino, 0, 0});
        *text = print_ranges(ranges_in_memory(files));
      },
      [this, text, file = place(revision), alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired()) return;
        Status kept = disk_.make_dirs(folder_);
        if (kept) kept = disk_.write_file(file, *text);
        if (!kept)
          log_warning("what a start reads is not kept", {{"error", kept.error().message()}});
      });
  (void)accepted;  // a busy worker: the next start is noted
}

void ReadAhead::read(const RevisionId& revision, std::function<void(ByteCount)> done) {
  if (worker_ == nullptr) return;
  const auto ranges = parse_ranges(disk_.read_file(place(revision), kMaxPlan).value_or(""));
  if (ranges.empty()) return;
  int64_t sum = 0;
  for (const FileRange& range : ranges) sum += range.length;
  const std::string memory = disk_.read_file("/proc/meminfo", mib(1)).value_or("");
  if (sum > number(trim(field(memory, "MemAvailable"))) * 1024 / 2) return;
  const auto asked = std::make_shared<ByteCount>();
  (void)worker_->run([ranges, asked] { *asked = read_ranges(ranges); },
                     [asked, done = std::move(done), alive = std::weak_ptr<int>(alive_)] {
                       if (!alive.expired()) done(*asked);
                     });
}

void ReadAhead::discard(const RevisionId& revision) { (void)disk_.remove_file(place(revision)); }

}  // namespace thaw::sandbox
