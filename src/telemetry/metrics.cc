#include "telemetry/metrics.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace thaw::telemetry {
namespace {

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

}  // namespace

void Metrics::Histogram::add(Duration value) {
  const double seconds = to_seconds(value);
  size_t bucket = 0;
  while (bucket < kBounds.size() && seconds > kBounds[bucket]) ++bucket;
  ++counts[bucket];
  sum += seconds;
}

void Metrics::Histogram::render(std::string& out, std::string_view name,
                                std::string_view labels) const {
  uint64_t below = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    below += counts[i];
    const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
    out += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", name, labels, bound, below);
  }
  out += fmt::format("{}_sum{{{}}} {}\n", name, labels, sum);
  out += fmt::format("{}_count{{{}}} {}\n", name, labels, below);
}

Metrics::Counters* Metrics::counters_of(const ServiceId& service) {
  const auto known = services_.find(service);
  if (known == services_.end()) return nullptr;
  if (known->second == nullptr) known->second = std::make_unique<Counters>();
  return known->second.get();
}

void Metrics::on_request(const ServiceId& service, const Answered& answered) {
  Counters* const known_service = counters_of(service);
  if (known_service == nullptr) return;
  Counters& counters = *known_service;
  const int status_class = answered.status / 100;
  ++counters
        .by_class[status_class >= 1 && status_class <= 5 ? static_cast<size_t>(status_class) : 0];
  counters.latency.add(answered.latency);
  counters.queued.add(answered.queued);
  if (answered.refusal.empty()) return;
  const auto known = counters.refused.find(answered.refusal);
  if (known != counters.refused.end()) {
    ++known->second;
  } else {
    counters.refused.emplace(answered.refusal, 1);
  }
}

void Metrics::on_start(const ServiceId& service, Duration took) {
  Counters* const counters = counters_of(service);
  if (counters == nullptr) return;
  if (counters->start == nullptr) counters->start = std::make_unique<Histogram>();
  counters->start->add(took);
}

void Metrics::on_wake(const ServiceId& service, std::string_view rung, Duration took) {
  Counters* const counters = counters_of(service);
  if (counters == nullptr) return;
  auto& wakes = counters->wakes;
  auto known = wakes.find(rung);
  if (known == wakes.end()) known = wakes.emplace(rung, Histogram()).first;
  known->second.add(took);
}

std::string Metrics::render(std::vector<Sample> samples) const {
  struct Labelled {
    std::string label;
    const Counters* counters;
  };
  std::vector<Labelled> sorted;
  for (const auto& [service, counters] : services_) {
    if (counters == nullptr) continue;
    sorted.push_back({fmt::format("service=\"{}\"", service.str()), counters.get()});
  }
  std::ranges::sort(sorted, {}, &Labelled::label);

  std::string out;
  head(out, "thaw_requests_total", "counter", "Answered requests by class of status.");
  for (const auto& [label, counters] : sorted) {
    for (size_t i = 1; i < counters->by_class.size(); ++i) {
      out += fmt::format("thaw_requests_total{{{},response_code_class=\"{}xx\"}} {}\n", label, i,
                         counters->by_class[i]);
    }
  }
  head(out, "thaw_request_duration_seconds", "histogram",
       "From a request's head to its answer's last byte.");
  for (const auto& [label, counters] : sorted) {
    counters->latency.render(out, "thaw_request_duration_seconds", label);
  }
  head(out, "thaw_request_queue_duration_seconds", "histogram",
       "How long requests waited for a place in an instance.");
  for (const auto& [label, counters] : sorted) {
    counters->queued.render(out, "thaw_request_queue_duration_seconds", label);
  }
  head(out, "thaw_refused_requests_total", "counter",
       "Requests that the gateway answered itself, by reason.");
  for (const auto& [label, counters] : sorted) {
    for (const auto& [reason, count] : counters->refused) {
      out +=
          fmt::format("thaw_refused_requests_total{{{},reason=\"{}\"}} {}\n", label, reason, count);
    }
  }
  head(out, "thaw_instance_start_duration_seconds", "histogram",
       "From the wish for an instance until it listens.");
  for (const auto& [label, counters] : sorted) {
    if (counters->start == nullptr) continue;
    counters->start->render(out, "thaw_instance_start_duration_seconds", label);
  }
  head(out, "thaw_wake_duration_seconds", "histogram",
       "From a request to the first byte of its answer, by the rung that it woke.");
  for (const auto& [label, counters] : sorted) {
    for (const auto& [rung, histogram] : counters->wakes) {
      histogram.render(out, "thaw_wake_duration_seconds",
                       fmt::format("{},rung=\"{}\"", label, rung));
    }
  }
  samples.push_back({"thaw_unrouted_requests_total", "Requests for a host that no service has.", "",
                     static_cast<double>(unrouted_), Sample::Type::kCounter});
  samples.push_back({"thaw_bugs_total", "Odd states of Thaw itself; see its log.", "",
                     static_cast<double>(bug_count()), Sample::Type::kCounter});
  std::ranges::stable_sort(samples, {}, &Sample::name);
  std::string_view last;
  for (const Sample& sample : samples) {
    const bool counts = sample.type == Sample::Type::kCounter;
    if (sample.name != last) head(out, sample.name, counts ? "counter" : "gauge", sample.help);
    last = sample.name;
    out += fmt::format("{}{} {}\n", sample.name, sample.labels, sample.value);
  }
  return out;
}

}  // namespace thaw::telemetry
