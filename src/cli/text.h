// Text for people: colours, columns, wrapping, and making foreign text safe for a terminal.
//
// Thread: any. Owner: values. Limits: every code point counts as one column; wide East Asian
// characters and combining marks shift the columns after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::cli {

/// Wraps text into colour sequences, or leaves it as it is.
class Style {
 public:
  enum class Colour { kOff, kOn };
  explicit Style(Colour colour) : on_(colour == Colour::kOn) {}

  bool on() const { return on_; }
  std::string bold(std::string_view text) const { return wrap("1", text); }
  std::string dim(std::string_view text) const { return wrap("2", text); }
  std::string red(std::string_view text) const { return wrap("31", text); }
  std::string green(std::string_view text) const { return wrap("32", text); }
  std::string yellow(std::string_view text) const { return wrap("33", text); }

 private:
  std::string wrap(std::string_view code, std::string_view text) const;
  bool on_;
};

/// Columns that `text` takes; colour sequences of Style take none.
size_t columns_of(std::string_view text);

/// At most `columns` columns, the last one an ellipsis when something was cut. Not for text with
/// colour sequences.
std::string cut_to(std::string_view text, size_t columns);

/// Lines of at most `columns` columns, broken at blanks; a longer word stands alone on its line.
/// Line breaks in `text` are kept.
std::vector<std::string> wrap_lines(std::string_view text, size_t columns);

enum class Keep { kNothing, kLinesAndTabs };
/// Foreign text made harmless on a terminal: control characters, the C1 set, bidirectional
/// overrides and bytes that are no UTF-8 come out as \x1b, \u202e.
std::string escape_controls(std::string_view text, Keep keep);

/// "3 s ago", "5 min ago", "2 h ago", "4 d ago".
std::string format_age(double seconds);

/// "1 instance", "2 instances".
std::string count_of(int64_t number, std::string_view thing);

}  // namespace thaw::cli
