#include "io_linux/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "io_linux/fd.h"

namespace thaw::io_linux {
namespace {

constexpr int kMaxDepth = 256;

struct Entry {
  std::string name;
  bool is_folder = false;
};

Result<std::vector<Entry>> read_folder(int folder, const std::string& path) {
  const int copy = ::fcntl(folder, F_DUPFD_CLOEXEC, 3);
  DIR* raw = copy < 0 ? nullptr : ::fdopendir(copy);
  if (raw == nullptr) {
    if (copy >= 0) ::close(copy);
    return errno_error("read folder " + path, errno);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(raw, ::closedir);
  std::vector<Entry> entries;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    bool is_folder = entry->d_type == DT_DIR;
    if (entry->d_type == DT_UNKNOWN) {
      struct stat info {};
      is_folder = ::fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                  S_ISDIR(info.st_mode);
    }
    entries.push_back({std::string(name), is_folder});
  }
  return entries;
}

/// Opens the folder `name` of `parent` unless it is a link or a mount.
Result<Fd> open_inside(int parent, const std::string& name, const std::string& path) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how)));
  if (fd.is_open()) return fd;
  if (errno == EXDEV) {
    return Error(Code::kFailedPrecondition,
                 "remove " + path + ": something is mounted there; unmount it first");
  }
  return errno_error("open folder " + path, errno);
}

Status empty_folder(int folder, const std::string& path, int depth) {
  if (depth > kMaxDepth) {
    return Error(Code::kFailedPrecondition,
                 "remove " + path + ": more than 256 folders inside each other");
  }
  ASSIGN_OR_RETURN(const auto entries, read_folder(folder, path));
  for (const Entry& entry : entries) {
    const std::string inner = path + "/" + entry.name;
    if (entry.is_folder) {
      ASSIGN_OR_RETURN(const Fd fd, open_inside(folder, entry.name, inner));
      RETURN_IF_ERROR(empty_folder(fd.get(), inner, depth + 1));
    }
    const int flags = entry.is_folder ? AT_REMOVEDIR : 0;
    if (::unlinkat(folder, entry.name.c_str(), flags) != 0 && errno != ENOENT) {
      return errno_error("remove " + inner, errno);
    }
  }
  return {};
}

}  // namespace

Status remove_tree(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.is_open()) {
    if (errno == ENOENT) return {};
    if (errno != ENOTDIR && errno != ELOOP) return errno_error("open folder " + path, errno);
    if (::unlink(path.c_str()) != 0) return errno_error("remove " + path, errno);
    return {};
  }
  RETURN_IF_ERROR(empty_folder(fd.get(), path, 0));
  if (::rmdir(path.c_str()) != 0 && errno != ENOENT) return errno_error("remove " + path, errno);
  return {};
}

}  // namespace thaw::io_linux
