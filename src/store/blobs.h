// Blobs: files of bytes that are written once, named by ids, never by names from outside.
//
// A blob is written in DIR/incoming/ID and moved to DIR/XX/ID by settle() once a row of the
// database names it; so what a crash left unfinished all lies in one small folder. Readers look at
// both places. Blocking calls. Format: docs/formats/objects.md.
// **Thread**: any; one blob's writer one at a time. **Owner**: writers and readers may outlive it.
// **Limits**: ids are 2 to 64 characters of [0-9a-z]; no room is kResourceExhausted, and the blob
// is as long as before.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thaw::store {

class BlobWriter {
 public:
  BlobWriter(int fd, std::string path, int64_t size);
  BlobWriter(const BlobWriter&) = delete;
  BlobWriter& operator=(const BlobWriter&) = delete;
  ~BlobWriter();

  /// Whole or not at all.
  Status append(std::string_view bytes);
  /// Appends all of the blob in `from`, without reading it into memory where the kernel can.
  Status append_file(const class BlobReader& from);
  /// Content and length survive power loss afterwards. Not called again after an error.
  Status sync();
  int64_t size() const { return size_; }

 private:
  int fd_;
  std::string path_;
  int64_t size_;
  int64_t pushed_ = 0;  // of size_: the kernel was told to begin writing
};

class BlobReader {
 public:
  BlobReader(int fd, std::string path, int64_t size);
  BlobReader(const BlobReader&) = delete;
  BlobReader& operator=(const BlobReader&) = delete;
  ~BlobReader();

  int64_t size() const { return size_; }
  /// Up to `length` bytes from `offset`; fewer only at the end.
  Result<std::string> read(int64_t offset, size_t length) const;

 private:
  friend class BlobWriter;
  int fd_;
  std::string path_;
  int64_t size_;
};

class Blobs {
 public:
  explicit Blobs(std::string directory);

  /// Makes the folders. Call once before the others.
  Status prepare();
  /// A new blob; the folder's entry is durable when it returns.
  Result<std::unique_ptr<BlobWriter>> create(const std::string& id);
  /// Goes on at the end of an incoming blob. kNotFound: there is none.
  Result<std::unique_ptr<BlobWriter>> resume(const std::string& id);
  Result<std::unique_ptr<BlobReader>> open(const std::string& id) const;
  /// Moves an incoming blob to its place; once is enough, again does no harm.
  Status settle(const std::string& id);
  /// Absent is OK.
  Status remove(const std::string& id);
  /// Ids that were not settled.
  Result<std::vector<std::string>> incoming() const;

 private:
  std::string incoming_path(const std::string& id) const;
  std::string settled_path(const std::string& id) const;

  std::string directory_;
};

}  // namespace thaw::store
