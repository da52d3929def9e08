#include "app/instance_doors.h"

#include <utility>

#include "base/log.h"

namespace thaw::app {

std::unique_ptr<http::Server> InstanceDoors::make_server(const InstanceId& instance) {
  constexpr size_t kMostConnections = 64;
  auto server = std::make_unique<http::Server>(
      net_, loop_, http::Server::Options{.max_connections = kMostConnections},
      [](const http::Request&, http::Responder responder) {
        responder.answer(http::Response::json(
            404, R"({"error":{"code":404,"message":"only Cloud Storage is served here"}})"));
      });
  prepare_(*server, instance);
  return server;
}

void InstanceDoors::open(const InstanceId& instance, const io::SocketAddress& address) {
  if (!address.in) return;
  auto server = make_server(instance);
  const auto listening = server->listen({.ip = kIp, .port = kPort, .in = address.in});
  if (!listening) {
    log_warning("an instance does not reach the object store",
                {{"instance", instance.str()}, {"why", listening.error().message()}});
    return;
  }
  doors_[instance] = std::move(server);
}

Result<io::SocketAddress> InstanceDoors::open_shared() {
  shared_ = make_server(InstanceId());
  return shared_->listen({.ip = "127.0.0.1", .port = 0});
}

}  // namespace thaw::app
