#include "billing/prices.h"

#include <algorithm>

namespace thaw::billing {
namespace {

Cost request_based_cost(const Amount& amount, const PriceList& prices) {
  return {amount.vcpu_seconds() * prices.request_based_vcpu_second,
          amount.gib_seconds() * prices.request_based_gib_second,
          static_cast<double>(amount.requests) / 1e6 * prices.million_requests};
}

Cost instance_based_cost(const Amount& amount, const PriceList& prices) {
  return {amount.vcpu_seconds() * prices.instance_based_vcpu_second,
          amount.gib_seconds() * prices.instance_based_gib_second, 0};
}

}  // namespace

std::optional<PriceList> price_list(std::string_view name) {
  if (name == "tier1") return kTier1;
  if (name == "tier2") return kTier2;
  return std::nullopt;
}

Cost list_cost(const Usage& usage, const PriceList& prices) {
  const Cost a = request_based_cost(usage.request_based, prices);
  const Cost b = instance_based_cost(usage.instance_based, prices);
  return {a.cpu + b.cpu, a.memory + b.memory, a.requests + b.requests};
}

double free_discount(const Usage& month, const PriceList& prices) {
  const Cost a = request_based_cost(month.request_based, prices);
  const Cost b = instance_based_cost(month.instance_based, prices);
  const FreeTier& ra = kRequestBasedFree;
  const FreeTier& ib = kInstanceBasedFree;
  return std::min(a.cpu, ra.vcpu_seconds * kTier1.request_based_vcpu_second) +
         std::min(a.memory, ra.gib_seconds * kTier1.request_based_gib_second) +
         std::min(a.requests, ra.requests / 1e6 * kTier1.million_requests) +
         std::min(b.cpu, ib.vcpu_seconds * kTier1.instance_based_vcpu_second) +
         std::min(b.memory, ib.gib_seconds * kTier1.instance_based_gib_second);
}

}  // namespace thaw::billing
