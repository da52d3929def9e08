#include "http/body.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace thaw::http {
namespace {

constexpr uint32_t kMaxSizeLine = 1 << 10;
constexpr uint32_t kMaxTrailers = 8 << 10;
constexpr int kMaxSizeDigits = 15;  // 2^60 bytes

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const int letter = (c | 0x20) - 'a';
  return letter >= 0 && letter < 6 ? letter + 10 : -1;
}

}  // namespace

BodyReader::BodyReader(Framing framing, uint64_t length)
    : phase_(Phase::kDone), chunked_(framing == Framing::kChunked), left_(length) {
  if (framing == Framing::kLength && length > 0) phase_ = Phase::kData;
  if (framing == Framing::kUntilClose) phase_ = Phase::kUntilClose;
  if (chunked_) {
    phase_ = Phase::kSize;
    left_ = 0;
  }
}

BodyReader::Step BodyReader::take_data(std::string_view input) {
  if (phase_ == Phase::kUntilClose) return {State::kContent, input.size(), input};
  const auto size = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
  left_ -= size;
  if (left_ == 0) phase_ = chunked_ ? Phase::kDataCr : Phase::kDone;
  return {State::kContent, size, input.substr(0, size)};
}

BodyReader::Step BodyReader::next(std::string_view input) {
  size_t used = 0;
  for (;;) {
    if (phase_ == Phase::kDone) return {State::kDone, used, {}};
    if (phase_ == Phase::kBad) return {State::kBad, used, {}};
    if (used == input.size()) return {State::kMore, used, {}};
    if (phase_ == Phase::kData || phase_ == Phase::kUntilClose) {
      Step step = take_data(input.substr(used));
      step.consumed += used;
      return step;
    }
    phase_ = step(input[used++]);
  }
}

BodyReader::Phase BodyReader::step(char c) {
  switch (phase_) {
    case Phase::kSize:
      return step_size(c);
    case Phase::kExtension:
      // Extensions mean nothing to anybody here; they are dropped.
      if (++line_ > kMaxSizeLine || c == '\n' || c == '\0') return Phase::kBad;
      return c == '\r' ? Phase::kSizeLf : Phase::kExtension;
    case Phase::kSizeLf:
      if (c != '\n') return Phase::kBad;
      digits_ = 0;
      line_ = 0;
      return left_ > 0 ? Phase::kData : Phase::kTrailer;
    case Phase::kDataCr:
      return c == '\r' ? Phase::kDataLf : Phase::kBad;
    case Phase::kDataLf:
      return c == '\n' ? Phase::kSize : Phase::kBad;
    case Phase::kTrailer:
      return step_trailer(c);
    default:
      return Phase::kBad;
  }
}

BodyReader::Phase BodyReader::step_size(char c) {
  const int digit = hex_digit(c);
  if (digit >= 0) {
    if (++digits_ > kMaxSizeDigits) return Phase::kBad;
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return Phase::kSize;
  }
  if (digits_ == 0) return Phase::kBad;
  if (c == '\r') return Phase::kSizeLf;
  return c == ';' ? Phase::kExtension : Phase::kBad;
}

BodyReader::Phase BodyReader::step_trailer(char c) {
  if (++line_ > kMaxTrailers || c == '\0') return Phase::kBad;
  if (trailers_ != nullptr) *trailers_ += c;
  if (trailer_cr_) {
    if (c != '\n') return Phase::kBad;
    trailer_cr_ = false;
    const bool is_empty = trailer_line_ == 0;
    trailer_line_ = 0;
    return is_empty ? Phase::kDone : Phase::kTrailer;
  }
  if (c == '\n') return Phase::kBad;
  if (c == '\r') {
    trailer_cr_ = true;
  } else {
    ++trailer_line_;
  }
  return Phase::kTrailer;
}

void append_chunk(std::string& out, std::string_view content) {
  if (content.empty()) return;
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", content.size());
  out += content;
  out += "\r\n";
}

}  // namespace thaw::http
