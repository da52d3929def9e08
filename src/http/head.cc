#include "http/head.h"

#include <llhttp.h>

#include <algorithm>
#include <charconv>

#include "http/text.h"

namespace thaw::http {
namespace {

/// What llhttp's callbacks write to.
struct Target {
  Head* head;
  std::string_view* line;  // the request's target or the response's reason
  bool complete = false;
};

Target& target_of(llhttp_t* parser) { return *static_cast<Target*>(parser->data); }

/// Pieces of one span follow each other in one buffer.
void extend(std::string_view& view, const char* at, size_t length) {
  if (view.empty()) view = {at, 0};
  view = {view.data(), static_cast<size_t>(at + length - view.data())};
}

int on_line(llhttp_t* parser, const char* at, size_t length) {
  extend(*target_of(parser).line, at, length);
  return 0;
}

int on_field(llhttp_t* parser, const char* at, size_t length) {
  target_of(parser).head->headers.push_back({{at, length}, {}});
  return 0;
}

int on_value(llhttp_t* parser, const char* at, size_t length) {
  extend(target_of(parser).head->headers.back().value, at, length);
  return 0;
}

int on_complete(llhttp_t* parser) {
  target_of(parser).complete = true;
  return 1;  // the body is not llhttp's business
}

llhttp_settings_t make_settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = on_line;
  settings.on_status = on_line;
  settings.on_header_field = on_field;
  settings.on_header_value = on_value;
  settings.on_headers_complete = on_complete;
  return settings;
}

/// Feeds one whole head to llhttp.
bool run(llhttp_t& parser, llhttp_type_t type, Target& target, std::string_view text) {
  static const llhttp_settings_t settings = make_settings();
  llhttp_init(&parser, type, &settings);
  parser.data = &target;
  llhttp_execute(&parser, text.data(), text.size());
  for (HeaderView& header : target.head->headers) {
    header.value = trim(header.value);
    header.id = header_id(header.name);
  }
  return target.complete;
}

HeadFault request_fault(const llhttp_t& parser, std::string_view line) {
  switch (parser.error) {
    case HPE_INVALID_METHOD:
      if (!is_token(line.substr(0, line.find(' '))) || line.find(" HTTP/") == line.npos) {
        return {400, "the request line is malformed"};
      }
      return {501, "the method is not known"};
    case HPE_INVALID_VERSION:
      return {505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
    case HPE_INVALID_URL:
      return {400, "the target is malformed"};
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      return {400, "Content-Length is malformed or not the only length"};
    case HPE_INVALID_TRANSFER_ENCODING:
      return {400, "Transfer-Encoding is malformed"};
    case HPE_INVALID_HEADER_TOKEN:
      return {400, "a header is malformed"};
    default:
      return {400, "the request is malformed"};
  }
}

/// What stands behind "http://" in an absolute target; empty when it is none.
std::string_view after_scheme(std::string_view target) {
  const size_t scheme = target.find("://");
  if (target.empty() || target[0] == '/' || scheme == std::string_view::npos) return {};
  return target.substr(scheme + 3);
}

}  // namespace

void Head::clear() {
  headers.clear();
  minor_version = 1;
  framing = Framing::kNone;
  content_length = 0;
  keep_alive = true;
  upgrade = {};
}

const HeaderView* Head::find(std::string_view name) const {
  for (const HeaderView& header : headers) {
    if (equals_ignoring_case(header.name, name)) return &header;
  }
  return nullptr;
}

const HeaderView* Head::find(HeaderId id) const {
  for (const HeaderView& header : headers) {
    if (header.id == id) return &header;
  }
  return nullptr;
}

std::string_view RequestHead::origin_form() const {
  const std::string_view rest = after_scheme(target);
  if (rest.empty()) return target;
  const size_t path = rest.find_first_of("/?");
  if (path == std::string_view::npos) return "/";
  return rest.substr(path);  // "?a=b" without a path is mended by the writer
}

ParseState HeadParser::bad(int status, std::string_view reason) {
  fault_ = {status, reason};
  return ParseState::kBad;
}

void HeadParser::reset_scan() { start_ = line_ = lines_ = end_ = 0; }

ParseState HeadParser::find_end(std::string_view buffer) {
  for (;;) {
    const size_t newline = buffer.find('\n', std::max(line_, end_));
    if (newline == std::string_view::npos) {
      end_ = buffer.size();  // how far was looked
      if (buffer.size() - start_ > limits_.bytes) return bad(431, "the head is too large");
      if (lines_ == 0 && buffer.size() - start_ > limits_.target + 64) {
        return bad(414, "the target is too long");
      }
      return ParseState::kNeedMore;
    }
    if (newline - start_ >= limits_.bytes) return bad(431, "the head is too large");
    if (newline == line_ || buffer[newline - 1] != '\r') return bad(400, "a line ends without CR");
    const bool is_empty = newline == line_ + 1;
    if (!is_empty && !check_line(buffer, newline)) return ParseState::kBad;
    line_ = newline + 1;
    end_ = line_;
    if (is_empty && lines_ > 0) return ParseState::kDone;
    if (is_empty) {
      // RFC 9112, 2.2: an empty line before a request is ignored; a stream of them is not.
      start_ = line_;
      if (start_ > 8) return bad(400, "empty lines instead of a request");
    } else {
      ++lines_;
    }
  }
}

bool HeadParser::check_line(std::string_view buffer, size_t newline) {
  if (buffer[line_] == ' ' || buffer[line_] == '\t') {
    bad(400, lines_ == 0 ? "the first line begins with a blank" : "a header is folded");
    return false;
  }
  if (lines_ == 0 && newline - line_ > limits_.target + 64) {
    bad(414, "the target is too long");
    return false;
  }
  if (lines_ > limits_.headers) {
    bad(431, "there are too many headers");
    return false;
  }
  return true;
}

bool HeadParser::check_headers(const Head& head) {
  for (const HeaderView& header : head.headers) {
    if (!is_token(header.name)) {
      bad(400, "a header's name is malformed");
      return false;
    }
    if (!is_field_value(header.value)) {
      bad(400, "a header's value has a control character");
      return false;
    }
  }
  return true;
}

bool HeadParser::read_length(Head& head, std::string_view value, bool& seen) {
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), head.content_length);
  const bool is_number = error == std::errc() && end == value.data() + value.size();
  if (seen || !is_number || value[0] == '-') {
    bad(400, seen ? "there are two Content-Length headers" : "Content-Length is no number");
    return false;
  }
  seen = true;
  return true;
}

