#include "app/switchboard.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::app {
namespace {

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "DEBUG";
    case Severity::kInfo:
      return "INFO";
    case Severity::kWarning:
      return "WARNING";
    case Severity::kError:
      return "ERROR";
  }
  return "DEFAULT";
}

/// Each phase from the end of the one before; a phase that was not passed ends the list.
telemetry::Start waterfall(const serving::StartRecord& record, WallTime requested) {
  telemetry::Start start{.instance = record.instance,
                         .revision = record.revision,
                         .service = record.service,
                         .requested = requested,
                         .from = std::string(scaling::name_of(record.from)),
                         .how = record.how};
  Instant before = record.requested;
  const auto phase = [&](const std::optional<Instant>& end) -> std::optional<Duration> {
    if (!end) return std::nullopt;
    // What was made ahead was there before the request asked for it: that phase took no time.
    const Duration length = std::max(*end - before, Duration(0));
    before = std::max(*end, before);
    return length;
  };
  start.queued = phase(record.decided);
  start.sandbox = phase(record.sandbox_ready);
  start.exec = phase(record.executed);
  start.load = phase(record.listening);
  start.first_byte = phase(record.first_byte);
  return start;
}

telemetry::RequestRecord request_record(const gateway::AccessRecord& seen, WallTime arrived) {
  constexpr auto kText = [](const auto* id) {
    return id != nullptr ? std::string_view(id->str()) : std::string_view();
  };
  return {.time = arrived,
          .latency = seen.latency,
          .queued = seen.queued,
          .placed = seen.placed,
          .answered = seen.answered,
          .status = seen.status,
          .request_size = seen.request_head_bytes + seen.request_bytes,
          .response_size = seen.response_head_bytes + seen.response_bytes,
          .span = seen.trace->span,
          .parent_span = seen.trace->parent,
          .sampled = seen.trace->sampled,
          .service = kText(seen.service),
          .revision = kText(seen.revision),
          .instance = kText(seen.instance),
          .method = seen.method,
          .scheme = seen.scheme,
          .host = seen.host,
          .target = seen.target,
          .user_agent = seen.user_agent,
          .referer = seen.referer,
          .remote_ip = seen.peer,
          .server_ip = seen.local,
          .protocol = seen.protocol,
          .trace_id = seen.trace->id(),
          .woken_from = seen.woken_from};
}

}  // namespace

// ---- From serving ------------------------------------------------------------------------------

void Switchboard::on_output(const serving::InstanceStatus& instance, sandbox::OutputStream stream,
                            std::string_view line) {
  telemetry::LogLine log = telemetry::line_of_output(
      line, stream == sandbox::OutputStream::kStdout ? telemetry::LogLine::Stream::kStdout
                                                     : telemetry::LogLine::Stream::kStderr);
  log.time = rooms_.clock->wall_now();
  log.service = instance.service;
  log.revision = instance.revision;
  log.instance = instance.id;
  rooms_.logs->append(log);
}

void Switchboard::on_event(const serving::InstanceEvent& event) {
  rooms_.logs->append({.time = rooms_.clock->wall_now(),
                       .severity = std::string(severity_name(event.severity)),
                       .service = event.service,
                       .revision = event.revision,
                       .instance = event.instance,
                       .stream = telemetry::LogLine::Stream::kPlatform,
                       .message = event.message});
  log(event.severity, event.message,
      {{"service", event.service}, {"revision", event.revision}, {"instance", event.instance}});
}

void Switchboard::on_start(const serving::StartRecord& record) {
  const Duration ago = rooms_.clock->now() - record.requested;
  rooms_.starts->put(waterfall(record, rooms_.clock->wall_now() - ago));
  if (record.listening && !record.first_byte) {
    rooms_.metrics->on_start(record.service, *record.listening - record.requested);
  }
  if (record.first_byte) {
    rooms_.metrics->on_wake(record.service, scaling::name_of(record.from),
                            *record.first_byte - record.requested);
  }
}

void Switchboard::on_prices(const RevisionId& revision, const ServiceId& service,
                            const scaling::PriceList& prices) {
  if (rooms_.prices != nullptr) rooms_.prices->put(revision, service, prices);
}

void Switchboard::on_billable(const serving::BillableSpan& span) {
  rooms_.meter->add({.instance = span.instance,
                     .revision = span.revision,
                     .service = span.service,
                     .from = span.from,
                     .to = span.to,
                     .cpu_millis = span.cpu_millis,
                     .memory = span.memory,
                     .mode = revisions_[span.revision].mode});
}

void Switchboard::on_revision_state(const RevisionId& revision,
                                    const serving::RevisionState& state) {
  rooms_.control->on_revision_state(revision, state);
}

void Switchboard::on_instance_network(const serving::InstanceStatus& instance,
                                      const io::SocketAddress& address) {
  rooms_.doors->open(instance.id, address, revisions_[instance.revision].account);
}

void Switchboard::on_instance_frozen(const InstanceId& instance) {
  rooms_.gateway->drop_idle(instance);
}

void Switchboard::on_instance_gone(const InstanceId& instance) {
  rooms_.gateway->instance_gone(instance);
  rooms_.doors->close(instance);
  rooms_.meter->forget(instance);
}

// ---- From control ------------------------------------------------------------------------------

