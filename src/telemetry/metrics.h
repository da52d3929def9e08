// Metrics: counters and histograms of the platform, printed as Prometheus reads them.
//
// Names follow Prometheus' conventions (units as seconds and bytes, counters end in _total);
// docs/reference/metrics.md lists them. Not for logs or traces.
// **Thread**: the loop's. **Owner**: a value. **Limits**: one set of counters a service that is
// deployed and had a request or a start. What ends after its service was deleted is not counted.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/time.h"

namespace thaw::telemetry {

class Metrics {
 public:
  struct Answered {
    int status = 0;  // of HTTP; 499 when the client left before the answer
    Duration latency{0};
    Duration queued{0};          // of it, waiting for a place
    std::string_view refusal{};  // why the gateway answered itself, in a word; or empty
  };
  /// Deployed: counted from now on, or still. Before anything else about it.
  void know(const ServiceId& service) { services_.try_emplace(service); }
  /// Deleted: its series go.
  void forget(const ServiceId& service) { services_.erase(service); }

  void on_request(const ServiceId& service, const Answered& answered);
  /// A request for a host that no service has.
  void on_unrouted() { ++unrouted_; }
  /// An instance listens, `took` after it was asked for.
  void on_start(const ServiceId& service, Duration took);
  /// The first answer after a start or a wake from `rung` began, `took` after its request came.
  void on_wake(const ServiceId& service, std::string_view rung, Duration took);

  /// What is true now, or counted elsewhere, added by who prints: labels as {service="x"}.
  struct Sample {
    std::string_view name;
    std::string_view help;
    std::string labels;
    double value = 0;
    enum class Type { kGauge, kCounter } type = Type::kGauge;
  };
  /// The text exposition format, version 0.0.4: counters by service, then the samples by name.
  std::string render(std::vector<Sample> samples) const;

 private:
  struct Histogram {
    // Seconds; the last bucket is +Inf.
    static constexpr std::array<double, 16> kBounds = {
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300};
    std::array<uint64_t, kBounds.size() + 1> counts{};
    double sum = 0;
    void add(Duration value);
    void render(std::string& out, std::string_view name, std::string_view labels) const;
  };
  struct Counters {
    std::array<uint64_t, 6> by_class{};  // 1xx..5xx at 1..5; 0: others
    Histogram latency;
    Histogram queued;
    std::unique_ptr<Histogram> start;                      // null: none yet; most services have few
    std::map<std::string, Histogram, std::less<>> wakes;   // by rung
    std::map<std::string, uint64_t, std::less<>> refused;  // by reason
  };

  /// Null: nobody knows the service.
  Counters* counters_of(const ServiceId& service);

  std::unordered_map<ServiceId, std::unique_ptr<Counters>> services_;  // null: nothing to count yet
  uint64_t unrouted_ = 0;
};

}  // namespace thaw::telemetry
