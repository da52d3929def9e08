// Usage: what is billed, in whole units, and the rule that makes it out of stretches of time. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: an Amount overflows after 8 years of one
// instance with 32 GiB.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/id.h"
#include "base/time.h"

namespace thaw::billing {

/// Contract 5.1: CPU while a request is in flight, or for an instance's whole life.
enum class Mode { kRequestBased, kInstanceBased };

/// Sums of whole units: nothing is lost by adding.
struct Amount {
  int64_t cpu = 0;        // thousandths of a vCPU x milliseconds
  int64_t memory = 0;     // KiB x milliseconds
  int64_t billed_ms = 0;  // instance time
  int64_t requests = 0;

  double vcpu_seconds() const { return static_cast<double>(cpu) / 1e6; }
  double gib_seconds() const { return static_cast<double>(memory) / (1048576.0 * 1000); }
  double instance_seconds() const { return static_cast<double>(billed_ms) / 1e3; }
  bool empty() const { return *this == Amount{}; }
  Amount& operator+=(const Amount& other);
  bool operator==(const Amount&) const = default;
};

struct Usage {
  Amount request_based;
  Amount instance_based;

  Amount& of(Mode mode) { return mode == Mode::kRequestBased ? request_based : instance_based; }
  Usage& operator+=(const Usage& other);
  bool operator==(const Usage&) const = default;
};

/// A stretch in which an instance is billed; overlapping requests are one stretch.
struct Span {
  InstanceId instance;
  RevisionId revision;
  ServiceId service;
  Instant from;
  Instant to;  // not before `from`
  int cpu_millis = 0;
  ByteCount memory;
  Mode mode = Mode::kRequestBased;
};

/// Contract 5.1: rounded up to 100 ms; with instance-based CPU at least a minute.
int64_t billable_ms(Duration active, Mode mode);

/// What an instance's stretch adds, when it was billed `before` in the same stretch already: a
/// stretch reported in parts costs what it costs in one.
Amount amount_of(const Span& span, Duration before);

}  // namespace thaw::billing
