// Client: HTTP/1.1 requests of ours: to the API, to push endpoints. One connection a request.
//
// Addresses are numbers: names are not looked up here. Not the gateway's data plane.
// Thread: the loop's. Owner: net and loop outlive it and its calls; dropping a Call cancels it and
// no callback comes afterwards, also inside its own callback.
// Limits: Options; a response over max_body is kResourceExhausted.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "http/head.h"
#include "http/message.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::http {

/// A request that is under way.
class Call {
 public:
  virtual ~Call() = default;
};

class Client {
 public:
  struct Options {
    ByteCount max_body = mib(64);  // of fetch(); stream() has no limit
    HeadLimits head = {};
  };
  Client(io::Net& net, io::Loop& loop) : Client(net, loop, Options()) {}
  Client(io::Net& net, io::Loop& loop, Options options)
      : net_(net), loop_(loop), options_(options) {}

  /// Errors: kUnavailable (refused, or cut before the answer was whole: retry with backoff),
  /// kDeadlineExceeded after `timeout`, kInternal for an answer that is no HTTP. An answer with any
  /// status is a Response. Host, Content-Length and Connection are added to the request.
  using OnResponse = std::function<void(Result<Response>)>;
  [[nodiscard]] std::unique_ptr<Call> fetch(const io::SocketAddress& to, Request request,
                                            Duration timeout, OnResponse on_response);

  struct Receiver {
    std::function<void(const Response& head)> on_head;         // without body; once
    std::function<void(std::string_view content)> on_content;  // piece by piece
    std::function<void(Status)> on_end;                        // once; errors as of fetch()
  };
  /// The answer as it comes. `timeout` is until its head; after that it may take for ever.
  [[nodiscard]] std::unique_ptr<Call> stream(const io::SocketAddress& to, Request request,
                                             Duration timeout, Receiver receiver);

 private:
  io::Net& net_;
  io::Loop& loop_;
  Options options_;
};

}  // namespace thaw::http
