// SendQueue: bytes on their way into a stream that does not take them all at once.
//
// Thread: the loop's. Owner: the stream outlives each call. Limits: none; the owner looks at
// size().
#pragma once

#include <algorithm>
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
      if (moved.state == io::Transfer::State::kWouldBlock) {
        drop_sent();
        return State::kBlocked;
      }
      if (moved.state != io::Transfer::State::kMoved) return State::kBroken;
      sent_ += moved.bytes;
    }
    clear();
    return State::kEmpty;
  }
  /// Sends `parts` after what waits already; what the stream does not take is copied.
  State send(io::Stream& stream, std::span<const std::string_view> parts) {
    size_t skip = 0;  // bytes of `parts` that are sent
    if (empty()) {
      const io::Transfer moved = stream.write(parts);
      if (moved.state == io::Transfer::State::kBroken) return State::kBroken;
      skip = moved.bytes;
    }
    for (const std::string_view part : parts) {
      const size_t here = std::min(skip, part.size());
      skip -= here;
      bytes_ += part.substr(here);
    }
    return empty() ? State::kEmpty : flush(stream);
  }
  void clear() {
    sent_ = 0;
    // A large answer must not keep its memory for the life of an idle connection.
    if (bytes_.capacity() > kKeep) std::string().swap(bytes_);
    bytes_.clear();
  }

 private:
  /// Not with each piece: what waits behind is copied.
  void drop_sent() {
    if (sent_ < kWorthACopy || sent_ < bytes_.size() / 2) return;
    bytes_ = bytes_.substr(std::exchange(sent_, 0));
  }

  static constexpr size_t kWorthACopy = 64 << 10;
  static constexpr size_t kKeep = 4 << 10;
  std::string bytes_;
  size_t sent_ = 0;
};

}  // namespace thaw::http
