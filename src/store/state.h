// The state database of a data directory: its file, its tables (docs/formats/state-database.md)
// and the lock that keeps a second program out.
//
// The tables of all rooms are made here, in one numbered list; each room reads and writes only
// its own. **Thread**: as Database. **Owner**: keep the DataLock as long as anything in the
// directory is open. **Limits**: files over 64 MiB are not checked for damage when opened.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "store/database.h"
#include "store/migrate.h"

namespace thaw::store {

/// Held while it lives, by the kernel: a crash frees it.
class DataLock {
 public:
  /// Locks DIRECTORY/lock, which must be in an existing folder. kFailedPrecondition: another
  /// process has it; the message names its pid.
  static Result<DataLock> acquire(const std::string& directory);
  DataLock(DataLock&& other) noexcept;
  DataLock& operator=(DataLock&&) = delete;
  ~DataLock();

 private:
  explicit DataLock(int fd) : fd_(fd) {}
  int fd_;
};

/// DIRECTORY/state.db
std::string state_path(const std::string& directory);

/// Opens or makes the file at `path` (or ":memory:"), checks it and brings its tables up to date.
/// Errors: those of Database::open and migrate; kFailedPrecondition for another program's file.
Result<std::unique_ptr<Database>> open_state(const std::string& path, std::string_view wall_time);

/// One more connection to a file that open_state() has opened: neither checked nor migrated again.
Result<std::unique_ptr<Database>> reopen_state(const std::string& path);

/// All steps this program knows.
std::span<const Migration> state_migrations();

}  // namespace thaw::store
