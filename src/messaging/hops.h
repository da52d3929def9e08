// Hops: how many deliveries lie between a message and the first event that led to it.
//
// A file lands in a bucket (0), a service is pushed its event and writes an output (1), whose event
// is pushed to the next service, whose output ... A set-up without a loop has as many hops as it
// has stages, whatever runs at the same time; one that feeds itself passes every number. So more
// than kMostHops are taken for an endless loop. The number travels as an attribute of the
// notification, through the metadata of the object that was written.
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <charconv>
#include <string_view>

#include "messaging/topic.h"

namespace thaw::messaging {

inline constexpr int kMostHops = 10;
inline constexpr std::string_view kHopsAttribute = "thawHops";

inline int hops_of(const Message& message) {
  for (const auto& [key, value] : message.attributes) {
    int hops = 0;
    if (key != kHopsAttribute) continue;
    std::from_chars(value.data(), value.data() + value.size(), hops);
    return hops < 0 ? 0 : hops;
  }
  return 0;
}

}  // namespace thaw::messaging
