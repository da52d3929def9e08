// CrashedDisk: what a disk may look like after the power went at some event of a DiskLog.
//
// A file's bytes are safe once the file was synced, a folder's entries once the folder was;
// folders' changes reach the disk in their order, as on journaling file systems, writes in any
// order and in parts of 512 bytes. Pure until lay_down().
//
// Thread: one. Owner: the events outlive it. Limits: a file is held in memory twice.
#pragma once

#include <map>
#include <random>
#include <set>
#include <span>
#include <string>

#include "disk_log.h"

namespace thaw::crash {

enum class Loss {
  kAllUnsynced,  // nothing of what was not synced is there
  kNothing,      // all of it is
  kTorn,         // any part of it, by chance
};

class CrashedDisk {
 public:
  explicit CrashedDisk(std::span<const DiskEvent> events) : events_(events) {}

  /// How many events have happened.
  size_t at() const { return at_; }
  bool advance();

  /// Writes what is left after a crash now into `folder`, which is empty.
  void lay_down(const std::string& folder, Loss loss, uint64_t seed) const;

 private:
  struct File {
    std::string safe;
    std::vector<const DiskEvent*> unsafe;
  };
  struct Names {
    std::map<std::string, FileNumber> files;
    std::set<std::string> folders;
    void apply(const DiskEvent& event);
  };
  static std::string content(const File& file, Loss loss, std::mt19937_64& chance);

  std::span<const DiskEvent> events_;
  size_t at_ = 0;
  std::map<FileNumber, File> files_;
  Names safe_names_;
  std::vector<const DiskEvent*> unsafe_names_;
};

}  // namespace thaw::crash
