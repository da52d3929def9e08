// MessageReader: takes gRPC messages out of a body. Pure.
//
// Thread: any. Owner: value. Limits: a message over `most` bytes is refused before it is held, and
// held no more once it is handed out, but for 64 KiB;
// compressed ones are refused, since no encoding but identity is offered.
// Source: gRPC over HTTP/2, "Length-Prefixed-Message".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thaw::rpc {

class MessageReader {
 public:
  explicit MessageReader(size_t most) : most_(most) {}

  void add(std::string_view bytes);
  /// nullopt: more bytes are needed. Errors end the call: kResourceExhausted (too large),
  /// kInternal (compressed without an encoding, or malformed).
  Result<std::optional<std::string>> next();
  /// Between two messages: where a body may end.
  bool is_clean() const { return taken_ == in_.size(); }
  /// Bytes that are not handed out yet.
  size_t size() const { return in_.size() - taken_; }
  /// Bytes of memory that it takes.
  size_t held() const { return in_.capacity(); }

 private:
  size_t most_;
  std::string in_;
  size_t taken_ = 0;  // of in_
};

/// `message` with its prefix.
void append_message(std::string& out, std::string_view message);

}  // namespace thaw::rpc
