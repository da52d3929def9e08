#include "predict/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "predict/text.h"

namespace thaw::predict {

CsvReader::CsvReader(std::string_view text, Limits limits) : text_(text), limits_(limits) {
  if (text_.starts_with("\xef\xbb\xbf")) at_ = 3;
  // fields_ refers to these strings, so they must never move.
  unescaped_.reserve(limits_.fields);
}

Error CsvReader::fault(std::string_view what) const {
  return Error(Code::kInvalidArgument, fmt::format("line {}: {}", record_line_, what));
}

Error CsvReader::too_long() const {
  return fault(fmt::format("the line is longer than {} KiB", limits_.record_bytes >> 10));
}

/// Passes over one line end, of whichever kind, if there is one here.
bool CsvReader::end_line() {
  if (at_ >= text_.size() || (text_[at_] != '\n' && text_[at_] != '\r')) return false;
  if (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') ++at_;
  ++at_;
  ++line_;
  return true;
}

Status CsvReader::plain_field() {
  const size_t start = at_;
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ',' || c == '\n' || c == '\r') break;
    if (c == '"') {
      return fault(
          fmt::format("a quote in the middle of the value {}: put the whole value in "
                      "quotes and double the quotes in it",
                      quoted_value(text_.substr(start, at_ - start + 1))));
    }
    if (++at_ - record_start_ > limits_.record_bytes) break;
  }
  fields_.push_back(text_.substr(start, at_ - start));
  return {};
}

Status CsvReader::quoted_field() {
  const size_t start = ++at_;
  bool doubled = false;
  for (;; ++at_) {
    if (at_ >= text_.size()) return fault("a quoted value has no closing quote");
    if (at_ - record_start_ > limits_.record_bytes) return too_long();
    const char c = text_[at_];
    if (c == '\n' || (c == '\r' && text_.substr(at_ + 1, 1) != "\n")) ++line_;
    if (c != '"') continue;
    if (text_.substr(at_ + 1, 1) != "\"") break;
    doubled = true;
    ++at_;
  }
  const std::string_view raw = text_.substr(start, at_ - start);
  ++at_;
  if (doubled && unescaped_.size() < limits_.fields) {
    std::string& value = unescaped_.emplace_back();
    for (size_t i = 0; i < raw.size(); ++i) {
      value += raw[i];
      if (raw[i] == '"') ++i;
    }
    fields_.push_back(value);
  } else {
    fields_.push_back(raw);
  }
  if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
    return fault(fmt::format("text after the closing quote of {}", quoted_value(raw)));
  }
  return {};
}

Result<bool> CsvReader::next() {
  while (end_line()) {
  }
  fields_.clear();
  unescaped_.clear();
  record_line_ = line_;
  record_start_ = at_;
  if (at_ >= text_.size()) return false;
  for (;;) {
    const bool quoted = at_ < text_.size() && text_[at_] == '"';
    RETURN_IF_ERROR(quoted ? quoted_field() : plain_field());
    if (at_ - record_start_ > limits_.record_bytes) return too_long();
    if (at_ >= text_.size() || end_line()) return true;
    ++at_;  // the comma
    if (fields_.size() >= limits_.fields) {
      return fault(fmt::format("the line has more than {} values", limits_.fields));
    }
  }
}

std::string csv_field(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(value);
  std::string quoted = "\"";
  for (char c : value) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + '"';
}

}  // namespace thaw::predict
