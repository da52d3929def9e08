// ReadAhead: which parts of its mapped files a revision's last start had in memory, and reading
// them before its next start needs them.
//
// The kernel reads a library or a model in small pieces as a program touches it; told before, it
// reads them in one go while the sandbox is made. What is in the page cache already is left alone.
// Reasons: docs/decisions/0078-byte-code.md.
//
// Thread: the loop's; files are looked at and read by the worker. Owner: disk and worker outlive
// it. Limits: 512 files, 4096 ranges and 512 MiB a revision; half of the memory that is available,
// else nothing is read. A worker that is busy means that nothing is noted or read.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "io/disk.h"
#include "io/worker.h"

namespace thaw::sandbox {

/// A part of a file. The inode makes sure that a path means the file that the instance meant.
struct FileRange {
  std::string path;
  uint64_t inode = 0;
  int64_t offset = 0;
  int64_t length = 0;

  bool operator==(const FileRange&) const = default;
};

/// The files that /proc/PID/maps names, each once, as ranges without a length.
std::vector<FileRange> mapped_files(std::string_view maps);
/// What of these files is in the page cache, in whole pages; gaps under 128 KiB count as present.
std::vector<FileRange> ranges_in_memory(const std::vector<FileRange>& files);
/// Asks the kernel for what is not there; returns how much that was.
ByteCount read_ranges(const std::vector<FileRange>& ranges);

/// A line each: "INODE OFFSET LENGTH PATH".
std::string print_ranges(const std::vector<FileRange>& ranges);
/// Lines that are none are passed over.
std::vector<FileRange> parse_ranges(std::string_view text);

class ReadAhead {
 public:
  /// `folder`: a file a revision, made when needed. Without a worker nothing is noted or read.
  ReadAhead(io::Disk& disk, io::Worker* worker, std::string folder)
      : disk_(disk), worker_(worker), folder_(std::move(folder)) {}

  /// What these processes of the revision have mapped is what its start touched, and `read`, a file
  /// of the host; empty: none.
  void note(const RevisionId& revision, const std::vector<pid_t>& processes,
            const std::string& read);
  /// `done`, on the loop: how much was not in memory. Not called when there is nothing to do.
  void read(const RevisionId& revision, std::function<void(ByteCount)> done);
  /// The revision is gone for good.
  void discard(const RevisionId& revision);

 private:
  std::string place(const RevisionId& revision) const;

  io::Disk& disk_;
  io::Worker* worker_;
  std::string folder_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace thaw::sandbox
