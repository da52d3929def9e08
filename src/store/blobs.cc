#include "store/blobs.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"

namespace thaw::store {
namespace {

constexpr int64_t kPushEvery = 8 << 20;  // written back while the rest still arrives
constexpr size_t kCopyBlock = 256 << 10;
constexpr int kFolders = 256;

bool is_id(std::string_view id) {
  return id.size() >= 2 && id.size() <= 64 &&
         id.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
}

/// One of 256 folders, the same for an id always.
int folder_of(std::string_view id) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (const char c : id) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return static_cast<int>((hash ^ (hash >> 16)) % kFolders);
}

Status sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error("open folder " + path, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return errno_error("sync folder " + path, failed);
  return {};
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return errno_error("make folder " + path, errno);
}

}  // namespace

// ---- BlobWriter ---------------------------------------------------------------------------------

BlobWriter::BlobWriter(int fd, std::string path, int64_t size)
    : fd_(fd), path_(std::move(path)), size_(size), pushed_(size) {}
BlobWriter::~BlobWriter() { ::close(fd_); }

Status BlobWriter::append(std::string_view bytes) {
  int64_t at = size_;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int why = errno;
      if (::ftruncate(fd_, size_) != 0) return errno_error("shorten " + path_, errno);
      return errno_error("write " + path_, why);
    }
    at += n;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  size_ = at;
  if (size_ - pushed_ >= kPushEvery) {
    ::sync_file_range(fd_, pushed_, size_ - pushed_, SYNC_FILE_RANGE_WRITE);
    pushed_ = size_;
  }
  return {};
}

Status BlobWriter::append_file(const BlobReader& from) {
  const int64_t before = size_;
  for (off_t offset = 0; offset < from.size_;) {
    off_t to = size_;
    const auto left = static_cast<size_t>(from.size_ - offset);
    const ssize_t n = ::copy_file_range(from.fd_, &offset, fd_, &to, left, 0);
    if (n > 0) {
      size_ += n;
      continue;
    }
    // File systems that cannot do it, and those that stop early, get plain copies.
    auto block = from.read(offset, kCopyBlock);
    Status copied = block ? append(*block) : Status(std::move(block).error());
    if (copied && block->empty()) copied = Error(Code::kDataLoss, from.path_ + ": is cut short");
    if (!copied) {
      size_ = before;
      if (::ftruncate(fd_, size_) != 0) return errno_error("shorten " + path_, errno);
      return copied;
    }
    offset += static_cast<off_t>(block->size());
  }
  return {};
}

Status BlobWriter::sync() {
  if (::fsync(fd_) != 0) return errno_error("sync " + path_, errno);
  return {};
}

// ---- BlobReader ---------------------------------------------------------------------------------

BlobReader::BlobReader(int fd, std::string path, int64_t size)
    : fd_(fd), path_(std::move(path)), size_(size) {}
BlobReader::~BlobReader() { ::close(fd_); }

Result<std::string> BlobReader::read(int64_t offset, size_t length) const {
  std::string bytes(length, '\0');
  size_t got = 0;
  while (got < length) {
    const ssize_t n =
        ::pread(fd_, bytes.data() + got, length - got, offset + static_cast<int64_t>(got));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_error("read " + path_, errno);
    if (n == 0) break;
    got += static_cast<size_t>(n);
  }
  bytes.resize(got);
  return bytes;
}

// ---- Blobs --------------------------------------------------------------------------------------

Blobs::Blobs(std::string directory) : directory_(std::move(directory)) {}

std::string Blobs::incoming_path(const std::string& id) const {
  CHECK(is_id(id), "a blob's id is letters and digits of ours");
  return directory_ + "/incoming/" + id;
}

std::string Blobs::settled_path(const std::string& id) const {
  CHECK(is_id(id), "a blob's id is letters and digits of ours");
  return fmt::format("{}/{:02x}/{}", directory_, folder_of(id), id);
}

Status Blobs::prepare() {
  RETURN_IF_ERROR(make_folder(directory_));
  RETURN_IF_ERROR(make_folder(directory_ + "/incoming"));
  for (int i = 0; i < kFolders; ++i) {
    RETURN_IF_ERROR(make_folder(fmt::format("{}/{:02x}", directory_, i)));
  }
  RETURN_IF_ERROR(sync_folder(directory_));
  return sync_folder(directory_ + "/..");
}

Result<std::unique_ptr<BlobWriter>> Blobs::create(const std::string& id) {
  const std::string path = incoming_path(id);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return errno_error("create " + path, errno);
  auto writer = std::make_unique<BlobWriter>(fd, path, 0);
  if (const Status synced = sync_folder(directory_ + "/incoming"); !synced) {
    ::unlink(path.c_str());
    return synced.error();
  }
  return writer;
}

Result<std::unique_ptr<BlobWriter>> Blobs::resume(const std::string& id) {
  const std::string path = incoming_path(id);
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno_error("open " + path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const int why = errno;
    ::close(fd);
    return errno_error("stat " + path, why);
  }
  return std::make_unique<BlobWriter>(fd, path, info.st_size);
}

Result<std::unique_ptr<BlobReader>> Blobs::open(const std::string& id) const {
  std::string path = settled_path(id);
  int fd = -1;
  // In the middle of settle() the file may be seen at neither place once.
  for (int i = 0; i < 3 && fd < 0; ++i) {
    path = i == 1 ? incoming_path(id) : settled_path(id);
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT) return errno_error("open " + path, errno);
  }
  if (fd < 0) return Error(Code::kNotFound, path + ": the content's file is missing");
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const int why = errno;
    ::close(fd);
    return errno_error("stat " + path, why);
  }
  return std::make_unique<BlobReader>(fd, path, info.st_size);
}

Status Blobs::settle(const std::string& id) {
  const std::string from = incoming_path(id);
  if (::rename(from.c_str(), settled_path(id).c_str()) == 0 || errno == ENOENT) return {};
  return errno_error("move " + from + " to its place", errno);
}

Status Blobs::remove(const std::string& id) {
  for (const std::string& path : {settled_path(id), incoming_path(id)}) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error("remove " + path, errno);
  }
  return {};
}

Result<std::vector<std::string>> Blobs::incoming() const {
  const std::string path = directory_ + "/incoming";
  DIR* const folder = ::opendir(path.c_str());
  if (folder == nullptr) return errno_error("open folder " + path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder)) {
    if (is_id(entry->d_name)) names.emplace_back(entry->d_name);
  }
  ::closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace thaw::store
