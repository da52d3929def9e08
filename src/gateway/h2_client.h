// H2Client: one client that speaks HTTP/2. Each of its requests becomes a ClientConnection of its
// own over a bridge, so that queue, limits, timeouts and records are those of HTTP/1.1. Part of the
// Gateway; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <string>

#include "gateway/core.h"
#include "gateway/h2_bridge.h"
#include "http/head.h"
#include "http/lazy_timer.h"

namespace thaw::gateway {

class H2Client final : private http::H2Events, public H2Link {
 public:
  H2Client(GatewayCore& core, std::unique_ptr<io::Stream> stream);

  /// Goes on from an HTTP/1.1 request, which becomes stream 1. False: `settings` is malformed.
  bool upgrade(std::string_view settings, const http::RequestHead& head);
  /// Takes no more requests; ends once those that run are answered.
  void drain();

  size_t index = 0;  // in GatewayCore::h2_clients

 private:
  enum class Waits { kNothing, kHead, kIdle, kLeaving, kUnread, kBlocked };

  http::H2StreamEvents* on_request(int32_t stream, const http::RequestHead& head) override;
  http::H2StreamEvents* on_bad_request(int32_t stream, const http::HeadFault& fault) override;
  void settle() override;
  void over() override;
  void on_timeout();

  GatewayCore& core_;
  Waits waits_ = Waits::kNothing;
  http::LazyTimer timer_;
};

}  // namespace thaw::gateway
