#include "http/write_response.h"

#include <fmt/format.h>

#include <iterator>

#include "base/check.h"
#include "http/header_id.h"
#include "http/status.h"
#include "http/text.h"

namespace thaw::http {

void append_status_and_headers(std::string& out, const Response& response) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 reason_phrase(response.status));
  for (const Headers::Header& header : response.headers) {
    const HeaderId id = header_id(header.name);
    const bool is_the_callers = id == HeaderId::kConnection || id == HeaderId::kTransferEncoding ||
                                id == HeaderId::kContentLength;
    if (is_the_callers) continue;
    if (!is_token(header.name) || !is_field_value(header.value)) {
      BUG("a response header is malformed and was left out");
      continue;
    }
    fmt::format_to(std::back_inserter(out), "{}: {}\r\n", header.name, header.value);
  }
}

}  // namespace thaw::http
