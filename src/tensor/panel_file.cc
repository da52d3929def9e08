#include "tensor/panel_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace thaw::tensor {
namespace {

constexpr std::array<char, 8> kMagic = {'T', 'H', 'A', 'W', 'P', 'A', 'N', 'L'};
constexpr uint32_t kVersion = 1;
constexpr size_t kPage = 4096;
constexpr size_t kChunk = size_t{2} << 20;  // a huge page: written at once it becomes one
constexpr size_t kAlign = 64;               // a cache line

/// As it lies in the file; numbers are little-endian, and files are not carried to machines where
/// they are not. The table of pieces follows.
struct Header {
  std::array<char, 8> magic = kMagic;
  uint32_t version = kVersion;
  uint32_t pieces = 0;
  uint64_t content = 0;
  uint64_t size = 0;
  std::array<char, kLongestPanelLayout + 1> layout{};
  uint64_t checksum = 0;  // of the header with 0 here, and of the table
};
struct Row {
  uint64_t at = 0;
  uint64_t size = 0;
  uint64_t checksum = 0;
};
static_assert(sizeof(Header) == 72 && sizeof(Row) == 24);

size_t rounded(size_t value, size_t to) { return (value + to - 1) / to * to; }

uint64_t header_checksum(Header header, std::span<const std::byte> table) {
  header.checksum = 0;
  const uint64_t first = panel_checksum(std::as_bytes(std::span(&header, 1)));
  return first ^ (panel_checksum(table) << 1U | 1U);
}

Header header_of(const PanelKey& key, size_t size) {
  CHECK(key.layout.size() <= kLongestPanelLayout && key.sizes.size() <= kMostPanelPieces);
  Header header;
  header.pieces = static_cast<uint32_t>(key.sizes.size());
  header.content = key.content;
  header.size = size;
  std::ranges::copy(key.layout, header.layout.begin());
  return header;
}

/// Where pieces of these sizes lie, and how long that makes the file.
std::pair<std::vector<PanelPiece>, size_t> lay_out(const std::vector<size_t>& sizes) {
  std::vector<PanelPiece> pieces;
  size_t at = rounded(sizeof(Header) + sizes.size() * sizeof(Row), kPage);
  for (const size_t size : sizes) {
    pieces.push_back({at, size, 0});
    at += rounded(size, kAlign);
  }
  return {std::move(pieces), rounded(at, at < kChunk ? kPage : kChunk)};
}

Error damaged(std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("damaged: {}", what));
}

}  // namespace

uint64_t panel_checksum(std::span<const std::byte> bytes) {
  constexpr size_t kLanes = 8;
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio
  std::array<uint64_t, kLanes> sums{}, words{};
  for (size_t i = 0; i < kLanes; ++i) sums[i] = (i + 1) * kOdd;
  const size_t whole = bytes.size() / sizeof(words) * sizeof(words);
  const std::byte* at = bytes.data();
  for (const std::byte* end = at + whole; at != end; at += sizeof(words)) {
    std::memcpy(words.data(), at, sizeof(words));
    for (size_t i = 0; i < kLanes; ++i) sums[i] = (sums[i] ^ words[i]) * kOdd;
  }
  words = {};
  if (whole < bytes.size()) std::memcpy(words.data(), at, bytes.size() - whole);
  uint64_t sum = bytes.size() * kOdd;
  for (size_t i = 0; i < kLanes; ++i) {
    const uint64_t lane = (sums[i] ^ words[i]) * kOdd;
    sum = (sum ^ lane ^ lane >> 32U) * kOdd;
  }
  return sum ^ sum >> 29U;
}

Result<std::vector<PanelPiece>> parse_panels(std::span<const std::byte> file, const PanelKey& key) {
  Header header;
  if (file.size() < sizeof(header)) return damaged("shorter than its header");
  std::memcpy(&header, file.data(), sizeof(header));
  if (header.magic != kMagic) return Error(Code::kInvalidArgument, "not a file of panels");
  if (header.version != kVersion) {
    return Error(Code::kFailedPrecondition, fmt::format("of version {}", header.version));
  }
  if (header.size != file.size()) return damaged("its length is not what its header says");
  const size_t table_size = size_t{header.pieces} * sizeof(Row);
  if (header.pieces > kMostPanelPieces || table_size > file.size() - sizeof(header)) {
    return damaged("its table is longer than the file");
  }
  const auto table = file.subspan(sizeof(header), table_size);
  if (header.checksum != header_checksum(header, table)) {
    return damaged("the checksum of its header is wrong");
  }
  const Header wanted = header_of(key, file.size());
  if (header.layout != wanted.layout) {
    return Error(Code::kFailedPrecondition, "made for other kernels");
  }
  if (header.content != wanted.content || header.pieces != wanted.pieces) {
    return Error(Code::kFailedPrecondition, "made of other weights");
  }
  auto [pieces, size] = lay_out(key.sizes);
  if (size != file.size()) return Error(Code::kFailedPrecondition, "made of other weights");
  for (size_t i = 0; i < pieces.size(); ++i) {
    Row row;
    std::memcpy(&row, table.data() + i * sizeof(row), sizeof(row));
    if (row.at != pieces[i].at || row.size != pieces[i].size) {
      return Error(Code::kFailedPrecondition, "made of other weights");
    }
    pieces[i].checksum = row.checksum;
  }
  return pieces;
}

