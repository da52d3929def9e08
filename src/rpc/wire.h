// WireReader and WireWriter: protobuf's wire format, a field at a time
// (protobuf.dev/programming-guides/encoding).
//
// **Thread**: any. **Owner**: what is read outlives the reader and the texts it gives.
// **Limits**: none of their own; nothing is read beyond the bytes given.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thaw::rpc {

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  /// Goes to the next field; false at the end, or where the bytes are no message.
  bool next();
  /// After next() said false: whether all was a message.
  bool is_whole() const { return state_ == State::kEnd; }

  /// 0: a field of a kind that nothing here has.
  uint32_t field() const { return field_; }
  /// Of a length-delimited field; "" of another.
  std::string_view bytes() const { return text_; }
  /// Likewise of a string: what is no UTF-8 makes the message malformed.
  std::string_view text();
  /// Of a varint field; 0 of another.
  int64_t number() const { return static_cast<int64_t>(number_); }
  /// Likewise of an int32: its lower half, as protobuf reads it.
  int64_t small_number() const { return static_cast<int32_t>(number_); }
  /// Appends a repeated int32, packed or not. False: malformed.
  bool small_numbers(std::vector<int64_t>& to) const;
  /// Likewise a repeated int64.
  bool numbers(std::vector<int64_t>& to) const;

 private:
  bool fail();
  bool varint(uint64_t& value);
  bool skip(size_t size);
  template <class Convert>
  bool repeated(std::vector<int64_t>& to, const Convert& convert) const;

  std::string_view rest_, text_;
  uint64_t number_ = 0;
  uint32_t field_ = 0;
  enum class State { kOpen, kEnd, kMalformed } state_ = State::kOpen;
};

class WireWriter {
 public:
  void reserve(size_t size) { out_.reserve(size); }

  /// Empty texts and zeros are left out, as proto3 does, but in maps and repeated fields.
  enum class Empty { kNot, kToo };
  void bytes(uint32_t field, std::string_view text, Empty empty = Empty::kNot);
  void number(uint32_t field, int64_t value);
  /// A fixed64, 0 too.
  void fixed(uint32_t field, uint64_t value);
  /// A repeated int64; none is left out.
  void packed(uint32_t field, std::span<const int64_t> values);
  /// A repeated float or double.
  template <std::floating_point T>
  void packed(uint32_t field, std::span<const T> values) {
    static_assert(std::endian::native == std::endian::little, "numbers are sent as they lie");
    bytes(field, {reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }

  /// What is written between begin() and end() is a message inside.
  struct Mark {
    size_t at;
  };
  Mark begin(uint32_t field);
  void end(Mark mark);

  std::string take() && { return std::move(out_); }

 private:
  void varint(uint64_t value);

  std::string out_;
};

}  // namespace thaw::rpc
