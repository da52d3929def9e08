#include "storage_api/multipart.h"

#include "http/text.h"

namespace thaw::storage_api {
namespace {

constexpr size_t kLongestBoundary = 200;
constexpr size_t kLargestHeaders = 16 << 10;
constexpr size_t kMostParts = 200;

Error bad(std::string_view why) {
  return {Code::kInvalidArgument, "The multipart body is malformed: " + std::string(why)};
}

std::string_view unquoted(std::string_view text) {
  if (text.size() >= 2 && (text[0] == '"' || text[0] == '\'') && text.back() == text[0]) {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

}  // namespace

std::optional<std::string> boundary_of(std::string_view content_type) {
  size_t semicolon = content_type.find(';');
  const std::string_view type = http::trim(content_type.substr(0, semicolon));
  if (!http::equals_ignoring_case(type.substr(0, 10), "multipart/")) return std::nullopt;
  while (semicolon != content_type.npos) {
    content_type.remove_prefix(semicolon + 1);
    const std::string_view parameter = http::trim(content_type);
    if (http::equals_ignoring_case(parameter.substr(0, 9), "boundary=")) {
      std::string_view value = parameter.substr(9);
      // A quoted one may hold ';'.
      const bool is_quoted = value.starts_with('"') || value.starts_with('\'');
      const size_t end = is_quoted ? value.find(value[0], 1) : value.find(';');
      if (is_quoted && end == value.npos) return std::nullopt;
      value = value.substr(0, end == value.npos ? end : end + (is_quoted ? 1 : 0));
      value = unquoted(http::trim(value));
      if (value.empty() || value.size() > kLongestBoundary) return std::nullopt;
      return std::string(value);
    }
    semicolon = content_type.find(';');
  }
  return std::nullopt;
}

MultipartReader::MultipartReader(std::string_view boundary, Events events)
    : delimiter_("--" + std::string(boundary)),
      events_(std::move(events)),
      held_("\n") {}  // as if a line ended before the first boundary

Status MultipartReader::add(std::string_view bytes) {
  if (phase_ == Phase::kEpilogue) return {};
  held_ += bytes;
  for (bool more = true; more;) {
    ASSIGN_OR_RETURN(more, step());
  }
  return {};
}

Status MultipartReader::end() const {
  if (phase_ == Phase::kEpilogue) return {};
  return bad("the closing boundary '" + delimiter_ + "--' is missing");
}

Result<bool> MultipartReader::step() {
  switch (phase_) {
    case Phase::kPreamble:
    case Phase::kContent:
      return take_content();
    case Phase::kHeaders:
      return take_headers();
    case Phase::kEpilogue:
      held_.clear();
      return false;
  }
  return false;
}

/// Content up to the next boundary at a line's beginning; the line end before it is the boundary's.
Result<bool> MultipartReader::take_content() {
  const std::string mark = "\n" + delimiter_;
  const size_t at = held_.find(mark);
  const bool found = at != std::string::npos;
  // Without a boundary, what may be the beginning of one stays: CR, LF and the delimiter.
  const size_t keep = mark.size() + 1;
  size_t content = found ? at : (held_.size() > keep ? held_.size() - keep : 0);
  if (found && content > 0 && held_[content - 1] == '\r') --content;
  // The line after a boundary must be whole to be understood.
  const size_t after = at + mark.size();
  const size_t line_end = found ? held_.find('\n', after) : std::string::npos;
  const bool closes = found && held_.compare(after, 2, "--") == 0;
  if (found && !closes && line_end == std::string::npos) {
    if (held_.size() - after > kLargestHeaders) return bad("the line of a boundary does not end");
    return false;
  }
  if (phase_ == Phase::kContent && content > 0) {
    RETURN_IF_ERROR(events_.on_content(std::string_view(held_).substr(0, content)));
  }
  if (!found) {
    held_.erase(0, content);
    return false;
  }
  if (phase_ == Phase::kContent) RETURN_IF_ERROR(events_.on_part_end());
  if (closes) {
    phase_ = Phase::kEpilogue;
    return true;
  }
  const std::string_view rest = std::string_view(held_).substr(after, line_end - after);
  if (!http::trim(rest.ends_with('\r') ? rest.substr(0, rest.size() - 1) : rest).empty()) {
    return bad("something stands behind a boundary");
  }
  if (++parts_ > kMostParts) return bad("over 200 parts");
  held_.erase(0, line_end + 1);
  phase_ = Phase::kHeaders;
  return true;
}

Result<bool> MultipartReader::take_headers() {
  http::Headers headers;
  size_t at = 0;
  for (;;) {
    const size_t end = held_.find('\n', at);
    if (end == std::string::npos) {
      if (held_.size() > kLargestHeaders) return bad("a part has over 16 KiB of headers");
      return false;
    }
    std::string_view line = std::string_view(held_).substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    at = end + 1;
    if (line.empty()) break;
    if (at > kLargestHeaders) return bad("a part has over 16 KiB of headers");
    const size_t colon = line.find(':');
    if (colon == line.npos || !http::is_token(line.substr(0, colon))) {
      return bad("a part's header has no name");
    }
    headers.add(std::string(line.substr(0, colon)),
                std::string(http::trim(line.substr(colon + 1))));
  }
  held_.erase(0, at);
  phase_ = Phase::kContent;
  RETURN_IF_ERROR(events_.on_part(std::move(headers)));
  return true;
}

}  // namespace thaw::storage_api
