// GatewayCore: what all connections of a gateway share. Part of the Gateway; see there.
// **Thread**: the loop's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/h2_upstream.h"
#include "gateway/sessions.h"
#include "gateway/upstream.h"

namespace thaw::gateway {

class ClientConnection;
class H2Client;

struct GatewayCore {
  GatewayCore(io::Net& n, io::Loop& l, SlotSource& s, AccessObserver* o, const GatewayOptions& opt);
  ~GatewayCore();

  /// How a request came to its connection.
  enum class Via { kHttp1, kH2 };
  void accept(std::unique_ptr<io::Stream> stream, Via via = Via::kHttp1);
  /// Connections by either protocol, and requests by HTTP/2.
  size_t count() const { return connections.size() + h2_clients.size(); }
  bool is_full() const { return count() >= options.max_connections; }
  /// How many over max_connections are told that they are, before more are closed without a word.
  size_t most_refused() const { return std::max<size_t>(options.max_connections / 8, 16); }
  void remove(ClientConnection& connection);
  /// A client that turns out to speak HTTP/2; `bytes` were read already and begin with the preface.
  void accept_h2(std::unique_ptr<io::Stream> stream, std::string_view bytes);
  /// A client whose request asks to go on in HTTP/2. False: it is malformed; `stream` is kept.
  bool upgrade(std::unique_ptr<io::Stream>& stream, const http::RequestHead& head,
               std::string_view bytes);
  void remove(H2Client& client);
  void tell_when_drained();
  uint64_t random();

  io::Net& net;
  io::Loop& loop;
  SlotSource& slots;
  AccessObserver* observer;
  GatewayOptions options;
  RouteTable routes;
  UpstreamPool pool;
  H2Upstreams h2_pool;
  Sessions sessions;
  /// What is read goes on at once, so that one buffer a direction serves all connections; what
  /// cannot go on is copied. Two, because an answer's end may begin the next request.
  std::vector<char> client_buffer;
  std::vector<char> upstream_buffer;
  std::vector<std::unique_ptr<H2Client>> h2_clients;  // outlive the requests on them
  std::vector<std::unique_ptr<ClientConnection>> connections;
  bool draining = false;
  std::function<void()> drained;
  io::Timer drained_timer;
  uint64_t random_state;
};

}  // namespace thaw::gateway
