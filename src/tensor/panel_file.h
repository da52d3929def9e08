// PanelFile: the packed matrices of a model as a file, which all processes that serve it map and
// share, so that a start packs nothing.
//
// A file is used only when it was made of these weights for these kernels (its key), when nobody
// but its owner can write it and the owner may be trusted, and when every checksum in it is right;
// else panels are packed again and a new file takes its place. docs/formats/panels.md has the
// bytes. Thread: one caller; checksums are computed on the pool. Owner: views into a PanelFile or a
// PanelWriter die with it. Limits: kMostPieces pieces. A file that is cut short while it is mapped
// ends the process (SIGBUS), as with weights: files are replaced, never edited.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/mapped_file.h"
#include "tensor/thread_pool.h"

namespace thaw::tensor {

inline constexpr size_t kMostPanelPieces = 100'000;
inline constexpr size_t kLongestPanelLayout = 31;

/// What panels are made of, and for which kernels.
struct PanelKey {
  std::string layout;         // of the kernels: "f32x16"
  uint64_t content = 0;       // of the weights
  std::vector<size_t> sizes;  // of the pieces, in bytes
};

struct PanelPiece {
  size_t at = 0;
  size_t size = 0;
  uint64_t checksum = 0;
};

/// Any changed word of 8 bytes changes it; no protection against who means harm.
uint64_t panel_checksum(std::span<const std::byte> bytes);

/// The pieces of a file that has this key. kFailedPrecondition: made of something else;
/// kInvalidArgument: no such file, or damaged. Checksums of pieces are not looked at.
Result<std::vector<PanelPiece>> parse_panels(std::span<const std::byte> file, const PanelKey& key);

class PanelFile {
 public:
  /// `trusted`: who may own it besides this user and root. kNotFound: there is none;
  /// kPermissionDenied: owned by another, or others can write it; else as parse_panels.
  static Result<PanelFile> open(const std::string& path, const PanelKey& key, uint32_t trusted,
                                ThreadPool& pool);

  std::span<const std::byte> piece(size_t index) const {
    return file_.bytes().subspan(pieces_[index].at, pieces_[index].size);
  }

 private:
  PanelFile(MappedFile file, std::vector<PanelPiece> pieces)
      : file_(std::move(file)), pieces_(std::move(pieces)) {}

  MappedFile file_;
  std::vector<PanelPiece> pieces_;
};

/// Makes a file beside the one that it replaces. Fill the pieces, which lie in memory of its own,
/// and keep() them. They stay where they are and readable as long as the writer is; once they are
/// written, what lies there are the file's pages, which other processes share.
class PanelWriter {
 public:
  /// `mode`: permissions that the file gets. Errors: the folder cannot be written.
  static Result<PanelWriter> create(const std::string& path, const PanelKey& key, uint32_t mode);
  PanelWriter(PanelWriter&& other) noexcept;
  PanelWriter& operator=(PanelWriter&&) = delete;
  ~PanelWriter();

  std::span<std::byte> piece(size_t index) const;
  /// Writes the file, onto the disk, then under its name: a reader sees the whole file or none of
  /// it. Slow; pieces may be read meanwhile, and never written again. After an error (no space)
  /// nothing is left behind at once, and the pieces are as they were.
  Status keep();

 private:
  PanelWriter() = default;
  void finish_header();
  Status write() const;
  Status name() const;
  void discard();

  std::string path_, temporary_;
  PanelKey key_;
  std::vector<PanelPiece> pieces_;
  int fd_ = -1;
  std::byte* memory_ = nullptr;
  size_t size_ = 0;
};

}  // namespace thaw::tensor
