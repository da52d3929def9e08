// Api: Cloud Run's v1 API for what Thaw has of it, and routes of Thaw's own, over HTTP.
//
// Wire shapes only: what they mean is control's, serving's, telemetry's and billing's. No password
// is asked for; see guard.h for who is answered. The list of routes: docs/reference/api.md.
//
// **Thread**: the loop's. **Owner**: ports and rooms outlive it.
// **Limits**: bodies of 4 MiB (413); 64 followers of logs (429).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "billing/meter.h"
#include "control/control.h"
#include "http/server.h"
#include "identity/guard.h"
#include "identity/service_accounts.h"
#include "io/loop.h"
#include "io/net.h"
#include "messaging/bus.h"
#include "messaging/sources.h"
#include "pipeline/catalog.h"
#include "serving/serving.h"
#include "storage_api/storage_api.h"
#include "telemetry/alerts.h"
#include "telemetry/logs.h"
#include "telemetry/metrics.h"
#include "telemetry/request_log.h"
#include "telemetry/span_exporter.h"
#include "telemetry/starts.h"

namespace thaw::domains {
class Domains;
}
namespace thaw::jobs {
class Jobs;
}
namespace thaw::tls {
class ServerNet;
}

namespace thaw::api {

struct Rooms {
  control::Controller& control;
  const serving::Serving& serving;
  telemetry::Logs& logs;
  telemetry::RequestLog& requests;
  telemetry::Starts& starts;
  telemetry::Metrics& metrics;
  const telemetry::Alerts& alerts;
  const billing::Meter& meter;
  messaging::Bus& bus;
  messaging::Sources& sources;
  identity::Guard& guard;
  identity::ServiceAccounts& accounts;
  pipeline::Catalog& pipelines;
  domains::Domains* domains = nullptr;             // null: the platform maps no domains
  jobs::Jobs* jobs = nullptr;                      // null: the platform has no jobs
  const telemetry::SpanExporter* spans = nullptr;  // null: no spans are sent
  storage_api::StorageApi* storage = nullptr;      // null: the platform has no buckets
  const tls::ServerNet* tls = nullptr;             // null: nothing is served through TLS
};

struct ApiOptions {
  std::string version;                        // of Thaw
  std::string isolation_notice;               // "": everything is isolated
  std::function<Json()> endpoints = nullptr;  // null: nothing is told of them
  size_t max_connections = 4096;
};

/// Whether a path that begins with this part is this API's, and so none of a bucket.
bool is_reserved_path(std::string_view part);

class Api {
 public:
  Api(io::Net& net, io::Loop& loop, Rooms rooms, ApiOptions options);
  ~Api();

  /// Answers the address with the port that was chosen.
  Result<io::SocketAddress> listen(const io::SocketAddress& address);
  /// On another net, which outlives it: one whose streams are through TLS.
  Result<io::SocketAddress> listen(io::Net& net, const io::SocketAddress& address);
  /// A client that takes this API for its proxy and asks it for a tunnel to its own port with TLS
  /// has its connection handed on.
  void hand_on_tunnels(uint16_t port, http::Server::TunnelHandler handler);
  /// Accepts nothing more, ends followers, lets running calls finish; then `done`.
  void drain(std::function<void()> done);
  /// docs/reference/api.md, from the table of routes.
  std::string reference() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace thaw::api
