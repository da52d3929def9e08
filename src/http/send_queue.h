// SendQueue: bytes on their way into a stream that does not take them all at once.
//
// Thread: the loop's. Owner: the stream outlives each call. Limits: none; the owner looks at size().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "io/net.h"

namespace thaw::http {

class SendQueue {
 public:
  std::string& buffer() { return bytes_; }
  size_t size() const { return bytes_.size() - sent_; }
  bool empty() const { return size() == 0; }

  enum class State { kEmpty, kBlocked, kBroken };
  State flush(io::Stream& stream) {
    while (!empty()) {
      const std::string_view rest = std::string_view(bytes_).substr(sent_);
      const io::Transfer moved = stream.write(std::span(&rest, 1));
      if (moved.state == io::Transfer::State::kWouldBlock) return State::kBlocked;
      if (moved.state != io::Transfer::State::kMoved) return State::kBroken;
      sent_ += moved.bytes;
    }
    clear();
    return State::kEmpty;
  }
  void clear() {
    sent_ = 0;
    // A large answer must not keep its memory for the life of an idle connection.
    if (bytes_.capacity() > kKeep) std::string().swap(bytes_);
    bytes_.clear();
  }

 private:
  static constexpr size_t kKeep = 64 << 10;
  std::string bytes_;
  size_t sent_ = 0;
};

}  // namespace thaw::http
