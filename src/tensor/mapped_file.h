// MappedFile: a whole file, read-only in memory, shared by all processes that map it.
//
// For weights: nothing is read until it is used, and pages are given back when memory is short.
// Thread: any. Owner: views into it die with it. Limits: regular files only. A file that is cut
// short while it is mapped ends the process (SIGBUS): model folders are replaced, not edited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"

namespace thaw::tensor {

struct FileFacts {
  int64_t modified_s = 0;  // since 1970
  uint32_t owner = 0;
  uint32_t mode = 0;  // permissions
};

/// Takes whole pages within the bytes of a mapped file out of this process's memory; they come back
/// from the file when they are used again.
void forget_pages(std::span<const std::byte> bytes);

/// Memory at a multiple of a huge page, of which the kernel may make huge pages: of the file, to be
/// read, or with fd -1 private, to be written. MAP_FAILED and errno as mmap.
void* map_aligned(int fd, size_t size);
/// The file in the place of such memory, in one step: who reads it meanwhile sees one or the other.
bool map_aligned_over(void* memory, size_t size, int fd);

class MappedFile {
 public:
  /// kHuge: for a file of which all is used: the kernel may bring it in by pieces of 2 MiB, and one
  /// entry of its tables stands for each.
  enum class Pages { kSmall, kHuge };
  static Result<MappedFile> open(const std::string& path, Pages pages = Pages::kSmall);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// As they were when it was opened.
  const FileFacts& facts() const { return facts_; }

 private:
  MappedFile(const std::byte* data, size_t size, const FileFacts& facts)
      : data_(data), size_(size), facts_(facts) {}
  static Result<MappedFile> map(int fd, const std::string& path, Pages pages);
  void unmap();

  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  FileFacts facts_;
};

}  // namespace thaw::tensor
