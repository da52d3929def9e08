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
  bool sampled = true;

  std::string_view id() const { return {trace_id.data(), trace_id.size()}; }
  /// "00-<trace>-<span>-01".
  void append_traceparent(std::string& out) const;
  /// "<trace>/<span in decimal>;o=1".
  void append_cloud_context(std::string& out) const;
};

struct TraceHeaders {
  std::string_view traceparent;    // empty: absent
  std::string_view cloud_context;  // empty: absent
};

/// Continues a well-formed traceparent, else a well-formed cloud context, else begins a trace.
/// `random` gives three numbers.
Trace continue_trace(const TraceHeaders& headers, const std::array<uint64_t, 3>& random);

}  // namespace thaw::gateway
