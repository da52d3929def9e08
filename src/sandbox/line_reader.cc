#include "sandbox/line_reader.h"

#include <algorithm>

namespace thaw::sandbox {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

struct Sequence {
  size_t length;  // bytes of the character, or of the ill-formed part
  bool valid;
};

/// The range that a second byte must be in, by the Unicode standard's table 3-7.
struct Lead {
  size_t length;
  unsigned char low, high;
};

Lead lead_of(unsigned char byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte >= 0xC2 && byte <= 0xDF) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

/// The character, or the maximal subpart of an ill-formed one, at the start of `text`.
Sequence next_sequence(std::string_view text) {
  const Lead lead = lead_of(static_cast<unsigned char>(text[0]));
  if (lead.length == 0) return {1, false};
  for (size_t i = 1; i < lead.length; ++i) {
    if (i == text.size()) return {i, false};
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool fits = i == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0) == 0x80;
    if (!fits) return {i, false};
  }
  return {lead.length, true};
}

/// Length of the longest valid prefix.
size_t valid_prefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const Sequence sequence = next_sequence(text.substr(at));
    if (!sequence.valid) break;
    at += sequence.length;
  }
  return at;
}

/// Where to cut a full buffer so that no character is split: at most 3 bytes before its end.
size_t cut_position(std::string_view text) {
  const size_t size = text.size();
  for (size_t back = 1; back <= 3 && back < size; ++back) {
    const auto byte = static_cast<unsigned char>(text[size - back]);
    if ((byte & 0xC0) == 0x80) continue;
    return lead_of(byte).length > back ? size - back : size;
  }
  return size;
}

}  // namespace

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t good = valid_prefix(text);
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) break;
    out.append(kReplacement);
    text.remove_prefix(next_sequence(text).length);
  }
  return out;
}

void LineReader::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    const size_t length = std::min(end, bytes.size());
    if (end != std::string_view::npos && partial_.empty() && length <= kMaxLine) {
      emit(bytes.substr(0, length));
      bytes.remove_prefix(length + 1);
      continue;
    }
    const size_t taken = std::min(length, kMaxLine - partial_.size());
    partial_.append(bytes.substr(0, taken));
    bytes.remove_prefix(taken);
    if (taken == length && end != std::string_view::npos) {
      emit(partial_);
      partial_.clear();
      bytes.remove_prefix(1);
    } else if (partial_.size() == kMaxLine && !bytes.empty()) {
      cut();
    }
  }
}

void LineReader::finish() {
  if (!partial_.empty()) emit(partial_);
  partial_.clear();
}

void LineReader::cut() {
  const size_t at = cut_position(partial_);
  emit(std::string_view(partial_).substr(0, at));
  partial_.erase(0, at);
}

void LineReader::emit(std::string_view line) const {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (valid_prefix(line) == line.size()) {
    on_line_(line);
  } else {
    on_line_(to_valid_utf8(line));
  }
}

}  // namespace thaw::sandbox
