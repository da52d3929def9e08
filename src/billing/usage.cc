#include "billing/usage.h"

#include <algorithm>

namespace thaw::billing {
namespace {

constexpr int64_t kStepNs = 100'000'000;
constexpr int64_t kStepMs = 100;
constexpr int64_t kLeastInstanceBasedMs = 60'000;

}  // namespace

Amount& Amount::operator+=(const Amount& other) {
  cpu += other.cpu;
  memory += other.memory;
  billed_ms += other.billed_ms;
  requests += other.requests;
  return *this;
}

Usage& Usage::operator+=(const Usage& other) {
  request_based += other.request_based;
  instance_based += other.instance_based;
  return *this;
}

int64_t billable_ms(Duration active, Mode mode) {
  const int64_t ns = active.count();
  if (ns <= 0) return 0;
  const int64_t rounded = (ns / kStepNs + (ns % kStepNs != 0 ? 1 : 0)) * kStepMs;
  return mode == Mode::kInstanceBased ? std::max(rounded, kLeastInstanceBasedMs) : rounded;
}

Amount amount_of(const Span& span, Duration before) {
  const Duration length = std::max(span.to - span.from, Duration{0});
  Amount amount;
  amount.billed_ms = billable_ms(before + length, span.mode) - billable_ms(before, span.mode);
  amount.cpu = amount.billed_ms * span.cpu_millis;
  amount.memory = amount.billed_ms * ((span.memory.value + 1023) / 1024);
  return amount;
}

}  // namespace thaw::billing
