// What a gRPC call says beside its messages: status, message, timeout. Pure.
// Thread: any. Source: gRPC over HTTP/2 (PROTOCOL-HTTP2.md), "Requests" and "Responses".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace thaw::rpc {

/// The number of grpc-status; 0 is no Code.
int status_number(Code code);

/// grpc-message: all but visible ASCII and blanks as %XX, '%' too.
std::string encode_message(std::string_view text);

/// Longer timeouts are taken for this one.
inline constexpr Duration kLongestTimeout = std::chrono::hours(24 * 365);
/// Of grpc-timeout: "100m", "5S"; nullopt: malformed.
std::optional<Duration> parse_timeout(std::string_view text);

}  // namespace thaw::rpc
