#include "app/instance_doors.h"

#include <utility>

#include "api/projects.h"
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

void InstanceDoors::open(const InstanceId& instance, const io::SocketAddress& address,
                         const std::string& account) {
  if (!address.in) return;
  open_metadata(instance, address, account);
  auto server = make_server(instance);
  const auto listening = server->listen({.ip = kIp, .port = kPort, .in = address.in});
  if (!listening) {
    log_warning("an instance does not reach the object store",
                {{"instance", instance.str()}, {"why", listening.error().message()}});
    return;
  }
  doors_[instance] = std::move(server);
}

void InstanceDoors::open_metadata(const InstanceId& instance, const io::SocketAddress& address,
                                  const std::string& account) {
  constexpr size_t kMostConnections = 16;
  constexpr uint16_t kHttp = 80;
  Metadata made;
  made.answers = std::make_unique<api::MetadataServer>(
      guard_, loop_, api::MetadataFacts{std::string(api::kProject), instance.str(), account});
  made.server = std::make_unique<http::Server>(
      net_, loop_, http::Server::Options{.max_connections = kMostConnections},
      [answers = made.answers.get()](const http::Request& request, http::Responder responder) {
        responder.answer(answers->answer(request));
      });
  const auto listening = made.server->listen({.ip = kMetadataIp, .port = kHttp, .in = address.in});
  if (!listening) {
    log_warning("an instance does not reach its metadata server",
                {{"instance", instance.str()}, {"why", listening.error().message()}});
    return;
  }
  metadata_[instance] = std::move(made);
}

Result<io::SocketAddress> InstanceDoors::open_shared() {
  shared_ = make_server(InstanceId());
  return shared_->listen({.ip = "127.0.0.1", .port = 0});
}

}  // namespace thaw::app
