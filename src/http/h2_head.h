// H2HeadReader: the fields of one HTTP/2 header block become the head that HTTP/1 also has, under
// the same limits, so that whoever reads heads need not know which protocol they came by. No I/O.
//
// Thread: any. Owner: heads are views into the reader, until the next begin(). Limits: HeadLimits
// (a header counts with 32 bytes more than its text); what is over them is not kept.
// Source: RFC 9113, 8.2 and 8.3. Frames and the order of pseudo-headers are H2Session's business.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"
#include "http/headers.h"

namespace thaw::http {

class H2HeadReader {
 public:
  explicit H2HeadReader(HeadLimits limits) : limits_(limits) {}

  void begin();
  void add(std::string_view name, std::string_view value);

  enum class Body { kNone, kFollows };
  /// False: refused, fault() says why. The target is in origin form; crumbs of Cookie are joined.
  bool finish_request(Body body);
  bool finish_response(Body body);
  /// Fields that may not stand in trailers are left out. False: there are too many.
  bool finish_trailers(Headers& trailers);

  const RequestHead& request() const { return request_; }
  const ResponseHead& response() const { return response_; }
  const HeadFault& fault() const { return fault_; }

 private:
  struct Span {
    size_t name, name_size, value, value_size;
  };
  bool bad(int status, std::string_view reason);
  std::string_view view(size_t at, size_t size) const {
    return std::string_view(text_).substr(at, size);
  }
  std::string_view take_pseudo(std::string_view name) const;
  void join_cookies();
  bool read_headers(Head& head, Body body);
  bool read_host();

  HeadLimits limits_;
  std::string text_;
  std::vector<Span> pseudo_;
  std::vector<Span> fields_;
  size_t size_ = 0;
  bool too_large_ = false;
  RequestHead request_;
  ResponseHead response_;
  HeadFault fault_;
};

}  // namespace thaw::http
