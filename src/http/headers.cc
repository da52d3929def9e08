#include "http/headers.h"

#include "http/text.h"

namespace thaw::http {

std::optional<std::string_view> Headers::find(std::string_view name) const {
  for (const Header& header : headers_) {
    if (equals_ignoring_case(header.name, name)) return header.value;
  }
  return std::nullopt;
}

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  headers_.push_back({std::string(name), std::move(value)});
}

void Headers::remove(std::string_view name) {
  std::erase_if(headers_, [&](const Header& h) { return equals_ignoring_case(h.name, name); });
}

}  // namespace thaw::http
