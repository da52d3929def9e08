#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace thaw::cli {
namespace {

struct CodePoint {
  uint32_t value = 0;
  size_t bytes = 1;
  bool valid = false;
};

/// The code point at the start of `text`, which is not empty.
CodePoint decode(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1, true};
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return {first, 1, false};
  uint32_t value = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {first, 1, false};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return {first, 1, false};
  return {value, length, true};
}

bool is_control(uint32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }
bool is_bidi_override(uint32_t c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

/// Bytes of the colour sequence at the start of `text`, or 0.
size_t colour_sequence(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const size_t end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

}  // namespace

std::string Style::wrap(std::string_view code, std::string_view text) const {
  if (!on_ || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", code, text);
}

size_t columns_of(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    size_t bytes = colour_sequence(text);
    if (bytes == 0) {
      bytes = decode(text).bytes;
      ++columns;
    }
    text.remove_prefix(bytes);
  }
  return columns;
}

std::string cut_to(std::string_view text, size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  size_t end = 0;
  for (size_t column = 0; column + 1 < columns; ++column) end += decode(text.substr(end)).bytes;
  return std::string(text.substr(0, end)) + "…";
}

std::vector<std::string> wrap_lines(std::string_view text, size_t columns) {
  std::vector<std::string> lines;
  while (true) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view paragraph = text.substr(0, end);
    std::string line;
    while (!paragraph.empty()) {
      const size_t blanks = std::min(paragraph.find_first_not_of(' '), paragraph.size());
      const size_t word_end = std::min(paragraph.find(' ', blanks), paragraph.size());
      const std::string_view word = paragraph.substr(blanks, word_end - blanks);
      const bool begins_line = columns_of(line) == 0;
      if (!begins_line && columns_of(line) + blanks + columns_of(word) > columns) {
        lines.push_back(std::exchange(line, std::string(word)));
      } else if (!word.empty()) {
        line += paragraph.substr(0, word_end);
      }
      paragraph.remove_prefix(word_end);
    }
    lines.push_back(std::move(line));
    if (end == text.size()) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string escape_controls(std::string_view text, Keep keep) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const CodePoint c = decode(text);
    const bool kept = keep == Keep::kLinesAndTabs && (c.value == '\n' || c.value == '\t');
    if (!c.valid || (is_control(c.value) && !kept)) {
      safe += fmt::format("\\x{:02x}", c.value);
    } else if (is_bidi_override(c.value)) {
      safe += fmt::format("\\u{:04x}", c.value);
    } else {
      safe += text.substr(0, c.bytes);
    }
    text.remove_prefix(c.bytes);
  }
  return safe;
}

std::string format_age(double seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 60) return fmt::format("{} s ago", static_cast<int64_t>(seconds));
  if (seconds < 3600) return fmt::format("{} min ago", static_cast<int64_t>(seconds / 60));
  if (seconds < 48 * 3600) return fmt::format("{} h ago", static_cast<int64_t>(seconds / 3600));
  return fmt::format("{} d ago", static_cast<int64_t>(seconds / 86400));
}

std::string count_of(int64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

}  // namespace thaw::cli
