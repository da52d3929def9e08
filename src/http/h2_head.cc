#include "http/h2_head.h"

#include <algorithm>
#include <charconv>

#include "http/text.h"
#include "http/trailers.h"

namespace thaw::http {
namespace {

constexpr size_t kFieldOverhead = 32;  // as SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113, 6.5.2)

}  // namespace

void H2HeadReader::begin() {
  text_.clear();
  pseudo_.clear();
  fields_.clear();
  size_ = 0;
  too_large_ = false;
  fault_ = {};
}

void H2HeadReader::add(std::string_view name, std::string_view value) {
  size_ += name.size() + value.size() + kFieldOverhead;
  too_large_ = too_large_ || size_ > limits_.bytes + limits_.headers * kFieldOverhead ||
               fields_.size() > limits_.headers;
  if (too_large_) return;
  const Span span{text_.size(), name.size(), text_.size() + name.size(), value.size()};
  text_ += name;
  text_ += value;
  (name.starts_with(':') ? pseudo_ : fields_).push_back(span);
}

bool H2HeadReader::bad(int status, std::string_view reason) {
  fault_ = {status, reason};
  return false;
}

std::string_view H2HeadReader::take_pseudo(std::string_view name) const {
  for (const Span& span : pseudo_) {
    if (view(span.name, span.name_size) == name) return view(span.value, span.value_size);
  }
  return {};
}

/// RFC 9113, 8.2.3: for HTTP/1 they are one header.
void H2HeadReader::join_cookies() {
  const auto is_cookie = [this](const Span& s) { return view(s.name, s.name_size) == "cookie"; };
  if (std::count_if(fields_.begin(), fields_.end(), is_cookie) < 2) return;
  std::string all;
  for (const Span& span : fields_) {
    if (!is_cookie(span)) continue;
    if (!all.empty()) all += "; ";
    all += view(span.value, span.value_size);
  }
  const auto first = std::find_if(fields_.begin(), fields_.end(), is_cookie);
  fields_.erase(std::remove_if(first + 1, fields_.end(), is_cookie), fields_.end());
  first->value = text_.size();
  first->value_size = all.size();
  text_ += all;
}

bool H2HeadReader::read_headers(Head& head, Body body) {
  head.clear();
  if (too_large_ || fields_.size() > limits_.headers) return bad(431, "the head is too large");
  bool has_length = false;
  for (const Span& span : fields_) {
    const HeaderView header{view(span.name, span.name_size),
                            trim(view(span.value, span.value_size)), HeaderId::kOther};
    if (!is_token(header.name)) return bad(400, "a header's name is malformed");
    if (!is_field_value(header.value)) {
      return bad(400, "a header's value has a control character");
    }
    head.headers.push_back(header);
    HeaderView& kept = head.headers.back();
    kept.id = header_id(kept.name);
    switch (kept.id) {
      case HeaderId::kContentLength: {
        const char* const end = kept.value.data() + kept.value.size();
        const auto [stop, error] = std::from_chars(kept.value.data(), end, head.content_length);
        if (has_length) return bad(400, "there are two Content-Length headers");
        if (error != std::errc() || stop != end) return bad(400, "Content-Length is no number");
        has_length = true;
        break;
      }
      case HeaderId::kConnection:
      case HeaderId::kTransferEncoding:
      case HeaderId::kUpgrade:
      case HeaderId::kKeepAlive:
      case HeaderId::kProxyConnection:
        return bad(400, "HTTP/2 knows no headers of a connection");
      default:
        break;
    }
  }
  if (has_length) {
    head.framing = Framing::kLength;
  } else if (body == Body::kFollows) {
    head.framing = Framing::kChunked;
  }
  return true;
}

bool H2HeadReader::read_host() {
  RequestHead& head = request_;
  head.host = take_pseudo(":authority");
  int count = 0;
  for (const HeaderView& header : head.headers) {
    if (header.id != HeaderId::kHost) continue;
    if (++count > 1) return bad(400, "there are two Host headers");
    if (!head.host.empty() && !equals_ignoring_case(head.host, header.value)) {
      return bad(400, "Host and :authority differ");
    }
    head.host = header.value;
  }
  if (head.host.empty()) return bad(400, "the host is missing");
  if (!is_host(head.host)) return bad(400, "the host is malformed");
  return true;
}

bool H2HeadReader::finish_request(Body body) {
  join_cookies();
  RequestHead& head = request_;
  head.expects_continue = false;
  head.method = head.target = head.host = {};
  if (!read_headers(head, body)) return false;
  head.method = take_pseudo(":method");
  head.target = take_pseudo(":path");
  if (!is_token(head.method)) return bad(400, "the method is malformed");
  if (head.method == "CONNECT") return bad(501, "tunnels are not made here");
  if (head.target.size() > limits_.target) return bad(414, "the target is too long");
  const bool is_asterisk = head.target == "*" && head.method == "OPTIONS";
  if (head.target.empty() || (head.target[0] != '/' && !is_asterisk) || !is_target(head.target)) {
    return bad(400, "the target is malformed");
  }
  if (body == Body::kNone && head.content_length > 0) {
    return bad(400, "Content-Length promises a body that does not come");
  }
  if (const HeaderView* expect = head.find(HeaderId::kExpect)) {
    if (!equals_ignoring_case(expect->value, "100-continue")) {
      return bad(417, "the only expectation known here is 100-continue");
    }
    head.expects_continue = body == Body::kFollows;
  }
  return read_host();
}

bool H2HeadReader::finish_response(Body body) {
  ResponseHead& head = response_;
  head.status = 0;
  head.reason = {};
  if (!read_headers(head, body)) return false;
  const std::string_view status = take_pseudo(":status");
  std::from_chars(status.data(), status.data() + status.size(), head.status);
  if (status.size() != 3 || head.status < 100) return bad(502, "the status is no status");
  if (body == Body::kNone) head.framing = Framing::kNone;
  return true;
}

bool H2HeadReader::finish_trailers(Headers& trailers) {
  if (too_large_ || fields_.size() > limits_.headers) return false;
  for (const Span& span : fields_) {
    const std::string_view name = view(span.name, span.name_size);
    const std::string_view value = trim(view(span.value, span.value_size));
    if (!is_token(name) || !is_field_value(value)) return false;
    if (may_be_trailer(name)) trailers.add(std::string(name), std::string(value));
  }
  return true;
}

}  // namespace thaw::http
