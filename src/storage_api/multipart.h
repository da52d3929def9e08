// Multipart: takes a multipart/related or multipart/mixed body apart, piece by piece. Pure.
//
// Lenient where clients are: a boundary in single quotes, lines that end in a bare LF.
// **Thread**: any. **Owner**: value. **Limits**: a boundary of 200 characters, headers of a part
// 16 KiB, 200 parts; what leaves is at most as large as what came, and a boundary's length is held.
// Source: RFC 2046, 5.1.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/headers.h"

namespace thaw::storage_api {

/// The boundary of a Content-Type; nullopt when it has none or is no multipart.
std::optional<std::string> boundary_of(std::string_view content_type);

class MultipartReader {
 public:
  struct Events {
    std::function<Status(http::Headers headers)> on_part;
    std::function<Status(std::string_view content)> on_content;
    std::function<Status()> on_part_end;
  };
  MultipartReader(std::string_view boundary, Events events);

  /// kInvalidArgument: malformed; or what an event answered.
  Status add(std::string_view bytes);
  /// After the last bytes: whether the closing boundary came.
  Status end() const;

 private:
  enum class Phase { kPreamble, kHeaders, kContent, kEpilogue };
  Result<bool> step();
  Result<bool> take_content();
  Result<bool> take_headers();
  Status finish_boundary(size_t after);

  std::string delimiter_;  // "--boundary"
  Events events_;
  std::string held_;
  size_t parts_ = 0;
  Phase phase_ = Phase::kPreamble;
};

}  // namespace thaw::storage_api
