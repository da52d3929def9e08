// LineReader: the bytes that a program prints, as lines of valid UTF-8.
//
// Not for reading: who owns the stream feeds it. Thread: any one. Owner: values.
// Limits: holds at most kMaxLine bytes; a longer line comes in pieces of that size, cut between
// characters.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace thaw::sandbox {

class LineReader {
 public:
  static constexpr size_t kMaxLine = 64 << 10;

  /// Gets a line without its "\n" or "\r\n"; bytes that are no UTF-8 come as U+FFFD, as the Unicode
  /// standard advises (one per maximal subpart, 3.9, table 3-8).
  using OnLine = std::function<void(std::string_view line)>;

  explicit LineReader(OnLine on_line) : on_line_(std::move(on_line)) {}

  void feed(std::string_view bytes);
  /// Delivers a last line that has no end. The reader is as new afterwards.
  void finish();

 private:
  void cut();
  void emit(std::string_view line) const;

  OnLine on_line_;
  std::string partial_;
};

/// `text` with every ill-formed part replaced by U+FFFD.
std::string to_valid_utf8(std::string_view text);

}  // namespace thaw::sandbox
