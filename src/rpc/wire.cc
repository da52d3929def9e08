#include "rpc/wire.h"

#include "base/utf8.h"

namespace thaw::rpc {
namespace {

enum Kind : uint32_t { kVarint = 0, kEight = 1, kLength = 2, kGroup = 3, kGroupEnd = 4, kFour = 5 };
constexpr uint64_t kLargestField = (1 << 29) - 1;

}  // namespace

bool WireReader::fail() {
  state_ = State::kMalformed;
  field_ = 0;
  return false;
}

bool WireReader::varint(uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < rest_.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    if (i == 9 && byte > 1) return false;
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    rest_.remove_prefix(i + 1);
    return true;
  }
  return false;
}

bool WireReader::skip(size_t size) {
  if (size > rest_.size()) return false;
  rest_.remove_prefix(size);
  return true;
}

bool WireReader::next() {
  if (state_ != State::kOpen) return false;
  text_ = {};
  number_ = 0;
  if (rest_.empty()) {
    state_ = State::kEnd;
    return false;
  }
  uint64_t tag = 0;
  if (!varint(tag) || tag >> 3 == 0 || tag >> 3 > kLargestField) return fail();
  field_ = static_cast<uint32_t>(tag >> 3);
  switch (static_cast<Kind>(tag & 7)) {
    case kVarint:
      return varint(number_) || fail();
    case kLength: {
      uint64_t size = 0;
      if (!varint(size) || size > rest_.size()) return fail();
      text_ = rest_.substr(0, size);
      rest_.remove_prefix(size);
      return true;
    }
    case kEight:
      field_ = 0;
      return skip(8) || fail();
    case kFour:
      field_ = 0;
      return skip(4) || fail();
    default:
      return fail();  // groups: proto2's, and no message here ever had one
  }
}

std::string_view WireReader::text() {
  if (!is_utf8(text_)) fail();
  return text_;
}

template <class Convert>
bool WireReader::repeated(std::vector<int64_t>& to, const Convert& convert) const {
  if (text_.data() == nullptr) {
    to.push_back(convert(number_));
    return true;
  }
  WireReader packed(text_);
  while (!packed.rest_.empty()) {
    if (!packed.varint(packed.number_)) return false;
    to.push_back(convert(packed.number_));
  }
  return true;
}

bool WireReader::small_numbers(std::vector<int64_t>& to) const {
  return repeated(to, [](uint64_t number) -> int64_t { return static_cast<int32_t>(number); });
}

bool WireReader::numbers(std::vector<int64_t>& to) const {
  return repeated(to, [](uint64_t number) { return static_cast<int64_t>(number); });
}

void WireWriter::varint(uint64_t value) {
  while (value >= 0x80) {
    out_ += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out_ += static_cast<char>(value);
}

void WireWriter::bytes(uint32_t field, std::string_view text, Empty empty) {
  if (text.empty() && empty == Empty::kNot) return;
  varint(field << 3 | kLength);
  varint(text.size());
  out_ += text;
}

void WireWriter::number(uint32_t field, int64_t value) {
  if (value == 0) return;
  varint(field << 3 | kVarint);
  varint(static_cast<uint64_t>(value));
}

void WireWriter::fixed(uint32_t field, uint64_t value) {
  varint(field << 3 | kEight);
  for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(value >> shift);
}

void WireWriter::packed(uint32_t field, std::span<const int64_t> values) {
  if (values.empty()) return;
  const Mark mark = begin(field);
  for (const int64_t value : values) varint(static_cast<uint64_t>(value));
  end(mark);
}

WireWriter::Mark WireWriter::begin(uint32_t field) {
  varint(field << 3 | kLength);
  out_ += '\0';  // its length, if that is short
  return {out_.size()};
}

void WireWriter::end(Mark mark) {
  uint64_t size = out_.size() - mark.at;
  if (size < 0x80) {
    out_[mark.at - 1] = static_cast<char>(size);
    return;
  }
  std::string length;
  for (; size >= 0x80; size >>= 7) length += static_cast<char>(size | 0x80);
  length += static_cast<char>(size);
  out_.replace(mark.at - 1, 1, length);
}

}  // namespace thaw::rpc
