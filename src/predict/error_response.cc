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

http::Response protocol_fault(int status, std::string_view reason) {
  constexpr int kTooLate = 408, kNoSuchVersion = 505;
  Code code = code_from_http_status(status);
  if (status == kTooLate) code = Code::kDeadlineExceeded;
  if (status == kNoSuchVersion) code = Code::kUnimplemented;
  if (code == Code::kUnknown) code = status < 500 ? Code::kInvalidArgument : Code::kInternal;
  return error_response(status, code_name(code), reason);
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
