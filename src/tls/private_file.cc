#include "tls/private_file.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace thaw::tls {

Result<std::string> read_private_file(io::Disk& disk, const std::string& path, ByteCount limit) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 027) != 0) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("{}: its mode {:04o} lets others read or change this private key; "
                             "'chmod 600 {}' (or 640, for a group that is to read it)",
                             path, info.st_mode & 07777, path));
  }
  return disk.read_file(path, limit);
}

std::string file_mark(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "";
  return fmt::format("{}:{}:{}:{}.{:09}", info.st_dev, info.st_ino, info.st_size,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

}  // namespace thaw::tls
