#include "http/read_request.h"

#include <algorithm>
#include <utility>

#include "http/text.h"
#include "io/encryption.h"

namespace thaw::http {

Request to_request(const RequestHead& head, const io::Stream& stream) {
  Request request;
  request.method = head.method;
  request.target = head.origin_form();
  if (request.target[0] == '?') request.target.insert(0, "/");
  request.host = head.host;
  request.minor_version = head.minor_version;
  request.peer = stream.peer().str();
  request.encrypted = io::is_encrypted(stream);
  const std::string_view target = request.target;
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string_view::npos) request.query = parse_query(target.substr(question + 1));
  for (const HeaderView& header : head.headers) {
    request.headers.add(std::string(header.name), std::string(header.value));
  }
  return request;
}

bool wants_h2c(const RequestHead& head) {
  if (head.upgrade.empty() || head.minor_version == 0 || !list_has(head.upgrade, "h2c")) {
    return false;
  }
  const bool has_body = head.framing == Framing::kChunked || head.content_length > 0;
  const auto is_settings = [](const HeaderView& h) {
    return equals_ignoring_case(h.name, "http2-settings");
  };
  const bool names_settings =
      std::any_of(head.headers.begin(), head.headers.end(), [](const HeaderView& h) {
        return h.id == HeaderId::kConnection && list_has(h.value, "http2-settings");
      });
  return !has_body && names_settings &&
         std::count_if(head.headers.begin(), head.headers.end(), is_settings) == 1;
}

}  // namespace thaw::http
