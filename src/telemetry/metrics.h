// Metrics: counters and gauges of the platform, printed as Prometheus reads them.
//
// Names are Cloud Run's and Knative's where they have one. Not for logs or traces.
// **Thread**: the loop's. **Owner**: a value. **Limits**: one set of counters a service; a service
// that is deleted is forgotten.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/time.h"

namespace thaw::telemetry {

class Metrics {
 public:
  /// An answered request. `status`: of HTTP; 499 when the client left before the answer.
  void on_request(const ServiceId& service, int status, Duration latency);
  /// A request for a host that no service has.
  void on_unrouted() { ++unrouted_; }
  /// An instance listens, `took` after it was asked for.
  void on_start(const ServiceId& service, Duration took);
  void forget(const ServiceId& service) { services_.erase(service); }

  /// What is true now, added by who prints: name, labels as {service="x"}, value.
  struct Gauge {
    std::string name;
    std::string help;
    std::string labels;
    double value = 0;
  };
  /// The text exposition format, version 0.0.4, sorted by service.
  std::string render(const std::vector<Gauge>& gauges) const;

 private:
  struct Histogram {
    // Seconds; the last bucket is +Inf.
    static constexpr std::array<double, 11> kBounds = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5,
                                                       1,     5,     10,   60,   300};
    std::array<uint64_t, kBounds.size() + 1> counts{};
    double sum = 0;
    void add(double seconds);
    void render(std::string& out, std::string_view name, std::string_view service) const;
  };
  struct Counters {
    std::array<uint64_t, 6> by_class{};  // 1xx..5xx at 1..5; 0: others
    Histogram latency;
    Histogram start;
  };

  std::unordered_map<ServiceId, Counters> services_;
  uint64_t unrouted_ = 0;
};

}  // namespace thaw::telemetry
