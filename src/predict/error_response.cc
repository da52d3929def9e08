#include "predict/error_response.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/utf8.h"
#include "predict/text.h"

namespace thaw::predict {

http::Response error_response(int status, std::string_view name, std::string_view message) {
  const Json error = Json::object({{"code", status}, {"message", message}, {"status", name}});
  return http::Response::json(status, Json::object({{"error", error}}).dump() + '\n');
}

http::Response error_response(const Error& error) {
  return error_response(http_status(error.code()), code_name(error.code()), error.message());
}

http::Response wrong_method(std::string_view method, std::string_view allowed) {
  http::Response response =
      error_response(405, "UNIMPLEMENTED",
                     fmt::format("{} is not allowed here: use {}", quoted_value(method), allowed));
  response.headers.add("allow", std::string(allowed));
  return response;
}

std::string fault_of(const http::Response& response) {
  const auto json = Json::parse(response.body);
  const std::string text = json ? (*json)["error"].string_or("message") : "";
  if (text.empty()) return fmt::format("status {}", response.status);
  return std::string(utf8_prefix(text, kLongestFault));
}

}  // namespace thaw::predict
