#include "disk_log.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <map>
#include <mutex>

namespace thaw::crash {
namespace {

using Kind = DiskEvent::Kind;

struct Watch {
  std::mutex mutex;
  std::string folder;  // "": nothing is watched
  std::vector<DiskEvent> events;
  std::map<std::string, FileNumber> files;  // by path below the folder
  std::map<int, FileNumber> open_files;     // by descriptor
  std::map<int, std::string> open_folders;
  FileNumber next = 1;
};
Watch& watch() {
  static Watch* const kWatch = new Watch;  // outlives every other static
  return *kWatch;
}

/// The path below the folder; "": it is not watched.
std::string below(const Watch& w, const char* path) {
  const std::string text = path;
  if (w.folder.empty() || !text.starts_with(w.folder + "/") || text.ends_with("-shm")) return "";
  return text.substr(w.folder.size() + 1);
}

/// The folder itself is ".".
std::string folder_below(const Watch& w, const char* path) {
  if (w.folder.empty()) return "";
  std::string text = path;
  if (text.ends_with("/..")) {
    text.resize(text.size() - 3);
    text.resize(text.rfind('/'));
  }
  return text == w.folder ? "." : below(w, text.c_str());
}

void on_open(int fd, const char* path, int flags, bool existed) {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  if (fd < 0 || w.folder.empty()) return;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISDIR(info.st_mode)) {
    if (std::string name = folder_below(w, path); !name.empty()) w.open_folders[fd] = name;
    return;
  }
  const std::string name = below(w, path);
  if (name.empty()) return;
  if (!existed && (flags & O_CREAT) != 0) {
    w.files[name] = w.next++;
    w.events.push_back({.kind = Kind::kCreate, .file = w.files[name], .path = name});
  }
  const auto file = w.files.find(name);
  if (file == w.files.end()) return;
  w.open_files[fd] = file->second;
  if ((flags & O_TRUNC) != 0 && existed) {
    w.events.push_back({.kind = Kind::kTruncate, .file = file->second});
  }
}

void on_write(int fd, const void* bytes, ssize_t count, off_t offset) {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  const auto file = w.open_files.find(fd);
  if (file == w.open_files.end() || count <= 0) return;
  w.events.push_back({.kind = Kind::kWrite,
                      .file = file->second,
                      .offset = offset,
                      .bytes = {static_cast<const char*>(bytes), static_cast<size_t>(count)}});
}

void on_truncate(int fd, off_t size) {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  const auto file = w.open_files.find(fd);
  if (file == w.open_files.end()) return;
  w.events.push_back({.kind = Kind::kTruncate, .file = file->second, .offset = size});
}

void on_sync(int fd, size_t since) {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  if (const auto file = w.open_files.find(fd); file != w.open_files.end()) {
    w.events.push_back({.kind = Kind::kSync, .file = file->second, .since = since});
  } else if (const auto folder = w.open_folders.find(fd); folder != w.open_folders.end()) {
    w.events.push_back({.kind = Kind::kSyncFolder, .path = folder->second, .since = since});
  }
}

int real(long result) { return static_cast<int>(result); }

int open_watched(const char* path, int flags, mode_t mode) {
  struct stat info {};
  const bool existed = ::stat(path, &info) == 0;
  const int fd = real(::syscall(SYS_openat, AT_FDCWD, path, flags, mode));
  on_open(fd, path, flags, existed);
  return fd;
}

ssize_t pwrite_watched(int fd, const void* bytes, size_t count, off_t offset) {
  const ssize_t n = ::syscall(SYS_pwrite64, fd, bytes, count, offset);
  on_write(fd, bytes, n, offset);
  return n;
}

int truncate_watched(int fd, off_t size) {
  const int result = real(::syscall(SYS_ftruncate, fd, size));
  if (result == 0) on_truncate(fd, size);
  return result;
}

int sync_watched(long number, int fd) {
  const size_t since = DiskLog::size();
  const int result = real(::syscall(number, fd));
  if (result == 0) on_sync(fd, since);
  return result;
}

}  // namespace

void DiskLog::start(const std::string& folder) {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  w.folder = folder;
  w.events.clear();
  w.files.clear();
}

std::vector<DiskEvent> DiskLog::stop() {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  w.folder.clear();
  w.open_files.clear();
  w.open_folders.clear();
  return std::move(w.events);
}

size_t DiskLog::size() {
  Watch& w = watch();
  const std::lock_guard lock(w.mutex);
  return w.events.size();
}

}  // namespace thaw::crash

// ---- What the C library would do, and a note of it
// ------------------------------------------------

namespace c = thaw::crash;

extern "C" {

int open(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return c::open_watched(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
  va_list more;
  va_start(more, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
  va_end(more);
  return c::open_watched(path, flags, mode);
}

int close(int fd) {
  {
    c::Watch& w = c::watch();
    const std::lock_guard lock(w.mutex);
    w.open_files.erase(fd);
    w.open_folders.erase(fd);
  }
  return c::real(::syscall(SYS_close, fd));
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  return c::pwrite_watched(fd, bytes, count, offset);
}
ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  return c::pwrite_watched(fd, bytes, count, offset);
}

ssize_t write(int fd, const void* bytes, size_t count) {
  const off_t at = ::lseek(fd, 0, SEEK_CUR);
  const ssize_t n = ::syscall(SYS_write, fd, bytes, count);
  c::on_write(fd, bytes, n, at);
  return n;
}

/// Refused, as by file systems that cannot: callers then copy with pwrite().
ssize_t copy_file_range(int, off64_t*, int, off64_t*, size_t, unsigned) {
  errno = EOPNOTSUPP;
  return -1;
}

int ftruncate(int fd, off_t size) noexcept { return c::truncate_watched(fd, size); }
int ftruncate64(int fd, off64_t size) noexcept { return c::truncate_watched(fd, size); }
int fsync(int fd) { return c::sync_watched(SYS_fsync, fd); }
int fdatasync(int fd) { return c::sync_watched(SYS_fdatasync, fd); }

int mkdir(const char* path, mode_t mode) noexcept {
  const int result = c::real(::syscall(SYS_mkdirat, AT_FDCWD, path, mode));
  c::Watch& w = c::watch();
  const std::lock_guard lock(w.mutex);
  const std::string name = c::below(w, path);
  if (result == 0 && !name.empty()) {
    w.events.push_back({.kind = c::Kind::kMakeFolder, .path = name});
  }
  return result;
}

int unlink(const char* path) noexcept {
  const int result = c::real(::syscall(SYS_unlinkat, AT_FDCWD, path, 0));
  c::Watch& w = c::watch();
  const std::lock_guard lock(w.mutex);
  const std::string name = c::below(w, path);
  if (result == 0 && w.files.erase(name) > 0) {
    w.events.push_back({.kind = c::Kind::kUnlink, .path = name});
  }
  return result;
}

int rename(const char* from, const char* to) noexcept {
  const int result = c::real(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
  c::Watch& w = c::watch();
  const std::lock_guard lock(w.mutex);
  const std::string name = c::below(w, from);
  const std::string other = c::below(w, to);
  if (const auto file = w.files.find(name); result == 0 && file != w.files.end()) {
    const c::FileNumber number = file->second;
    w.files.erase(file);
    w.files[other] = number;
    w.events.push_back({.kind = c::Kind::kRename, .path = name, .to = other});
  }
  return result;
}

}  // extern "C"
