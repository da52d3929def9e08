// Gateway: the data plane. Takes requests of all services, finds each a slot in an instance of the
// right revision, and passes bodies through in both directions without holding them.
//
// Which revisions a host leads to is its route table, how many instances there are is serving's.
// Clients speak HTTP/1.1 or HTTP/2 (by its preface or an upgrade to h2c), instances HTTP/1.1, or
// HTTP/2 where their port is named h2c. TLS, where it is wanted, lies beneath: tls/server_net.h. A
// request by HTTP/2 waits, is limited and recorded as any other. Trailers pass where both sides can
// carry them: to instances always, to clients of HTTP/2 and those that say "TE: trailers". Decides
// only what a proxy must: routing, framing, reuse of connections, what to answer when there is no
// answer. A request is answered once; it is tried on another instance only when nothing of it was
// sent, and once more on the same when that closed an idle connection beneath it and asking twice
// does no harm. Works on any io::Net. Thread: the loop's. Owner: net, loop, slots and observer
// outlive it; it must not be destroyed inside a callback of theirs. Limits: Options. 64 KiB are
// read ahead per direction and connection; pipelined requests wait for the one before. Source:
// contract 1.6.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "gateway/access.h"
#include "gateway/challenges.h"
#include "gateway/door.h"
#include "gateway/route_table.h"
#include "gateway/slots.h"
#include "http/head.h"
#include "io/entropy.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::gateway {

struct GatewayOptions {
  ByteCount max_request = mib(32);   // of a body; over it 413 (contract 1.6)
  ByteCount max_response = mib(32);  // of a body with Content-Length; over it 500 (contract 1.6)
  http::HeadLimits head = {};        // 64 KiB, 100 headers, a target of 16 KiB: 431, 414
  // Of clients, by either protocol; over it 503 and closed, far over it closed. A request that came
  // by HTTP/2 counts as one more: over it REFUSED_STREAM.
  size_t max_connections = 10'000;
  uint32_t max_streams = 100;            // requests at once on an HTTP/2 connection
  Duration head_timeout = seconds(60);   // from a head's first byte to its end: 408
  Duration send_timeout = seconds(60);   // for a client that does not take its answer's rest
  Duration idle_timeout = seconds(620);  // between requests, as Google's front end keeps it
  // A connection that is to end is read on, lest its answer's rest be reset: until the client says
  // nothing for so long, in all for so long, or says 32 MiB more than a request may.
  Duration linger_idle = seconds(2), linger_total = seconds(30);
  uint64_t seed = 0;                 // of traffic shares and trace ids
  Sampler sampler = {};              // of traces
  Door* door = nullptr;              // null: everybody may call everything
  Challenges* challenges = nullptr;  // null: there are none
  io::Entropy* entropy = nullptr;    // of session cookies; null: none are given
};

struct GatewayCore;

class Gateway {
 public:
  /// `observer` may be null.
  Gateway(io::Net& net, io::Loop& loop, SlotSource& slots, AccessObserver* observer,
          const GatewayOptions& options);
  ~Gateway();

  /// Answers the address with the port that was chosen.
  Result<io::SocketAddress> listen(const io::SocketAddress& address);
  /// On another net, which outlives the gateway: one whose streams are through TLS.
  Result<io::SocketAddress> listen(io::Net& net, const io::SocketAddress& address);
  /// For requests that come from now on.
  void set_routes(RouteTable routes);
  /// Likewise, of one service.
  void set_routes(const ServiceId& service, std::vector<Route> routes);
  /// Closes connections that wait for their next request: the instance is gone or will be frozen.
  void drop_idle(const InstanceId& instance);
  /// Its sessions end too.
  void instance_gone(const InstanceId& instance);
  /// Accepts nothing more, ends idle connections, lets running requests finish; then `done` in a
  /// later turn.
  void drain(std::function<void()> done);
  size_t connections() const;

 private:
  std::unique_ptr<GatewayCore> core_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
};

}  // namespace thaw::gateway
