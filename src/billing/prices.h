// The list prices of Cloud Run, its free tier, and what a usage costs. Pure.
//
// Source: docs of cloud.google.com/run/pricing as noted in 2026-08..2026-10 (contract 5.1). What
// Thaw shows with them is what the same work would have cost there, not a bill.
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <optional>
#include <string_view>

#include "billing/usage.h"

namespace thaw::billing {

/// US dollars. Request-based prices are of active time; idle minimum instances are not metered yet.
struct PriceList {
  std::string_view name;
  double request_based_vcpu_second;
  double request_based_gib_second;
  double million_requests;  // request-based only
  double instance_based_vcpu_second;
  double instance_based_gib_second;
};

/// us-central1 and the other regions of its tier.
inline constexpr PriceList kTier1{"tier 1", 0.000024, 0.0000025, 0.40, 0.000018, 0.000002};
/// Seoul, Delhi and the other regions of their tier.
inline constexpr PriceList kTier2{"tier 2", 0.0000336, 0.0000035, 0.40, 0.0000216, 0.0000024};

/// "tier1" or "tier2"; nullopt otherwise.
std::optional<PriceList> price_list(std::string_view name);

/// Per calendar month and billing account, given as a discount at Tier-1 prices.
struct FreeTier {
  double vcpu_seconds;
  double gib_seconds;
  double requests;
};
inline constexpr FreeTier kRequestBasedFree{180'000, 360'000, 2'000'000};
inline constexpr FreeTier kInstanceBasedFree{240'000, 450'000, 0};

struct Cost {
  double cpu = 0;  // US dollars, as all of them
  double memory = 0;
  double requests = 0;

  double total() const { return cpu + memory + requests; }
};

/// At list price, before the free tier. Unrounded.
Cost list_cost(const Usage& usage, const PriceList& prices);

/// What the free tier takes off the account's usage of one calendar month: at most what each of
/// CPU, memory and requests costs.
double free_discount(const Usage& month, const PriceList& prices);

}  // namespace thaw::billing
