#include "telemetry/request_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/json.h"

namespace thaw::telemetry {
namespace {

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c >= ' ' && c < 0x7f && c != '"' && c != '\\'; });
}

/// As a JSON string. Almost every text is plain ASCII; the rest goes the long way.
void append_string(std::string& out, std::string_view text) {
  if (!is_plain(text)) {
    out += Json(text).dump();
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

/// `name` with quotes, comma and colon.
void append_field(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += name;
  append_string(out, text);
}

void append_number(std::string& out, std::string_view name, uint64_t value) {
  out += name;
  out += '"';
  out += fmt::format_int(value).c_str();
  out += '"';
}

/// `value` in `width` digits.
void append_digits(std::string& out, uint64_t value, int width) {
  std::array<char, 20> digits;
  for (int i = width; i-- > 0; value /= 10)
    digits[static_cast<size_t>(i)] = "0123456789"[value % 10];
  out.append(digits.data(), static_cast<size_t>(width));
}

/// As format_rfc3339(), always with microseconds. The seconds are the same for a whole batch of
/// lines, mostly, and making them anew is most of the cost.
void append_time(std::string& out, WallTime time) {
  thread_local WallTime second{Duration::min()};
  thread_local std::string text;
  const auto since = time.time_since_epoch();
  const WallTime whole{std::chrono::floor<std::chrono::seconds>(since)};
  if (whole != second) {
    second = whole;
    text = format_rfc3339(whole);
    text.pop_back();  // the Z
  }
  out += text;
  out += '.';
  append_digits(out, static_cast<uint64_t>((time - whole).count() / 1000), 6);
  out += 'Z';
}

void append_hex(std::string& out, uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[value >> shift & 15];
}

/// A Duration of protobuf in JSON, in three or six decimals: "0.012s".
void append_seconds(std::string& out, Duration value) {
  const int64_t micros = std::max<int64_t>(0, value.count() / 1000);
  const auto fraction = static_cast<uint64_t>(micros % 1'000'000);
  out += fmt::format_int(micros / 1'000'000).c_str();
  out += '.';
  if (fraction % 1000 == 0) {
    append_digits(out, fraction / 1000, 3);
  } else {
    append_digits(out, fraction, 6);
  }
  out += 's';
}

void append_url(std::string& out, const RequestRecord& record) {
  // A target may be a whole URL, or "*".
  if (!record.target.starts_with('/')) return append_string(out, record.target);
  if (!is_plain(record.host) || !is_plain(record.target)) {
    return append_string(out, fmt::format("{}://{}{}", record.scheme, record.host, record.target));
  }
  out += '"';
  out += record.scheme;
  out += "://";
  out += record.host;
  out += record.target;
  out += '"';
}

}  // namespace

std::string_view severity_of_status(int status) {
  if (status >= 500) return "ERROR";
  return status >= 400 ? "WARNING" : "INFO";
}

bool is_logged(const RequestRecord& record, double share) {
  if (share >= 1) return true;
  if (share <= 0) return false;
  if (record.status >= 500) return true;
  uint64_t draw = 0;
  const std::string_view low = record.trace_id.substr(record.trace_id.size() / 2);
  std::from_chars(low.data(), low.data() + low.size(), draw, 16);
  return static_cast<double>(draw) < share * 0x1p64;
}

void append_line(std::string& out, const RequestRecord& record) {
  out += R"({"timestamp":")";
  append_time(out, record.time);
  out += R"(","severity":")";
  out += severity_of_status(record.status);
  out += '"';
  append_field(out, R"(,"service":)", record.service);
  append_field(out, R"(,"revision":)", record.revision);
  append_field(out, R"(,"instance":)", record.instance);
  out += R"(,"stream":"requests","httpRequest":{)";
  out += R"("requestMethod":)";
  append_string(out, record.method);
  out += R"(,"requestUrl":)";
  append_url(out, record);
  append_number(out, R"(,"requestSize":)", record.request_size);
  out += R"(,"status":)";
  out += fmt::format_int(record.status).c_str();
  append_number(out, R"(,"responseSize":)", record.response_size);
  append_field(out, R"(,"userAgent":)", record.user_agent);
  append_field(out, R"(,"remoteIp":)", record.remote_ip);
  append_field(out, R"(,"serverIp":)", record.server_ip);
  append_field(out, R"(,"referer":)", record.referer);
  out += R"(,"latency":")";
  append_seconds(out, record.latency);
  out += '"';
  append_field(out, R"(,"protocol":)", record.protocol);
  out += '}';
  if (!record.trace_id.empty()) {
    out += R"(,"trace":"projects/)";
    out += kLogProject;
    out += "/traces/";
    out += record.trace_id;
    out += R"(","spanId":")";
    append_hex(out, record.span);
    out += record.sampled ? R"(","traceSampled":true)" : R"(","traceSampled":false)";
  }
  out += "}\n";
}

}  // namespace thaw::telemetry
