#include "api/metrics_page.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "serving/serving.h"
#include "tls/server_net.h"

namespace thaw::api {
namespace {

using Samples = std::vector<telemetry::Metrics::Sample>;

void add_instances(const serving::Serving& serving, Samples& samples) {
  struct Sums {
    std::map<std::string_view, int> states;
    std::map<std::string_view, int> temperatures;
    int in_flight = 0;
    int64_t resident = 0;
    int64_t swapped = 0;
  };
  std::map<std::string, Sums> services;
  for (const auto& instance : serving.instances()) {
    Sums& sums = services[instance.service.str()];
    ++sums.states[name_of(instance.state)];
    ++sums.temperatures[name_of(instance.temperature)];
    sums.in_flight += instance.in_flight;
    sums.resident += instance.usage.memory.value;
    sums.swapped += instance.usage.swapped.value;
  }
  for (const auto& [service, sums] : services) {
    const auto add = [&samples, &service](std::string_view name, std::string_view help,
                                          std::string_view more, double value) {
      samples.push_back({name, help, fmt::format("{{service=\"{}\"{}}}", service, more), value});
    };
    for (const auto& [state, count] : sums.states) {
      add("thaw_instances", "Instances by state.", fmt::format(",state=\"{}\"", state), count);
    }
    for (const auto& [temperature, count] : sums.temperatures) {
      add("thaw_instances_by_temperature", "Instances by temperature.",
          fmt::format(",temperature=\"{}\"", temperature), count);
    }
    add("thaw_requests_in_flight", "Requests that are in instances now.", "", sums.in_flight);
    add("thaw_memory_resident_bytes", "Memory that a service's instances hold.", "",
        static_cast<double>(sums.resident));
    add("thaw_memory_swapped_bytes", "Memory of instances that is in swap.", "",
        static_cast<double>(sums.swapped));
  }
}

void add_queues(const serving::Serving& serving, Samples& samples) {
  std::map<std::string, int> waiting;  // revisions of one service together
  for (const auto& queue : serving.queues()) waiting[queue.service.str()] += queue.waiting;
  for (const auto& [service, count] : waiting) {
    samples.push_back({"thaw_queue_length", "Requests that wait for a place in an instance.",
                       fmt::format("{{service=\"{}\"}}", service), static_cast<double>(count)});
  }
}

void add_handshakes(const tls::HandshakeCounts& counts, Samples& samples) {
  constexpr auto kCounter = telemetry::Metrics::Sample::Type::kCounter;
  samples.push_back({"thaw_tls_handshakes_total",
                     "TLS handshakes of the gateway's clients that succeeded.", "",
                     static_cast<double>(counts.done), kCounter});
  for (size_t i = 0; i < counts.failed.size(); ++i) {
    samples.push_back({"thaw_tls_handshake_failures_total",
                       "TLS handshakes of the gateway's clients that came to nothing, by reason.",
                       fmt::format("{{reason=\"{}\"}}", tls::kHandshakeFaults[i]),
                       static_cast<double>(counts.failed[i]), kCounter});
  }
}

void add_losses(const Rooms& rooms, Samples& samples) {
  const auto count = [&samples](std::string_view name, std::string_view help, uint64_t value) {
    samples.push_back(
        {name, help, "", static_cast<double>(value), telemetry::Metrics::Sample::Type::kCounter});
  };
  count("thaw_log_lines_dropped_total", "Log lines that the disk did not take.",
        rooms.logs.dropped());
  count("thaw_request_log_dropped_total",
        "Requests without a line in the log: there was no room, or the disk took none.",
        rooms.requests.dropped());
  if (rooms.spans == nullptr) return;
  const auto& spans = rooms.spans->counts();
  count("thaw_spans_exported_total", "Spans that the collector took.", spans.exported);
  count("thaw_spans_rejected_total", "Spans that the collector refused or never took.",
        spans.rejected);
  count("thaw_span_requests_dropped_total", "Requests whose spans found no room to wait.",
        spans.dropped);
}

}  // namespace

std::string metrics_page(const Rooms& rooms, const ApiOptions& options) {
  Samples samples;
  add_instances(rooms.serving, samples);
  add_queues(rooms.serving, samples);
  add_losses(rooms, samples);
  if (rooms.tls != nullptr) add_handshakes(rooms.tls->counts(), samples);
  samples.push_back({"thaw_services", "Deployed services.", "",
                     static_cast<double>(rooms.control.list().size())});
  samples.push_back({"thaw_build_info", "1, with the program's version.",
                     fmt::format("{{version=\"{}\"}}", options.version), 1});
  return rooms.metrics.render(std::move(samples));
}

}  // namespace thaw::api
