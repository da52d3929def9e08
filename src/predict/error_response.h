// The one form in which the forecast server answers faults, {"error": {"code", "message",
// "status"}} as Google's APIs have it: made and read.
//
// **Thread**: any. **Owner**: values. **Limits**: kLongestFault bytes of a fault that is read.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "http/message.h"

namespace thaw::predict {

inline constexpr size_t kLongestFault = 1000;
/// The status of many series that are too much for one request, and would do in several.
inline constexpr int kTooMuch = 413;

/// `name`: as google.rpc.Code has it, e.g. INVALID_ARGUMENT.
http::Response error_response(int status, std::string_view name, std::string_view message);
http::Response error_response(const Error& error);
/// Of what an http::Server answers by itself, whatever its status is called there.
http::Response protocol_fault(int status, std::string_view reason);
/// 405, with what is allowed in the message and in Allow (RFC 9110, 15.5.6), e.g. "GET, HEAD".
http::Response wrong_method(std::string_view method, std::string_view allowed);

/// The message of such an answer; "status 503" where it has none.
std::string fault_of(const http::Response& response);

}  // namespace thaw::predict
