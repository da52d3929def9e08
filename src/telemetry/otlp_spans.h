// Spans of requests as OTLP carries them: an ExportTraceServiceRequest in protobuf's wire format.
//
// A request is up to four spans: "gateway" (its whole way, a SERVER span whose parent is the
// caller's), and below it "queue" (it waited for a place), "wake" (an instance was started or woken
// for it, attribute thaw.rung) and "instance" (a CLIENT span: it was in an instance). Names of
// attributes are OpenTelemetry's semantic conventions for HTTP and FaaS. A URL's query is left out:
// it may hold credentials. Pure. Source: opentelemetry-proto, trace/v1/trace.proto.
// **Thread**: any. **Owner**: values. **Limits**: one message of at most 256 MiB.
#pragma once

#include <string>
#include <string_view>

#include "telemetry/request_batch.h"

namespace thaw::telemetry {

struct SpanResource {
  std::string name = "thaw";  // service.name
  std::string version;        // service.version
};

struct SpanMessage {
  std::string bytes;
  size_t spans = 0;
};
SpanMessage make_span_message(const RequestBatch& batch, const SpanResource& resource);

/// How many spans an ExportTraceServiceResponse says were refused; 0 for what cannot be read.
uint64_t rejected_spans(std::string_view response);

}  // namespace thaw::telemetry
