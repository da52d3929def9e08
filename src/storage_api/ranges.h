// Ranges of bytes as headers write them: Range of downloads, Content-Range of uploads. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: numbers up to 2^62.
// Source: RFC 9110, 14; Cloud Storage's "resumable uploads".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace thaw::storage_api {

/// What of `size` bytes is wanted: [begin, end).
struct Slice {
  enum class Kind { kAll, kPart, kNone } kind = Kind::kAll;  // kNone: 416
  int64_t begin = 0;
  int64_t end = 0;
};
/// One range; several, and what cannot be read, mean all, as RFC 9110 allows.
Slice parse_range(std::string_view header, int64_t size);

/// What a request of a resumable upload brings.
struct ContentRange {
  enum class Kind {
    kQuery,    // "bytes */TOTAL" or "bytes */*": no bytes, how far are we?
    kPart,     // "bytes A-B/TOTAL" or "bytes A-B/*"
    kToTheEnd  // "bytes A-*/*" or "bytes A-*/TOTAL": until the body ends, and that is the end
  } kind = Kind::kQuery;
  int64_t begin = 0;
  int64_t end = 0;  // of kPart: one after the last
  std::optional<int64_t> total;
};
/// kInvalidArgument says what is wrong with it.
Result<ContentRange> parse_content_range(std::string_view header);

/// A decimal number without sign, all of `text`.
std::optional<int64_t> parse_count(std::string_view text);

}  // namespace thaw::storage_api
