// Disk: files and folders, blocking calls on small data.
//
// Not for object bodies. Thread: any. Limits: read_file refuses files over `limit`.
// Errors name the path.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace thaw::io {

/// A file that only grows.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  /// Whole or not at all, as far as the disk has room; not yet safe from power loss.
  virtual Status append(std::string_view bytes) = 0;
  virtual Status sync() = 0;
  virtual ByteCount size() const = 0;
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::string> read_file(const std::string& path, ByteCount limit) = 0;
  /// Plain open, write, close: for kernel files and what a restart makes again.
  virtual Status write_file(const std::string& path, std::string_view content) = 0;
  /// Temporary file, fsync, rename, fsync of the folder: after OK it survives power loss.
  virtual Status write_file_durably(const std::string& path, std::string_view content) = 0;
  virtual Result<std::unique_ptr<AppendFile>> open_append(const std::string& path) = 0;
  /// Like mkdir -p; mode 0700.
  virtual Status make_dirs(const std::string& path) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  virtual Status remove_file(const std::string& path) = 0;
  /// Like rm -rf that never follows a link nor crosses into another mount; absent is OK.
  virtual Status remove_tree(const std::string& path) = 0;
  /// Names in a folder, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  virtual bool exists(const std::string& path) = 0;
};

}  // namespace thaw::io
