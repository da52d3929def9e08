// RequestRecord: what is known of one request that the gateway has answered, and its line in the
// request log.
//
// The line is Cloud Logging's entry of run.googleapis.com/requests: "httpRequest" with the names of
// its HttpRequest, severity by status, trace. The URL keeps its query, as Cloud Run's does; of the
// headers only User-Agent and Referer are ever here, so that no credential can be. Pure.
// **Thread**: any. **Owner**: views live as long as what they were made of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "telemetry/log_line.h"

namespace thaw::telemetry {

struct RequestRecord {
  WallTime time{};                   // of the head's arrival
  Duration latency{0};               // until the answer's last byte
  Duration queued{0};                // in it, waiting for a place
  std::optional<Duration> placed;    // since arrival; nothing: it never had a place
  std::optional<Duration> answered;  // since arrival, to the answer's first byte
  int status = 0;                    // 499: the client left
  uint64_t request_size = 0;         // bytes, head and body
  uint64_t response_size = 0;
  uint64_t span = 0;         // the gateway's
  uint64_t parent_span = 0;  // 0: none
  bool sampled = false;
  std::string_view service;
  std::string_view revision;  // empty: none was chosen
  std::string_view instance;  // empty: none was reached
  std::string_view method;
  std::string_view scheme = "http";
  std::string_view host;
  std::string_view target;  // with its query
  std::string_view user_agent;
  std::string_view referer;
  std::string_view remote_ip;
  std::string_view server_ip;
  std::string_view protocol;    // "HTTP/1.1"
  std::string_view trace_id;    // 32 hex digits
  std::string_view woken_from;  // a rung; empty: the instance was hot
};

/// Cloud Run's: INFO, from 400 on WARNING, from 500 on ERROR.
std::string_view severity_of_status(int status);

/// Whether a request is among the `share` (0 to 1) that is logged: by its trace, so that all
/// requests of a trace are, or none. One that failed on our side (5xx) always is, unless `share` is
/// 0.
bool is_logged(const RequestRecord& record, double share);

/// Appends the line as it stands in the file, with its end.
void append_line(std::string& out, const RequestRecord& record);

}  // namespace thaw::telemetry
