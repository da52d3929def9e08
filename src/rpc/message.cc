#include "rpc/message.h"

#include <fmt/format.h>

#include <utility>

namespace thaw::rpc {
namespace {

constexpr size_t kPrefix = 5;  // compressed or not, and the length
constexpr size_t kKept = 64 << 10;

}  // namespace

void MessageReader::add(std::string_view bytes) {
  if (taken_ == in_.size()) {
    if (in_.capacity() > kKept) std::string().swap(in_);
    in_.clear();
    taken_ = 0;
  } else if (taken_ > kKept) {
    in_.erase(0, taken_);
    taken_ = 0;
  }
  in_ += bytes;
}

Result<std::optional<std::string>> MessageReader::next() {
  const std::string_view rest = std::string_view(in_).substr(taken_);
  if (rest.size() < kPrefix) return std::optional<std::string>();
  if (rest[0] == 1) {
    return Error(Code::kInternal,
                 "a message is compressed, but no grpc-encoding was said; only identity is taken");
  }
  if (rest[0] != 0) return Error(Code::kInternal, "a message's first byte is neither 0 nor 1");
  size_t size = 0;
  for (size_t i = 1; i < kPrefix; ++i) size = size << 8 | static_cast<unsigned char>(rest[i]);
  if (size > most_) {
    return Error(Code::kResourceExhausted,
                 fmt::format("a message has {} bytes, more than {}", size, most_));
  }
  if (rest.size() < kPrefix + size) return std::optional<std::string>();
  if (rest.size() > kPrefix + size || size <= kKept) {
    taken_ += kPrefix + size;
    return std::optional<std::string>(rest.substr(kPrefix, size));
  }
  // All that is there: handed on as it lies, not held a second time.
  in_.erase(0, std::exchange(taken_, 0) + kPrefix);
  return std::optional(std::exchange(in_, {}));
}

void append_message(std::string& out, std::string_view message) {
  const auto size = static_cast<uint32_t>(message.size());
  out += '\0';
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift & 0xff);
  out += message;
}

}  // namespace thaw::rpc
