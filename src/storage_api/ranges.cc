#include "storage_api/ranges.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "http/text.h"

namespace thaw::storage_api {
namespace {

constexpr int64_t kMost = int64_t{1} << 62;

Error bad(std::string_view header, std::string_view why) {
  return {Code::kInvalidArgument,
          fmt::format("Content-Range '{}': {}", header.substr(0, 100), why)};
}

}  // namespace

std::optional<int64_t> parse_count(std::string_view text) {
  int64_t value = 0;
  if (text.empty() || text[0] == '-') return std::nullopt;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value > kMost) {
    return std::nullopt;
  }
  return value;
}

Slice parse_range(std::string_view header, int64_t size) {
  const Slice all{Slice::Kind::kAll, 0, size};
  header = http::trim(header);
  if (!http::equals_ignoring_case(header.substr(0, 6), "bytes=")) return all;
  header.remove_prefix(6);
  const size_t dash = header.find('-');
  if (dash == header.npos || header.find(',') != header.npos) return all;
  const std::string_view left = http::trim(header.substr(0, dash));
  const std::string_view right = http::trim(header.substr(dash + 1));
  if (left.empty()) {
    const auto last = parse_count(right);
    if (!last) return all;
    if (*last == 0 || size == 0) return {Slice::Kind::kNone, 0, 0};
    return {Slice::Kind::kPart, size - std::min(*last, size), size};
  }
  const auto begin = parse_count(left);
  const auto end = right.empty() ? std::optional(size - 1) : parse_count(right);
  if (!begin || !end || (!right.empty() && *end < *begin)) return all;
  if (*begin >= size) return {Slice::Kind::kNone, 0, 0};
  return {Slice::Kind::kPart, *begin, std::min(*end, size - 1) + 1};
}

Result<ContentRange> parse_content_range(std::string_view header) {
  std::string_view text = http::trim(header);
  if (!http::equals_ignoring_case(text.substr(0, 6), "bytes ")) {
    return bad(header, "'bytes FIRST-LAST/TOTAL' or 'bytes */TOTAL' is wanted");
  }
  text = http::trim(text.substr(6));
  const size_t slash = text.find('/');
  if (slash == text.npos) return bad(header, "the '/' before the total is missing");
  const std::string_view range = text.substr(0, slash);
  const std::string_view total = text.substr(slash + 1);
  ContentRange result;
  if (total != "*") {
    result.total = parse_count(total);
    if (!result.total) return bad(header, "the total is neither a number nor '*'");
  }
  if (range == "*") return result;
  const size_t dash = range.find('-');
  const auto begin = parse_count(range.substr(0, dash));
  if (dash == range.npos || !begin) return bad(header, "FIRST-LAST is no range");
  result.begin = *begin;
  if (range.substr(dash + 1) == "*") {
    result.kind = ContentRange::Kind::kToTheEnd;
    return result;
  }
  const auto last = parse_count(range.substr(dash + 1));
  if (!last || *last < *begin) return bad(header, "LAST is before FIRST, or no number");
  result.kind = ContentRange::Kind::kPart;
  result.end = *last + 1;
  if (result.total && result.end > *result.total) return bad(header, "it goes beyond the total");
  return result;
}

}  // namespace thaw::storage_api