void Switchboard::on_run(const serving::RevisionConfig& config) {
  revisions_[config.instance.revision] = {
      .timeout = config.request_timeout,
      .protocol = config.port_protocol == serving::PortProtocol::kH2c ? gateway::Protocol::kH2c
                                                                      : gateway::Protocol::kHttp1,
      .mode = config.cpu == serving::CpuAllocation::kRequestBased ? billing::Mode::kRequestBased
                                                                  : billing::Mode::kInstanceBased,
      .places = config.container_concurrency * config.max_instances,
      .account = config.service_account,
      .affinity = config.session_affinity == serving::SessionAffinity::kOn
                      ? gateway::Affinity::kSession
                      : gateway::Affinity::kNone};
  rooms_.metrics->know(config.instance.service);
  rooms_.scaling->run(config);
}

void Switchboard::on_retire(const RevisionId& revision) {
  // Its facts stay: spans of its last instances come after this.
  rooms_.scaling->retire(revision);
  rooms_.serving->retire_revision(revision);
}

void Switchboard::on_routes(const ServiceId& service, const control::Routes& routes) {
  if (routes.empty()) {
    routes_.erase(service);
  } else {
    routes_[service] = routes;
  }
  publish(service, routes);
}

void Switchboard::on_removed(const ServiceId& service) {
  rooms_.metrics->forget(service);
  rooms_.starts->remove(service);
}

void Switchboard::on_mappings() {
  for (const auto& [service, routes] : routes_) publish(service, routes);
}

void Switchboard::publish(const ServiceId& service, const control::Routes& routes) {
  std::vector<gateway::Route> table;
  table.reserve(routes.size());
  if (const auto old = hosts_.extract(service.str())) {
    for (const std::string& host : old.mapped()) places_.erase(host);
  }
  services_.erase(service.str());
  for (const control::Route& route : routes) {
    gateway::Route each{.service = route.service, .tag = route.tag, .targets = {}};
    int places = 0;
    for (const control::Share& share : route.shares) {
      places += revisions_[share.revision].places;
      each.targets.push_back({.revision = share.revision,
                              .percent = share.percent,
                              .timeout = revisions_[share.revision].timeout,
                              .protocol = revisions_[share.revision].protocol,
                              .affinity = revisions_[share.revision].affinity});
    }
    const std::string host = fmt::format("{}{}{}.{}", route.tag, route.tag.empty() ? "" : "---",
                                         route.service.str(), rooms_.base_domain);
    places_[host] = places;
    hosts_[service.str()].push_back(host);
    if (route.tag.empty()) {
      services_[route.service.str()] = each;
      each.domains = domains_of(route.service.str());
    }
    table.push_back(std::move(each));
  }
  rooms_.gateway->set_routes(service, std::move(table));
}

std::vector<gateway::Domain> Switchboard::domains_of(const std::string& service) const {
  std::vector<gateway::Domain> found;
  if (rooms_.domains == nullptr) return found;
  for (const domains::Mapping* mapping : rooms_.domains->of_service(service)) {
    const bool has_certificate =
        rooms_.certificates != nullptr && rooms_.certificates->has_public(mapping->domain);
    found.push_back({mapping->domain, has_certificate ? rooms_.https_port : uint16_t{0}});
  }
  return found;
}

// ---- From domains ------------------------------------------------------------------------------

void Switchboard::on_certificate(const std::string& domain, tls::SharedCertificate certificate) {
  if (rooms_.certificates != nullptr) {
    rooms_.certificates->set_issued(domain, std::move(certificate));
  }
}

void Switchboard::on_unmapped(const std::string& domain) {
  if (rooms_.certificates != nullptr) rooms_.certificates->remove_issued(domain);
}

int Switchboard::places_of(const std::string& host) const {
  const auto found = places_.find(host);
  return found == places_.end() ? 0 : found->second;
}

const gateway::Route* Switchboard::route_of(const std::string& service) const {
  const auto found = services_.find(service);
  return found == services_.end() ? nullptr : &found->second;
}

void Switchboard::on_source(const std::string& service, const std::string& text) {
  on_event({.severity = Severity::kInfo, .service = ServiceId(service), .message = text});
}

void Switchboard::on_delivery(const ServiceId& service, const RevisionId& revision, int status,
                              Duration latency) {
  rooms_.metrics->on_request(service, {.status = status, .latency = latency});
  rooms_.meter->add_request(service, revision, revisions_[revision].mode);
}

// ---- From the gateway --------------------------------------------------------------------------

void Switchboard::on_request(const gateway::AccessRecord& record) {
  if (record.service == nullptr) {
    rooms_.metrics->on_unrouted();
    return;
  }
  rooms_.metrics->on_request(*record.service, {.status = record.status,
                                               .latency = record.latency,
                                               .queued = record.queued,
                                               .refusal = record.refusal});
  const auto kept = request_record(record, rooms_.clock->wall_now() - record.latency);
  rooms_.requests->add(kept);
  if (rooms_.spans != nullptr) rooms_.spans->add(kept);
  if (record.instance != nullptr && record.revision != nullptr) {
    rooms_.meter->add_request(*record.service, *record.revision, revisions_[*record.revision].mode);
  }
}

}  // namespace thaw::app
