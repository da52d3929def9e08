#include "tensor/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace thaw::tensor {

void forget_pages(std::span<const std::byte> bytes) {
  static const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<uintptr_t>(bytes.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()) / page * page;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

void* map_aligned(int fd, size_t size) {
  const size_t room = size + kHugePage;
  void* reserved = ::mmap(nullptr, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) return MAP_FAILED;
  auto* begin = static_cast<std::byte*>(reserved);
  const size_t before = -reinterpret_cast<uintptr_t>(reserved) % kHugePage;
  const int kind = MAP_PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
  const int access = fd < 0 ? PROT_READ | PROT_WRITE : PROT_READ;
  void* data = ::mmap(begin + before, size, access, kind, fd, 0);
  if (data == MAP_FAILED) {
    ::munmap(reserved, room);
    return MAP_FAILED;
  }
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const size_t end = (before + size + page - 1) / page * page;
  if (before > 0) ::munmap(begin, before);
  if (end < room) ::munmap(begin + end, room - end);
  ::madvise(data, size, MADV_HUGEPAGE);
  return data;
}

bool map_aligned_over(void* memory, size_t size, int fd) {
  if (::mmap(memory, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED) return false;
  ::madvise(memory, size, MADV_HUGEPAGE);
  return true;
}

Result<MappedFile> MappedFile::open(const std::string& path, Pages pages) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno_error("open " + path, errno);
  auto mapped = map(fd, path, pages);
  ::close(fd);
  return mapped;
}

Result<MappedFile> MappedFile::map(int fd, const std::string& path, Pages pages) {
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error(Code::kInvalidArgument, path + ": not a regular file");
  }
  const FileFacts facts = {info.st_mtim.tv_sec, info.st_uid, info.st_mode & 07777U};
  if (info.st_size == 0) return MappedFile(nullptr, 0, facts);  // cannot be mapped
  const auto size = static_cast<size_t>(info.st_size);
  void* data = pages == Pages::kHuge ? map_aligned(fd, size)
                                     : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return errno_error("map " + path, errno);
  return MappedFile(static_cast<const std::byte*>(data), size, facts);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      facts_(other.facts_) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  facts_ = other.facts_;
  return *this;
}

MappedFile::~MappedFile() { unmap(); }

void MappedFile::unmap() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace thaw::tensor
