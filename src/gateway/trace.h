// Trace: the identity of a request, continued from the caller's headers or begun here. Pure.
// Thread: any. Source: W3C Trace Context, level 1; Google's X-Cloud-Trace-Context.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace thaw::gateway {

struct Trace {
  std::array<char, 32> trace_id;  // hex digits
  uint64_t span = 0;              // ours, the parent of the instance's
  uint64_t parent = 0;            // the caller's; 0: it named none
  bool sampled = true;

  std::string_view id() const { return {trace_id.data(), trace_id.size()}; }
  /// "00-<trace>-<span>-01".
  void append_traceparent(std::string& out) const;
  /// "<trace>/<span in decimal>;o=1".
  void append_cloud_context(std::string& out) const;
};

/// Which requests' spans are recorded, in the words of OTEL_TRACES_SAMPLER.
struct Sampler {
  enum class Root { kOn, kOff, kRatio };
  Root root = Root::kOn;       // of a trace that begins here, or of all
  double ratio = 1;            // of kRatio, 0 to 1, by trace id
  bool follows_parent = true;  // a caller's decision counts
};

struct TraceHeaders {
  std::string_view traceparent;    // empty: absent
  std::string_view cloud_context;  // empty: absent
};

/// Continues a well-formed traceparent, else a well-formed cloud context, else begins a trace.
/// `random` gives three numbers.
Trace continue_trace(const TraceHeaders& headers, const std::array<uint64_t, 3>& random,
                     const Sampler& sampler = {});

}  // namespace thaw::gateway
