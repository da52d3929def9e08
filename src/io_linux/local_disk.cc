#include "io_linux/local_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "io_linux/fd.h"
#include "io_linux/remove_tree.h"

namespace thaw::io_linux {
namespace {

/// On an error `errno` says why.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Status sync_folder(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fsync(fd.get()) != 0) return errno_error("sync folder " + path, errno);
  return {};
}

class LocalAppendFile final : public io::AppendFile {
 public:
  LocalAppendFile(std::string path, Fd fd, int64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  Status append(std::string_view bytes) override {
    if (!write_all(fd_.get(), bytes)) {
      const int error = errno;
      if (::ftruncate(fd_.get(), size_) != 0) return errno_error("shorten " + path_, errno);
      return errno_error("append to " + path_, error);
    }
    size_ += static_cast<int64_t>(bytes.size());
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_.get()) != 0) return errno_error("sync " + path_, errno);
    return {};
  }

  ByteCount size() const override { return {size_}; }

 private:
  std::string path_;
  Fd fd_;
  int64_t size_;
};

}  // namespace

Result<std::string> LocalDisk::read_file(const std::string& path, ByteCount limit) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return errno_error("open " + path, errno);
  std::string content;
  char buffer[16 << 10];
  // Not by the size that stat tells: files of /proc and of cgroups say 0.
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read " + path, errno);
    if (n == 0) return content;
    content.append(buffer, static_cast<size_t>(n));
    if (std::cmp_greater(content.size(), limit.value)) {
      return Error(Code::kOutOfRange, path + " is larger than " + format_bytes(limit));
    }
  }
}

Status LocalDisk::write_file(const std::string& path, std::string_view content) {
  // Kernel files must not be created: opened as they are first.
  Fd fd(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!fd.is_open() && errno == ENOENT) {
    fd = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  }
  if (!fd.is_open()) return errno_error("open " + path, errno);
  if (!write_all(fd.get(), content)) return errno_error("write " + path, errno);
  return {};
}

Status LocalDisk::write_file_durably(const std::string& path, std::string_view content) {
  static std::atomic<uint64_t> counter = 0;
  const std::string temporary =
      path + "." + std::to_string(::getpid()) + "." + std::to_string(++counter) + ".tmp";
  Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.is_open()) return errno_error("create " + temporary, errno);
  if (!write_all(fd.get(), content) || ::fsync(fd.get()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return errno_error("write " + temporary, error);
  }
  fd.reset();
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return errno_error("rename " + temporary + " to " + path, error);
  }
  return sync_folder(folder_of(path));
}

Result<std::unique_ptr<io::AppendFile>> LocalDisk::open_append(const std::string& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return errno_error("open " + path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return errno_error("stat " + path, errno);
  return std::unique_ptr<io::AppendFile>(
      std::make_unique<LocalAppendFile>(path, std::move(fd), info.st_size));
}

Status LocalDisk::make_dirs(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0) {
      const int error = errno;
      struct stat info {};
      const bool is_there = ::stat(part.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
      if (!is_there) return errno_error("make folder " + part, error == EEXIST ? ENOTDIR : error);
    }
    if (slash == std::string::npos) return {};
  }
}

Status LocalDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return errno_error("rename " + from + " to " + to, errno);
}

Status LocalDisk::remove_file(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return {};
  return errno_error("remove " + path, errno);
}

Status LocalDisk::remove_tree(const std::string& path) { return io_linux::remove_tree(path); }

Result<std::vector<std::string>> LocalDisk::list(const std::string& path) {
  DIR* raw = ::opendir(path.c_str());
  if (raw == nullptr) return errno_error("read folder " + path, errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(raw, ::closedir);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool LocalDisk::exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace thaw::io_linux
