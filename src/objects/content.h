// ContentWriter and ContentReader: an object's bytes between the loop and the disk, in constant
// memory: one piece at a time is under way each.
//
// **Thread**: the loop's; the blocking parts run on a carrier. **Owner**: the carrier and the blobs
// outlive them; dropping one lets a running job finish and calls nothing any more.
// **Limits**: as store/blobs.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "io/loop.h"
#include "io/worker.h"
#include "objects/checksums.h"
#include "store/blobs.h"

namespace thaw::objects {

/// What was written and is safe from power loss.
struct Content {
  std::string id;
  int64_t size = 0;
  Checksums checksums;
};

class ContentWriter {
 public:
  /// kWhatIsThere: goes on with the file as it is, which is read for its checksums.
  enum class From { kNothing, kWhatIsThere };
  /// `store`: while it lives the carrier does.
  ContentWriter(io::Loop& loop, io::Worker& carrier, store::Blobs& blobs, std::string id, From from,
                std::weak_ptr<int> store);
  /// Removes the file unless release() was called.
  ~ContentWriter();

  const std::string& id() const { return id_; }
  /// Bytes that are there, as of the last callback.
  int64_t size() const { return size_; }

  using Done = std::function<void(Status)>;
  /// One at a time. An error leaves what was there before.
  void append(std::string bytes, Done done);
  /// All that was appended survives power loss afterwards.
  void keep(Done done);
  /// Appends all of another content, without its checksums: finish_joined() is told them.
  void append_content(const std::string& id, Done done);
  /// keep(), and the checksums of all; nothing can be appended any more.
  void finish(std::function<void(Result<Content>)> done);
  /// The same after append_content().
  void finish_joined(uint32_t crc32c, std::function<void(Result<Content>)> done);
  /// The file stays: a row names it, or will.
  void release() { released_ = true; }

 private:
  struct State;
  void run(std::function<Status(State&)> job, Done done);

  io::Loop& loop_;
  io::Worker& carrier_;
  std::string id_;
  std::shared_ptr<State> state_;
  std::weak_ptr<int> store_;
  int64_t size_ = 0;
  bool busy_ = false;
  bool released_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

class ContentReader {
 public:
  ContentReader(io::Loop& loop, io::Worker& carrier, store::Blobs& blobs, std::string id);
  /// Up to `length` bytes from `offset`. One at a time. kNotFound: the content is gone.
  void read(int64_t offset, size_t length, std::function<void(Result<std::string>)> done);

 private:
  struct State;
  io::Loop& loop_;
  io::Worker& carrier_;
  std::shared_ptr<State> state_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace thaw::objects
