// InstanceDoors: what of the platform instances reach: listeners inside each one's own network.
//
// An instance has nothing but its own loopback; there it finds Cloud Storage at kIp and its own
// metadata server at kMetadataIp, and nothing else of the platform: no deploys, no other instance.
// Its environment says where the first is by STORAGE_EMULATOR_HOST, which Google's client libraries
// read; the second is where they look. Plain processes share the host's network: they are told the
// API's own address, and have no metadata server, since nobody could tell whose request it is.
//
// **Thread**: the loop's. **Owner**: net and loop outlive it; what `prepare` sets up outlives its
// servers. **Limits**: 64 connections of an instance, and 16 to its metadata server.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/metadata.h"
#include "base/id.h"
#include "http/server.h"
#include "identity/guard.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::app {

class InstanceDoors {
 public:
  static constexpr const char* kIp = "127.0.8.81";  // of the loopback, and nobody's habit
  static constexpr uint16_t kPort = 48081;
  /// Of Google's machines; a second address of each instance's loopback (sandbox/).
  static constexpr const char* kMetadataIp = "169.254.169.254";

  /// Gives a server the requests that it is to answer: those of an instance, or with "" of any.
  using Prepare = std::function<void(http::Server& server, const InstanceId& instance)>;
  InstanceDoors(io::Net& net, io::Loop& loop, identity::Guard& guard, Prepare prepare)
      : net_(net), loop_(loop), guard_(guard), prepare_(std::move(prepare)) {}

  /// `address`: where the instance is reached; without a network of its own it gets no door.
  /// `account`: whom it speaks for, see api::MetadataFacts.
  void open(const InstanceId& instance, const io::SocketAddress& address,
            const std::string& account);
  /// For plain processes, which share the host's network: one door on its loopback.
  Result<io::SocketAddress> open_shared();
  void close(const InstanceId& instance) {
    doors_.erase(instance);
    metadata_.erase(instance);
  }

 private:
  struct Metadata {
    std::unique_ptr<api::MetadataServer> answers;
    std::unique_ptr<http::Server> server;
  };
  std::unique_ptr<http::Server> make_server(const InstanceId& instance);
  void open_metadata(const InstanceId& instance, const io::SocketAddress& address,
                     const std::string& account);

  io::Net& net_;
  io::Loop& loop_;
  identity::Guard& guard_;
  Prepare prepare_;
  std::map<InstanceId, std::unique_ptr<http::Server>> doors_;
  std::map<InstanceId, Metadata> metadata_;
  std::unique_ptr<http::Server> shared_;
};

}  // namespace thaw::app
