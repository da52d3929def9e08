// The options that say where spans go and which, from their flags and OpenTelemetry's variables.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <string_view>

#include "app/options.h"

namespace thaw::app {

/// "": no spans. The path /v1/traces is added, as for OTEL_EXPORTER_OTLP_ENDPOINT.
Status set_otlp_endpoint(UpOptions& options, std::string_view url);
/// OTEL_TRACES_SAMPLER's words.
Status set_traces_sampler(UpOptions& options, std::string_view name);
/// OTEL_TRACES_SAMPLER_ARG: a ratio.
Status set_traces_sampler_arg(UpOptions& options, std::string_view ratio);
/// What only OpenTelemetry's variables say: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
/// OTEL_EXPORTER_OTLP_HEADERS (which no flag takes, because it may hold a credential),
/// OTEL_EXPORTER_OTLP_CERTIFICATE,
/// OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_SERVICE_NAME, OTEL_BSP_SCHEDULE_DELAY, OTEL_SDK_DISABLED.
Status take_otlp_environment(UpOptions& options, const OptionSources& sources);

}  // namespace thaw::app
