// The head of an HTTP/1 message: its parser, and what the head says about the body.
//
// Strict, because a proxy that reads a message differently from its neighbour lets requests be
// smuggled: no bare LF or CR, no folded lines, no NUL, no blank before a colon, one Host, one
// Content-Length, never both lengths. No I/O.
// Thread: any. Owner: views point into the buffer that was parsed. Limits: HeadLimits.
// Source: RFC 9112.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "http/header_id.h"

namespace thaw::http {

struct HeaderView {
  std::string_view name;
  std::string_view value;  // trimmed
  HeaderId id = HeaderId::kOther;
};

enum class Framing { kNone, kLength, kChunked, kUntilClose };

struct Head {
  std::vector<HeaderView> headers;
  int minor_version = 1;
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;  // for kLength
  bool keep_alive = true;       // what version and Connection say
  std::string_view upgrade;     // the protocols of Upgrade when Connection names it, else empty

  void clear();
  /// Null when absent; the first one otherwise.
  const HeaderView* find(std::string_view name) const;
  const HeaderView* find(HeaderId id) const;
};

struct RequestHead : Head {
  std::string_view method;
  std::string_view target;  // as sent
  std::string_view host;    // of an absolute target, or the Host header; empty in HTTP/1.0
  bool expects_continue = false;

  /// The target without scheme and host: begins with '/', or is "*".
  std::string_view origin_form() const;
};

struct ResponseHead : Head {
  int status = 0;
  std::string_view reason;
};

struct HeadLimits {
  size_t bytes = 64 << 10;
  size_t headers = 100;
  size_t target = 16 << 10;
};

/// Why a head is refused. For requests `status` is the answer: 400, 414, 431, 501 or 505.
struct HeadFault {
  int status = 400;
  std::string_view reason;
};

enum class ParseState { kNeedMore, kDone, kBad };

/// What both parsers share: finding the end of the head, line by line, without looking at a byte
/// twice however it arrives.
class HeadParser {
 public:
  explicit HeadParser(HeadLimits limits) : limits_(limits) {}

  /// Bytes of the head with its empty line; valid after kDone.
  size_t length() const { return end_; }
  const HeadFault& fault() const { return fault_; }

 protected:
  ParseState find_end(std::string_view buffer);
  ParseState bad(int status, std::string_view reason);
  bool check_headers(const Head& head);
  bool read_connection_and_length(Head& head);
  void reset_scan();

  HeadLimits limits_;
  size_t start_ = 0;  // after empty lines before the message
  size_t line_ = 0;   // where the line being read begins
  size_t lines_ = 0;
  size_t end_ = 0;
  HeadFault fault_;

 private:
  bool check_line(std::string_view buffer, size_t newline);
  bool read_length(Head& head, std::string_view value, bool& seen);
};

class RequestParser : public HeadParser {
 public:
  explicit RequestParser(HeadLimits limits = {}) : HeadParser(limits) {}
  /// `buffer` begins with the same bytes at each call until kDone or kBad; then reset().
  ParseState parse(std::string_view buffer);
  const RequestHead& head() const { return head_; }
  void reset();

 private:
  ParseState interpret();
  ParseState read_host();
  RequestHead head_;
};

class ResponseParser : public HeadParser {
 public:
  explicit ResponseParser(HeadLimits limits = {}) : HeadParser(limits) {}
  /// `to_head`: the request was HEAD, so no body follows whatever the head says.
  ParseState parse(std::string_view buffer, bool to_head);
  const ResponseHead& head() const { return head_; }
  void reset();

 private:
  ResponseHead head_;
};

}  // namespace thaw::http