bool HeadParser::read_connection_and_length(Head& head) {
  bool has_length = false;
  bool is_chunked = false;
  bool says_close = false;
  bool says_keep_alive = false;
  bool names_upgrade = false;
  for (const HeaderView& header : head.headers) {
    switch (header.id) {
      case HeaderId::kContentLength:
        if (!read_length(head, header.value, has_length)) return false;
        break;
      case HeaderId::kTransferEncoding:
        if (is_chunked || !equals_ignoring_case(header.value, "chunked")) {
          bad(501, "the only Transfer-Encoding known here is chunked");
          return false;
        }
        is_chunked = true;
        break;
      case HeaderId::kConnection:
        says_close = says_close || list_has(header.value, "close");
        says_keep_alive = says_keep_alive || list_has(header.value, "keep-alive");
        names_upgrade = names_upgrade || list_has(header.value, "upgrade");
        break;
      default:
        break;
    }
  }
  if (is_chunked && (has_length || head.minor_version == 0)) {
    bad(400, has_length ? "both Content-Length and Transfer-Encoding are given"
                        : "HTTP/1.0 has no Transfer-Encoding");
    return false;
  }
  head.framing = is_chunked ? Framing::kChunked : has_length ? Framing::kLength : Framing::kNone;
  head.keep_alive = !says_close && (head.minor_version == 1 || says_keep_alive);
  if (names_upgrade) {
    if (const HeaderView* upgrade = head.find(HeaderId::kUpgrade)) head.upgrade = upgrade->value;
  }
  return true;
}

