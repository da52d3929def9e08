#include "sandbox/private_mounts.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sandbox/machine.h"
#include "sandbox/own_fd.h"

namespace thaw::sandbox {
namespace {

/// What an instance gets anew, or must not have at all.
constexpr std::string_view kNotShared[] = {"proc", "sys", "dev", "run", "tmp", "lost+found"};
constexpr const char* kOwnFolders[] = {"proc", "sys", "dev", "run", "tmp"};

Status check(bool ok, std::string_view what) {
  if (ok) return {};
  return errno_error(what, errno);
}

/// crun refuses machines that have both kinds; the instances' groups are in v1 then.
Status unmount_second_cgroups() {
  std::ifstream file("/proc/self/mountinfo");
  std::stringstream text;
  text << file.rdbuf();
  Machine machine;
  read_cgroup_mounts(text.str(), "", machine);
  if (machine.cgroups != Machine::Cgroups::kHybrid) return {};
  return check(::umount2(machine.unified.c_str(), MNT_DETACH) == 0, "unmount " + machine.unified);
}

Result<OwnFd> copy_of_tree(int at, const char* path, unsigned flags) {
  OwnFd tree(::open_tree(at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags));
  if (!tree) return errno_error("open_tree", errno);
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  attributes.propagation = MS_PRIVATE;  // a later mount on the host must not appear, writable
  RETURN_IF_ERROR(check(::mount_setattr(tree.get(), "", AT_EMPTY_PATH | (flags & AT_RECURSIVE),
                                        &attributes, sizeof attributes) == 0,
                        "mount_setattr (needs Linux 5.12)"));
  return tree;
}

/// One entry of the host's "/".
struct TopEntry {
  std::string name;
  mode_t mode;
  std::string link;  // where a symbolic link points
  OwnFd tree;        // a read-only copy of a folder or file, not mounted yet
};

Result<std::vector<TopEntry>> copy_top_entries() {
  std::vector<TopEntry> entries;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator("/", error)) {
    TopEntry entry;
    entry.name = file.path().filename();
    if (std::ranges::find(kNotShared, entry.name) != std::end(kNotShared)) continue;
    struct stat facts {};
    if (::lstat(file.path().c_str(), &facts) != 0) continue;  // just removed
    entry.mode = facts.st_mode;
    if (S_ISLNK(entry.mode)) {
      entry.link = std::filesystem::read_symlink(file.path(), error);
    } else if (S_ISDIR(entry.mode) || S_ISREG(entry.mode)) {
      ASSIGN_OR_RETURN(entry.tree, copy_of_tree(AT_FDCWD, file.path().c_str(), AT_RECURSIVE));
    } else {
      continue;
    }
    entries.push_back(std::move(entry));
  }
  if (error) return errno_error("read /", error.value());
  return entries;
}

Status put_entry(const std::string& rootfs, const TopEntry& entry) {
  const std::string path = rootfs + "/" + entry.name;
  if (S_ISLNK(entry.mode)) {
    return check(::symlink(entry.link.c_str(), path.c_str()) == 0, "link " + path);
  }
  if (S_ISDIR(entry.mode)) {
    RETURN_IF_ERROR(check(::mkdir(path.c_str(), 0755) == 0, "mkdir " + path));
  } else {
    const OwnFd made(::open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600));
    RETURN_IF_ERROR(check(bool(made), "create " + path));
  }
  return check(
      ::move_mount(entry.tree.get(), "", AT_FDCWD, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH) == 0,
      "mount on " + path);
}

