// The trace parser refuses or accepts any bytes; what it accepts is in order and can be replayed.
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "simulate/replay.h"
#include "simulate/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::simulate;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto trace = read_trace(text, "trace", thaw::milliseconds(200));
  if (!trace) {
    CHECK(!trace.error().message().empty(), "a refusal says why");
    return 0;
  }
  CHECK(!trace->services.empty() && std::isfinite(trace->span));
  ReplayOptions options;
  options.span = trace->span;
  options.config.max_instances = 5;
  options.config.initial_instances = 0;
  for (const ServiceTrace& service : trace->services) {
    double before = 0;
    for (const Call& call : service.calls) {
      CHECK(call.at >= before && call.takes >= 0 && call.at < trace->span);
      before = call.at;
    }
    constexpr double kShort = 86400;
    if (trace->span > kShort || service.calls.size() > 1000) continue;
    const Outcome outcome = replay(service.calls, thaw_policy(), options);
    CHECK(outcome.calls <= service.calls.size());
  }
  return 0;
}
