#include "gateway/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace thaw::gateway {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

bool is_lower_hex(std::string_view text) {
  return text.find_first_not_of(kHex) == std::string_view::npos;
}

bool is_id(std::string_view text) {
  return is_lower_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

void write_hex(uint64_t value, char* out) {
  for (int i = 15; i >= 0; --i, value >>= 4) out[i] = kHex[value & 15];
}

uint64_t read_hex(std::string_view digits) {
  uint64_t value = 0;
  for (const char c : digits) value = value << 4 | kHex.find(c);
  return value;
}

bool read_traceparent(std::string_view text, Trace& trace) {
  // 2 version, 32 trace id, 16 parent id, 2 flags, with hyphens; later versions may be longer.
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const std::string_view version = text.substr(0, 2);
  const std::string_view id = text.substr(3, 32);
  const std::string_view flags = text.substr(53, 2);
  const bool length_fits = text.size() == 55 || (version != "00" && text[55] == '-');
  if (!is_lower_hex(version) || version == "ff" || !length_fits) return false;
  if (!is_id(id) || !is_id(text.substr(36, 16)) || !is_lower_hex(flags)) return false;
  std::copy(id.begin(), id.end(), trace.trace_id.begin());
  trace.parent = read_hex(text.substr(36, 16));
  trace.sampled = (kHex.find(flags[1]) & 1) != 0;
  return true;
}

bool read_cloud_context(std::string_view text, Trace& trace) {
  const std::string_view id = text.substr(0, 32);
  if (text.size() > 32 && text[32] != '/' && text[32] != ';') return false;
  std::array<char, 32> lower;
  if (id.size() != lower.size()) return false;
  std::transform(id.begin(), id.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c; });
  if (!is_id({lower.data(), lower.size()})) return false;
  trace.trace_id = lower;
  if (text.size() > 33 && text[32] == '/') {
    const auto parsed = std::from_chars(text.data() + 33, text.data() + text.size(), trace.parent);
    if (parsed.ec != std::errc()) trace.parent = 0;
  }
  trace.sampled = text.find(";o=0") == std::string_view::npos;
  return true;
}

bool samples(const Sampler& sampler, std::string_view trace_id) {
  if (sampler.root != Sampler::Root::kRatio) return sampler.root == Sampler::Root::kOn;
  if (sampler.ratio >= 1) return true;
  // As OpenTelemetry's TraceIdRatioBased: the lower 63 bits against the ratio.
  const uint64_t low = read_hex(trace_id.substr(16)) & ~(uint64_t{1} << 63);
  return static_cast<double>(low) < sampler.ratio * 0x1p63;
}

}  // namespace

void Trace::append_traceparent(std::string& out) const {
  char text[55] = {'0', '0', '-'};
  std::copy(trace_id.begin(), trace_id.end(), text + 3);
  text[35] = '-';
  write_hex(span, text + 36);
  text[52] = '-';
  text[53] = '0';
  text[54] = sampled ? '1' : '0';
  out.append(text, sizeof text);
}

void Trace::append_cloud_context(std::string& out) const {
  out.append(trace_id.data(), trace_id.size());
  out += '/';
  out += fmt::format_int(span).c_str();
  out += sampled ? ";o=1" : ";o=0";
}

Trace continue_trace(const TraceHeaders& headers, const std::array<uint64_t, 3>& random,
                     const Sampler& sampler) {
  Trace trace{};
  trace.span = random[2] == 0 ? 1 : random[2];
  bool continued = read_traceparent(headers.traceparent, trace);
  if (!continued) {
    trace = {.span = trace.span};
    continued = read_cloud_context(headers.cloud_context, trace);
  }
  if (!continued) {
    write_hex(random[0], trace.trace_id.data());
    write_hex(random[1] | 1, trace.trace_id.data() + 16);
  }
  if (!continued || !sampler.follows_parent) trace.sampled = samples(sampler, trace.id());
  return trace;
}

}  // namespace thaw::gateway