void RequestParser::reset() {
  reset_scan();
  head_.clear();
  head_.method = head_.target = head_.host = {};
  head_.expects_continue = false;
}

ParseState RequestParser::parse(std::string_view buffer) {
  if (const ParseState state = find_end(buffer); state != ParseState::kDone) return state;
  const std::string_view text = buffer.substr(start_, end_ - start_);
  Target target{&head_, &head_.target};
  llhttp_t parser;
  const std::string_view line = text.substr(0, text.find('\r'));
  if (!run(parser, HTTP_REQUEST, target, text)) {
    fault_ = request_fault(parser, line);
    return ParseState::kBad;
  }
  if (parser.http_major != 1 || parser.http_minor > 1) {
    return bad(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (head_.target.size() > limits_.target) return bad(414, "the target is too long");
  head_.minor_version = parser.http_minor;
  head_.method = line.substr(0, line.find(' '));
  return interpret();
}

ParseState RequestParser::interpret() {
  if (head_.method == "CONNECT") return bad(501, "tunnels are not made here");
  if (!is_target(head_.target)) return bad(400, "the target has a control character");
  if (!check_headers(head_) || !read_connection_and_length(head_)) return ParseState::kBad;
  if (const HeaderView* expect = head_.find(HeaderId::kExpect)) {
    if (!equals_ignoring_case(expect->value, "100-continue")) {
      return bad(417, "the only expectation known here is 100-continue");
    }
    head_.expects_continue = head_.minor_version == 1 && head_.framing != Framing::kNone;
  }
  return read_host();
}

ParseState RequestParser::read_host() {
  int count = 0;
  for (const HeaderView& header : head_.headers) {
    if (header.id != HeaderId::kHost) continue;
    head_.host = header.value;
    ++count;
  }
  if (count > 1) return bad(400, "there are two Host headers");
  if (count == 0 && head_.minor_version == 1) return bad(400, "the Host header is missing");
  if (const std::string_view rest = after_scheme(head_.target); !rest.empty()) {
    head_.host = rest.substr(0, rest.find_first_of("/?#"));
  }
  if (!is_host(head_.host)) return bad(400, "the host is malformed");
  return ParseState::kDone;
}

void ResponseParser::reset() {
  reset_scan();
  head_.clear();
  head_.status = 0;
  head_.reason = {};
}

ParseState ResponseParser::parse(std::string_view buffer, bool to_head) {
  if (const ParseState state = find_end(buffer); state != ParseState::kDone) return state;
  const std::string_view text = buffer.substr(start_, end_ - start_);
  Target target{&head_, &head_.reason};
  llhttp_t parser;
  if (!run(parser, HTTP_RESPONSE, target, text)) return bad(502, "the response is malformed");
  if (parser.http_major != 1 || parser.http_minor > 1) {
    return bad(502, "the response's version is neither HTTP/1.0 nor HTTP/1.1");
  }
  head_.minor_version = parser.http_minor;
  head_.status = parser.status_code;
  if (head_.status < 100 || head_.status > 999) return bad(502, "the status is no status");
  if (!check_headers(head_) || !read_connection_and_length(head_)) return ParseState::kBad;
  const bool has_no_body =
      to_head || head_.status < 200 || head_.status == 204 || head_.status == 304;
  if (has_no_body) {
    head_.framing = Framing::kNone;
  } else if (head_.framing == Framing::kNone) {
    head_.framing = Framing::kUntilClose;
    head_.keep_alive = false;
  }
  return ParseState::kDone;
}

}  // namespace thaw::http
