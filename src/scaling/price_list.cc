#include "scaling/price_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace thaw::scaling {
namespace {

constexpr double kFirstSeconds = 20e-6;
constexpr double kFactor = 1.25;
constexpr std::string_view kVersion = "v1";

size_t bucket_of(Duration time) {
  const double seconds = to_seconds(time);
  if (seconds <= kFirstSeconds) return 0;
  const auto bucket = static_cast<size_t>(std::log(seconds / kFirstSeconds) / std::log(kFactor));
  return std::min(bucket + 1, WakeTimes::kBuckets - 1);
}

/// The geometric middle of a bucket.
Duration middle_of(size_t bucket) {
  return seconds(kFirstSeconds * std::pow(kFactor, static_cast<double>(bucket) - 0.5));
}

std::optional<Rung> rung_of(std::string_view name) {
  for (const Rung rung : kRungs) {
    if (name_of(rung) == name) return rung;
  }
  return std::nullopt;
}

/// Takes the word up to `separator` off the front.
std::string_view take(std::string_view& text, char separator) {
  const size_t at = text.find(separator);
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + 1);
  return word;
}

template <class Number>
bool parse(std::string_view word, Number& value) {
  const auto [end, fault] = std::from_chars(word.data(), word.data() + word.size(), value);
  return fault == std::errc() && end == word.data() + word.size();
}

}  // namespace

std::string_view name_of(Rung rung) {
  switch (rung) {
    case Rung::kCold:
      return "cold";
    case Rung::kTemplated:
      return "templated";
    case Rung::kHibernated:
      return "hibernated";
    case Rung::kFrozen:
      return "frozen";
    case Rung::kHot:
      break;
  }
  return "hot";
}

void WakeTimes::add(Duration time) {
  if (count_ >= kMostCounted) {
    count_ = 0;
    for (uint32_t& each : counts_) count_ += each /= 2;
  }
  ++counts_[bucket_of(time)];
  ++count_;
}

Duration WakeTimes::quantile(double share) const {
  const double wanted = share * count_;
  uint32_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket];
    if (counts_[bucket] > 0 && seen >= wanted) return middle_of(bucket);
  }
  return Duration(0);
}

void PriceList::add_wake(Rung rung, Duration time) {
  Price& price = prices_[static_cast<size_t>(rung)];
  price.wakes.add(time);
  ++price.wakes_ever;
}

void PriceList::set_memory(Rung rung, ByteCount memory) {
  prices_[static_cast<size_t>(rung)].memory = memory;
}

bool PriceList::empty() const {
  return std::all_of(prices_.begin(), prices_.end(),
                     [](const Price& price) { return price.wakes_ever == 0 && !price.memory; });
}

std::string PriceList::encode() const {
  std::string text(kVersion);
  for (const Rung rung : kRungs) {
    const Price& price = of(rung);
    if (price.wakes_ever == 0 && !price.memory) continue;
    text += fmt::format(" {} {} {} ", name_of(rung), price.wakes_ever,
                        price.memory ? price.memory->value : -1);
    std::string counts;
    for (size_t bucket = 0; bucket < WakeTimes::kBuckets; ++bucket) {
      const uint32_t count = price.wakes.counts_[bucket];
      if (count > 0) counts += fmt::format("{}{}:{}", counts.empty() ? "" : ",", bucket, count);
    }
    text += counts.empty() ? "-" : counts;
  }
  return text;
}

std::optional<PriceList> PriceList::decode(std::string_view text) {
  if (take(text, ' ') != kVersion) return std::nullopt;
  PriceList list;
  while (!text.empty()) {
    const auto rung = rung_of(take(text, ' '));
    int64_t memory = -1;
    if (!rung) return std::nullopt;
    Price& price = list.prices_[static_cast<size_t>(*rung)];
    if (!parse(take(text, ' '), price.wakes_ever)) return std::nullopt;
    if (!parse(take(text, ' '), memory) || memory < -1) return std::nullopt;
    if (memory >= 0) price.memory = ByteCount{memory};
    std::string_view counts = take(text, ' ');
    if (counts.empty()) return std::nullopt;
    if (counts == "-") continue;
    while (!counts.empty()) {
      std::string_view pair = take(counts, ',');
      size_t bucket = 0;
      uint32_t count = 0;
      if (!parse(take(pair, ':'), bucket) || bucket >= WakeTimes::kBuckets) return std::nullopt;
      if (!parse(pair, count) || count > WakeTimes::kMostCounted) return std::nullopt;
      price.wakes.count_ += count - std::exchange(price.wakes.counts_[bucket], count);
    }
    if (price.wakes.count_ > WakeTimes::kMostCounted) return std::nullopt;
  }
  return list;
}

}  // namespace thaw::scaling