/// The root itself is an empty file system of ours, not a copy of the host's "/": crun makes the
/// root mount writable while it sets a container up, and would then create what is missing, such
/// as a working directory, on the host. Nothing can be written below this one, not even so.
Status make_rootfs(const std::string& rootfs) {
  // All copies first, so that none contains the new root.
  ASSIGN_OR_RETURN(const std::vector<TopEntry> entries, copy_top_entries());
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV;
  RETURN_IF_ERROR(check(::mount("thaw", rootfs.c_str(), "tmpfs", kFlags, "mode=755,size=1m") == 0,
                        "mount " + rootfs));
  for (const char* folder : kOwnFolders) {
    const std::string path = rootfs + "/" + folder;
    RETURN_IF_ERROR(check(::mkdir(path.c_str(), 0755) == 0, "mkdir " + path));
  }
  for (const TopEntry& entry : entries) RETURN_IF_ERROR(put_entry(rootfs, entry));
  // Of the file system, not only of this mount of it.
  return check(::mount(nullptr, rootfs.c_str(), nullptr, MS_REMOUNT | MS_RDONLY | kFlags,
                       "mode=755,size=1m") == 0,
               "make " + rootfs + " read-only");
}

/// What is mounted over hidden paths: a folder and a file that nobody without CAP_DAC_OVERRIDE may
/// open, on a file system of their own.
struct Covers {
  OwnFd folder;
  OwnFd file;
};

Result<Covers> make_covers(const std::string& scratch) {
  std::error_code error;
  std::filesystem::create_directories(scratch, error);
  RETURN_IF_ERROR(check(
      ::mount("hidden", scratch.c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=64k,mode=700") == 0,
      "mount " + scratch));
  const std::string folder = scratch + "/folder";
  const std::string file = scratch + "/file";
  RETURN_IF_ERROR(check(::mkdir(folder.c_str(), 0) == 0, "mkdir " + folder));
  RETURN_IF_ERROR(
      check(bool(OwnFd(::open(file.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0))),
            "create " + file));
  Covers covers{OwnFd(::open(folder.c_str(), O_PATH | O_CLOEXEC)),
                OwnFd(::open(file.c_str(), O_PATH | O_CLOEXEC))};
  if (!covers.folder || !covers.file) return errno_error("open " + scratch, errno);
  return covers;
}

/// Opens `path` as an instance would see it: links stay inside the root.
OwnFd open_in_root(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  return OwnFd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

Status hide(int root, const std::string& path, const Covers& covers) {
  const OwnFd target = open_in_root(root, path);
  if (!target && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return {};
  if (!target) return errno_error("open " + path, errno);
  struct stat facts {};
  RETURN_IF_ERROR(check(::fstat(target.get(), &facts) == 0, "stat " + path));
  const OwnFd& cover = S_ISDIR(facts.st_mode) ? covers.folder : covers.file;
  ASSIGN_OR_RETURN(const OwnFd mount, copy_of_tree(cover.get(), "", AT_EMPTY_PATH));
  return check(::move_mount(mount.get(), "", target.get(), "",
                            MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) == 0,
               "hide " + path);
}

}  // namespace

Status enter_private_mounts(const PrivateMounts& mounts) {
  RETURN_IF_ERROR(check(::unshare(CLONE_NEWNS) == 0, "unshare the mount namespace"));
  // The platform goes on to see what the host mounts later, and the host nothing of ours.
  RETURN_IF_ERROR(check(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) == 0,
                        "make mounts private"));
  RETURN_IF_ERROR(unmount_second_cgroups());
  std::error_code error;
  std::filesystem::create_directories(mounts.rootfs, error);
  if (error) return errno_error("mkdir " + mounts.rootfs, error.value());
  RETURN_IF_ERROR(make_rootfs(mounts.rootfs));
  const std::string scratch = mounts.rootfs + ".hidden";
  ASSIGN_OR_RETURN(const Covers covers, make_covers(scratch));
  const OwnFd root(::open(mounts.rootfs.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  RETURN_IF_ERROR(check(bool(root), "open " + mounts.rootfs));
  for (const std::string& path : mounts.hidden) RETURN_IF_ERROR(hide(root.get(), path, covers));
  // The covers stay mounted where they hide something; instances need no way to their source.
  return check(::umount2(scratch.c_str(), MNT_DETACH) == 0, "unmount " + scratch);
}

}  // namespace thaw::sandbox
