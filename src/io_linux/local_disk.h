// LocalDisk: the files and folders of this machine. See io/disk.h.
//
// Thread: any. Owner: value. Limits: remove_tree refuses trees deeper than 256 folders; a folder's
// list has no limit.
#pragma once

#include "io/disk.h"

namespace thaw::io_linux {

class LocalDisk final : public io::Disk {
 public:
  Result<std::string> read_file(const std::string& path, ByteCount limit) override;
  Status write_file(const std::string& path, std::string_view content) override;
  Status write_file_durably(const std::string& path, std::string_view content) override;
  Result<std::unique_ptr<io::AppendFile>> open_append(const std::string& path) override;
  Status make_dirs(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  bool exists(const std::string& path) override;
};

}  // namespace thaw::io_linux
