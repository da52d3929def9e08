// InstanceDoors: the object store as instances reach it: a listener inside each one's own network.
//
// An instance has nothing but its own loopback; there it finds Cloud Storage at kAddress, and
// nothing else of the platform: no deploys, no other instance. Its environment says so by
// STORAGE_EMULATOR_HOST, which Google's client libraries read. Plain processes share the host's
// network and are told the API's own address.
//
// **Thread**: the loop's. **Owner**: net and loop outlive it; what `prepare` sets up outlives its
// servers. **Limits**: 64 connections of an instance.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "base/id.h"
#include "http/server.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::app {

class InstanceDoors {
 public:
  static constexpr const char* kIp = "127.0.8.81";  // of the loopback, and nobody's habit
  static constexpr uint16_t kPort = 48081;

  /// Gives a server the requests that it is to answer: those of an instance, or with "" of any.
  using Prepare = std::function<void(http::Server& server, const InstanceId& instance)>;
  InstanceDoors(io::Net& net, io::Loop& loop, Prepare prepare)
      : net_(net), loop_(loop), prepare_(std::move(prepare)) {}

  /// `address`: where the instance is reached; without a network of its own it gets no door.
  void open(const InstanceId& instance, const io::SocketAddress& address);
  /// For plain processes, which share the host's network: one door on its loopback.
  Result<io::SocketAddress> open_shared();
  void close(const InstanceId& instance) { doors_.erase(instance); }

 private:
  io::Net& net_;
  io::Loop& loop_;
  Prepare prepare_;
  std::unique_ptr<http::Server> make_server(const InstanceId& instance);

  std::map<InstanceId, std::unique_ptr<http::Server>> doors_;
  std::unique_ptr<http::Server> shared_;
};

}  // namespace thaw::app
