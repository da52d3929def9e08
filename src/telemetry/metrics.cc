#include "telemetry/metrics.h"

#include <fmt/format.h>

#include <map>
#include <numeric>

#include "base/check.h"

namespace thaw::telemetry {
namespace {

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

void Metrics::Histogram::add(double seconds) {
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++counts[bucket];
  sum += seconds;
}

void Metrics::Histogram::render(std::string& out, std::string_view name,
                                std::string_view service) const {
  uint64_t below = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
    out += fmt::format("{}_bucket{{service=\"{}\",le=\"{}\"}} {}\n", name, service, bound, below);
  }
  out += fmt::format("{}_sum{{service=\"{}\"}} {}\n", name, service, sum);
  out += fmt::format("{}_count{{service=\"{}\"}} {}\n", name, service, below);
}

void Metrics::on_request(const ServiceId& service, int status, Duration latency) {
  Counters& counters = services_[service];
  const int status_class = status / 100;
  ++counters
        .by_class[status_class >= 1 && status_class <= 5 ? static_cast<size_t>(status_class) : 0];
  counters.latency.add(to_seconds(latency));
}

void Metrics::on_start(const ServiceId& service, Duration took) {
  services_[service].start.add(to_seconds(took));
}

std::string Metrics::render(const std::vector<Gauge>& gauges) const {
  std::map<std::string_view, const Counters*> sorted;
  for (const auto& [service, counters] : services_) sorted[service.str()] = &counters;

  std::string out;
  head(out, "thaw_requests_total", "counter", "Answered requests by class of status.");
  for (const auto& [service, counters] : sorted) {
    for (size_t i = 1; i < counters->by_class.size(); ++i) {
      out += fmt::format("thaw_requests_total{{service=\"{}\",response_code_class=\"{}xx\"}} {}\n",
                         service, i, counters->by_class[i]);
    }
  }
  head(out, "thaw_request_latency_seconds", "histogram", "From a request's head to its last byte.");
  for (const auto& [service, counters] : sorted) {
    counters->latency.render(out, "thaw_request_latency_seconds", service);
  }
  head(out, "thaw_start_seconds", "histogram", "From the wish for an instance until it listens.");
  for (const auto& [service, counters] : sorted) {
    counters->start.render(out, "thaw_start_seconds", service);
  }
  head(out, "thaw_unrouted_requests_total", "counter", "Requests for a host that no service has.");
  out += fmt::format("thaw_unrouted_requests_total {}\n", unrouted_);
  head(out, "thaw_bugs_total", "counter", "Odd states of Thaw itself; see its log.");
  out += fmt::format("thaw_bugs_total {}\n", bug_count());
  std::string_view last;
  for (const Gauge& gauge : gauges) {
    if (gauge.name != last) head(out, gauge.name, "gauge", gauge.help);
    last = gauge.name;
    out += fmt::format("{}{} {}\n", gauge.name, gauge.labels, gauge.value);
  }
  return out;
}

}  // namespace thaw::telemetry
