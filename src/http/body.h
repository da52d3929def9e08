// BodyReader: takes the content of an HTTP/1 body out of its framing. No I/O.
//
// Thread: any. Owner: value; content views point into the input. Limits: a chunk's size line 1 KiB,
// the trailers 8 KiB in all (dropped unless kept). Source: RFC 9112, sections 6 and 7.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/head.h"

namespace thaw::http {

class BodyReader {
 public:
  BodyReader() : BodyReader(Framing::kNone, 0) {}
  BodyReader(Framing framing, uint64_t length);

  enum class State {
    kMore,     // all input was taken and more is needed
    kContent,  // `content` is a piece of the body
    kDone,     // the body is complete; the rest of the input belongs to the next message
    kBad,      // the framing is malformed
  };
  struct Step {
    State state;
    size_t consumed = 0;
    std::string_view content;
  };
  /// Call again with what is left of the input until kMore or kDone.
  Step next(std::string_view input);
  /// From now on the trailers' lines are also appended to `into`, which outlives this, each with
  /// its line end; parse_trailers() reads them.
  void keep_trailers(std::string& into) { trailers_ = &into; }
  bool is_done() const { return phase_ == Phase::kDone; }
  /// The connection ended: whether that is a proper end of this body.
  bool may_end_here() const { return phase_ == Phase::kDone || phase_ == Phase::kUntilClose; }

 private:
  enum class Phase {
    kData,
    kUntilClose,
    kSize,
    kExtension,
    kSizeLf,
    kDataCr,
    kDataLf,
    kTrailer,
    kDone,
    kBad
  };
  Step take_data(std::string_view input);
  Phase step(char c);
  Phase step_size(char c);
  Phase step_trailer(char c);

  Phase phase_;
  bool chunked_;
  uint64_t left_ = 0;  // of the data, or the chunk size read so far
  int digits_ = 0;     // of the chunk size
  uint32_t line_ = 0;  // bytes of the size line or of the trailers
  uint32_t trailer_line_ = 0;
  bool trailer_cr_ = false;
  std::string* trailers_ = nullptr;
};

/// Adds `content` to `out` as one chunk; empty content is left out, since it would be the end.
void append_chunk(std::string& out, std::string_view content);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace thaw::http
