// MappedFile: a whole file, read-only in memory, shared by all processes that map it.
//
// For weights: nothing is read until it is used, and pages are given back when memory is short.
// Thread: any. Owner: views into it die with it. Limits: regular files only. A file that is cut
// short while it is mapped ends the process (SIGBUS): model folders are replaced, not edited.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace thaw::tensor {

class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, size_t size) : data_(data), size_(size) {}
  void unmap();

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace thaw::tensor
