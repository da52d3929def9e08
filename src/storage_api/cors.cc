#include "storage_api/cors.h"

#include <string>

#include "http/text.h"

namespace thaw::storage_api {
namespace {

/// '*' in a pattern is any run of characters, once.
bool fits(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return http::equals_ignoring_case(pattern, text);
  const std::string_view tail = pattern.substr(star + 1);
  return text.size() >= star + tail.size() && text.starts_with(pattern.substr(0, star)) &&
         text.ends_with(tail);
}

bool any_fits(const Json& patterns, std::string_view text) {
  if (!patterns.is_array()) return false;
  for (const Json& pattern : patterns.as_array()) {
    if (pattern.is_string() && fits(pattern.as_string(), text)) return true;
  }
  return false;
}

std::string joined(const Json& list) {
  std::string text;
  if (!list.is_array()) return text;
  for (const Json& each : list.as_array()) {
    if (!each.is_string() || !http::is_field_value(each.as_string())) continue;
    text += (text.empty() ? "" : ", ") + each.as_string();
  }
  return text;
}

}  // namespace

std::optional<http::Headers> cors_headers(const Json& rules, const http::Request& request) {
  const std::string_view origin = request.headers.get("origin");
  if (origin.empty() || !rules.is_array()) return std::nullopt;
  const bool is_preflight = request.method == "OPTIONS";
  const std::string method(is_preflight ? request.headers.get("access-control-request-method")
                                        : request.method);
  for (const Json& rule : rules.as_array()) {
    if (!any_fits(rule["origin"], origin) || !any_fits(rule["method"], method)) continue;
    http::Headers headers{{"access-control-allow-origin", std::string(origin)}, {"vary", "Origin"}};
    const std::string names = joined(rule["responseHeader"]);
    if (!is_preflight) {
      if (!names.empty()) headers.add("access-control-expose-headers", names);
      return headers;
    }
    headers.add("access-control-allow-methods", joined(rule["method"]));
    if (!names.empty()) headers.add("access-control-allow-headers", names);
    headers.add("access-control-max-age", std::to_string(rule.int_or("maxAgeSeconds", 3600)));
    return headers;
  }
  return std::nullopt;
}

}  // namespace thaw::storage_api
