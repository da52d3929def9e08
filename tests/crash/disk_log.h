// DiskLog: every change that this process's system calls make to files below one folder, in order.
//
// The test program defines open(), pwrite(), fsync() and their like itself (disk_log.cc), so that
// SQLite and the blobs' code are watched as they are shipped, without a seam of their own.
//
// Thread: any. Owner: the process. Limits: SQLite's shared-memory files, which a crash empties by
// definition, are left out; files are not reached by openat(), mmap() or sendfile().
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace thaw::crash {

using FileNumber = int;

struct DiskEvent {
  enum class Kind {
    kMakeFolder,  // path
    kCreate,      // path: a new, empty file
    kWrite,       // file, offset, bytes
    kTruncate,    // file, offset: the new size
    kRename,      // path, to
    kUnlink,      // path
    kSync,        // file: what was written before the event `since` is safe
    kSyncFolder,  // path: likewise its entries
  };
  Kind kind;
  FileNumber file = 0;
  std::string path = {};  // below the folder: "objects/incoming/x"
  std::string to = {};
  int64_t offset = 0;
  std::string bytes = {};
  size_t since = 0;
};

class DiskLog {
 public:
  /// Begins with an empty folder.
  static void start(const std::string& folder);
  static std::vector<DiskEvent> stop();
  /// How many events there are: the place of what happens now among them.
  static size_t size();
};

}  // namespace thaw::crash
