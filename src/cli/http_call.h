// http_call(): one HTTP request, waited for.
//
// A thin blocking layer over http/client.h: it takes turns of the loop until the answer is whole
// or its time is up. Not for several requests at once.
// Thread: the loop's. Owner: the ports outlive it. Limits: see CallOptions.
#pragma once

#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "cli/cli.h"
#include "http/message.h"
#include "io/net.h"

namespace thaw::cli {

struct CallOptions {
  Duration timeout = seconds(30);  // from the call to the end of the answer
  ByteCount largest_body = mib(64);
  /// Gets an answer's body piece by piece, after its head; false ends the call without a fault.
  std::function<bool(const http::Response& head, std::string_view piece)> on_body = nullptr;
};

/// The answer, without a body where CallOptions::on_body took it. An error status is an answer.
/// kUnavailable: no connection ("connect to 127.0.0.1:8081: Connection refused"), or it broke
/// before the answer was whole. kDeadlineExceeded: not done in time. kResourceExhausted: the body
/// is larger than allowed. kInternal: no HTTP. kInvalidArgument: the request is none.
Result<http::Response> http_call(Ports& ports, const io::SocketAddress& address,
                                 http::Request request, const CallOptions& options);

/// Takes turns of the loop for that long.
void pause_for(Ports& ports, Duration length);

}  // namespace thaw::cli
