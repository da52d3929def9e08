// Switchboard: what one room observes goes to the rooms that want to know it.
//
// serving's events to control, telemetry, billing and the gateway; control's wishes to serving and
// the gateway; the gateway's request log to telemetry and billing. It converts types between rooms
// that do not know each other, and decides nothing.
//
// **Thread**: the loop's. **Owner**: the rooms are connected before the first event and outlive it.
// **Limits**: none.
#pragma once

#include <unordered_map>

#include "app/instance_doors.h"
#include "app/kept_prices.h"
#include "app/trigger_scaling.h"
#include "base/id.h"
#include "billing/meter.h"
#include "control/control.h"
#include "domains/domains.h"
#include "gateway/access.h"
#include "gateway/gateway.h"
#include "io/clock.h"
#include "serving/events.h"
#include "serving/serving.h"
#include "telemetry/logs.h"
#include "telemetry/metrics.h"
#include "telemetry/request_log.h"
#include "telemetry/span_exporter.h"
#include "telemetry/starts.h"
#include "tls/served_certificates.h"

namespace thaw::app {

class Switchboard final : public serving::Observer,
                          public control::Listener,
                          public domains::Listener,
                          public gateway::Challenges,
                          public gateway::AccessObserver {
 public:
  struct Rooms {
    io::Clock* clock = nullptr;
    serving::Serving* serving = nullptr;
    control::Controller* control = nullptr;
    gateway::Gateway* gateway = nullptr;
    billing::Meter* meter = nullptr;
    telemetry::Logs* logs = nullptr;
    telemetry::RequestLog* requests = nullptr;
    telemetry::SpanExporter* spans = nullptr;  // null: none are wanted
    telemetry::Starts* starts = nullptr;
    telemetry::Metrics* metrics = nullptr;
    InstanceDoors* doors = nullptr;
    TriggerScaling* scaling = nullptr;
    KeptPrices* prices = nullptr;
    domains::Domains* domains = nullptr;
    tls::ServedCertificates* certificates = nullptr;  // null without TLS
    uint16_t https_port = 0;                          // likewise 0
    std::string base_domain;
  };
  void connect(Rooms rooms) { rooms_ = std::move(rooms); }

  void on_output(const serving::InstanceStatus& instance, sandbox::OutputStream stream,
                 std::string_view line) override;
  void on_event(const serving::InstanceEvent& event) override;
  void on_start(const serving::StartRecord& record) override;
  void on_prices(const RevisionId& revision, const ServiceId& service,
                 const scaling::PriceList& prices) override;
  void on_billable(const serving::BillableSpan& span) override;
  void on_revision_state(const RevisionId& revision, const serving::RevisionState& state) override;
  void on_instance_network(const serving::InstanceStatus& instance,
                           const io::SocketAddress& address) override;
  void on_instance_frozen(const InstanceId& instance) override;
  void on_instance_gone(const InstanceId& instance) override;

  void on_run(const serving::RevisionConfig& config) override;
  void on_retire(const RevisionId& revision) override;
  void on_routes(const ServiceId& service, const control::Routes& routes) override;
  void on_removed(const ServiceId& service) override;

  void on_mappings() override;
  void on_certificate(const std::string& domain, tls::SharedCertificate certificate) override;
  void on_unmapped(const std::string& domain) override;

  std::optional<std::string> answer(std::string_view token) override {
    return rooms_.domains->challenge(token);
  }
  void on_request(const gateway::AccessRecord& record) override;

  /// Requests that a service's instances take at once, at most; 0: there is none of that name.
  int places_of(const std::string& host) const;
  /// Where requests for a service go; null when it is not deployed.
  const gateway::Route* route_of(const std::string& service) const;
  std::string host_of(const std::string& service) const {
    return service + "." + rooms_.base_domain;
  }
  /// A sentence about a source of the service, for its log.
  void on_source(const std::string& service, const std::string& text);
  /// A source's delivery came back from an instance: it counts as a request.
  void on_delivery(const ServiceId& service, const RevisionId& revision, int status,
                   Duration latency);

 private:
  /// What the gateway and the meter must know of a revision, from control's config of it.
  struct Facts {
    Duration timeout{0};
    gateway::Protocol protocol = gateway::Protocol::kHttp1;
    billing::Mode mode = billing::Mode::kRequestBased;
    int places = 0;  // of all its instances
    std::string account;
    gateway::Affinity affinity = gateway::Affinity::kNone;
  };

  std::vector<gateway::Domain> domains_of(const std::string& service) const;

  void publish(const ServiceId& service, const control::Routes& routes);

  Rooms rooms_;
  std::map<ServiceId, control::Routes> routes_;  // as control has said them last
  std::unordered_map<RevisionId, Facts> revisions_;
  std::unordered_map<std::string, int> places_;                      // by host name
  std::unordered_map<std::string, std::vector<std::string>> hosts_;  // by service
  std::unordered_map<std::string, gateway::Route> services_;
};

}  // namespace thaw::app
