// GatewayCore: what all connections of a gateway share. Part of the Gateway; see there.
// **Thread**: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "gateway/gateway.h"
#include "gateway/upstream.h"

namespace thaw::gateway {

class ClientConnection;

struct GatewayCore {
  GatewayCore(io::Net& n, io::Loop& l, SlotSource& s, AccessObserver* o, const GatewayOptions& opt);
  ~GatewayCore();

  void accept(std::unique_ptr<io::Stream> stream);
  void remove(ClientConnection& connection);
  void tell_when_drained();
  uint64_t random();

  io::Net& net;
  io::Loop& loop;
  SlotSource& slots;
  AccessObserver* observer;
  GatewayOptions options;
  std::shared_ptr<const RouteTable> routes = std::make_shared<RouteTable>();
  UpstreamPool pool;
  /// What is read goes on at once, so that one buffer a direction serves all connections; what
  /// cannot go on is copied. Two, because an answer's end may begin the next request.
  std::vector<char> client_buffer;
  std::vector<char> upstream_buffer;
  std::vector<std::unique_ptr<ClientConnection>> connections;
  bool draining = false;
  std::function<void()> drained;
  io::Timer drained_timer;
  uint64_t random_state;
};

}  // namespace thaw::gateway