Result<PanelFile> PanelFile::open(const std::string& path, const PanelKey& key, uint32_t trusted,
                                  ThreadPool& pool) {
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::open(path, MappedFile::Pages::kHuge));
  const FileFacts& facts = file.facts();
  if (facts.owner != ::geteuid() && facts.owner != 0 && facts.owner != trusted) {
    return Error(Code::kPermissionDenied, path + ": belongs to another user");
  }
  if (facts.mode & (S_IWGRP | S_IWOTH)) {
    return Error(Code::kPermissionDenied, path + ": others than its owner can write it");
  }
  auto pieces = parse_panels(file.bytes(), key);
  if (!pieces) return std::move(pieces).error().with_context(path);
  std::atomic<bool> is_right = true;
  pool.run(static_cast<int>(pieces->size()), [&](int i, int) {
    const PanelPiece& piece = (*pieces)[static_cast<size_t>(i)];
    const auto bytes = file.bytes().subspan(piece.at, piece.size);
    if (is_right && panel_checksum(bytes) != piece.checksum) is_right = false;
  });
  if (!is_right) return damaged("the checksum of a matrix is wrong").with_context(path);
  return PanelFile(std::move(file), *std::move(pieces));
}

Result<PanelWriter> PanelWriter::create(const std::string& path, const PanelKey& key,
                                        uint32_t mode) {
  PanelWriter writer;
  writer.path_ = path;
  writer.key_ = key;
  std::tie(writer.pieces_, writer.size_) = lay_out(key.sizes);
  std::string temporary = path + ".XXXXXX";
  writer.fd_ = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (writer.fd_ < 0) return errno_error("create " + temporary, errno);
  writer.temporary_ = std::move(temporary);
  if (::fchmod(writer.fd_, mode) != 0) return errno_error("make " + writer.temporary_, errno);
  void* memory = map_aligned(-1, writer.size_);
  if (memory == MAP_FAILED) return errno_error("memory for " + writer.temporary_, errno);
  writer.memory_ = static_cast<std::byte*>(memory);
  return writer;
}

PanelWriter::PanelWriter(PanelWriter&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      key_(std::move(other.key_)),
      pieces_(std::move(other.pieces_)),
      fd_(std::exchange(other.fd_, -1)),
      memory_(std::exchange(other.memory_, nullptr)),
      size_(other.size_) {}

PanelWriter::~PanelWriter() {
  if (memory_) ::munmap(memory_, size_);
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

std::span<std::byte> PanelWriter::piece(size_t index) const {
  return {memory_ + pieces_[index].at, pieces_[index].size};
}

void PanelWriter::finish_header() {
  Header header = header_of(key_, size_);
  std::byte* row = memory_ + sizeof(header);
  for (size_t i = 0; i < pieces_.size(); ++i) {
    const Row written = {pieces_[i].at, pieces_[i].size, panel_checksum(piece(i))};
    std::memcpy(row, &written, sizeof(written));
    row += sizeof(written);
  }
  header.checksum =
      header_checksum(header, {memory_ + sizeof(header), pieces_.size() * sizeof(Row)});
  std::memcpy(memory_, &header, sizeof(header));
}

Status PanelWriter::write() const {
  for (size_t at = 0; at < size_;) {
    const size_t count = std::min(kChunk, size_ - at);
    const ssize_t written = ::pwrite(fd_, memory_ + at, count, static_cast<off_t>(at));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return errno_error("write " + temporary_, written < 0 ? errno : ENOSPC);
    at += static_cast<size_t>(written);
  }
  return {};
}

/// The whole file onto the disk, and under its name.
Status PanelWriter::name() const {
  RETURN_IF_ERROR(write());
  if (::fsync(fd_) != 0) return errno_error("write " + temporary_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return errno_error("rename " + temporary_ + " to " + path_, errno);
  }
  return {};
}

/// The disk has its space back, however long the pieces are used.
void PanelWriter::discard() {
  ::unlink(std::exchange(temporary_, {}).c_str());
  ::close(std::exchange(fd_, -1));
}

Status PanelWriter::keep() {
  finish_header();
  if (Status named = name(); !named) {
    discard();
    return named;
  }
  temporary_.clear();
  // In one step for who reads there: the same bytes, now the file's.
  map_aligned_over(memory_, size_, fd_);
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno_error("open " + folder, errno);
  const int failure = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failure != 0) return errno_error("write " + folder, failure);
  return {};
}

}  // namespace thaw::tensor
