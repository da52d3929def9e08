#include "app/otlp_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "http/query.h"
#include "http/text.h"
#include "messaging/endpoint.h"

namespace thaw::app {
namespace {

constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

Error wrong(std::string_view allowed) {
  return {Code::kInvalidArgument, fmt::format("must be {}", allowed)};
}

Result<UpOptions::Otlp> parse_url(std::string_view url) {
  constexpr std::string_view kAllowed =
      "http://HOST:PORT or https://HOST:PORT of a collector, such as http://127.0.0.1:4318";
  constexpr std::string_view kTls = "https://";
  using Scheme = UpOptions::Otlp::Scheme;
  const Scheme scheme = url.starts_with(kTls) ? Scheme::kHttps : Scheme::kHttp;
  const std::string plain = scheme == Scheme::kHttp
                                ? std::string(url)
                                : fmt::format("http://{}", url.substr(kTls.size()));
  const auto endpoint =
      messaging::parse_endpoint(plain, scheme == Scheme::kHttps ? kHttpsPort : kHttpPort);
  if (!endpoint) return wrong(kAllowed);
  std::string host = endpoint->host;
  if (host == "localhost" && scheme == Scheme::kHttp) host = "127.0.0.1";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  constexpr std::string_view kHostLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_.:";
  if (host.find_first_not_of(kHostLetters) != std::string::npos) return wrong(kAllowed);
  UpOptions::Otlp otlp;
  otlp.scheme = scheme;
  otlp.to = {.ip = host, .port = endpoint->port};
  otlp.authority = fmt::format("{}:{}", endpoint->host, endpoint->port);
  otlp.target = endpoint->target;
  return otlp;
}

/// "name=value,other=value", values percent-encoded (W3C Baggage). Faults do not repeat the text.
Result<http::Headers> parse_headers(std::string_view text) {
  http::Headers headers;
  bool is_good = true;
  http::for_each_element(text, [&](std::string_view pair) {
    const size_t equals = std::min(pair.find('='), pair.size() - 1);
    const std::string_view name = http::trim(pair.substr(0, equals));
    const auto value = http::percent_decode(http::trim(pair.substr(equals + 1)));
    is_good = is_good && pair[equals] == '=' && http::is_token(name) && value &&
              http::is_field_value(*value);
    if (is_good) headers.add(std::string(name), *value);
  });
  if (!is_good) return wrong("name=value pairs with commas between, values percent-encoded");
  return headers;
}

}  // namespace

Status set_otlp_endpoint(UpOptions& options, std::string_view url) {
  options.otlp.reset();
  if (url.empty()) return {};
  ASSIGN_OR_RETURN(UpOptions::Otlp otlp, parse_url(url));
  while (otlp.target.ends_with('/')) otlp.target.pop_back();
  otlp.target += "/v1/traces";
  options.otlp = std::move(otlp);
  return {};
}

Status set_traces_sampler(UpOptions& options, std::string_view name) {
  using Root = gateway::Sampler::Root;
  constexpr std::string_view kByParent = "parentbased_";
  options.sampler.follows_parent = name.starts_with(kByParent);
  if (options.sampler.follows_parent) name.remove_prefix(kByParent.size());
  for (const auto& [word, root] : {std::pair{"always_on", Root::kOn},
                                   {"always_off", Root::kOff},
                                   {"traceidratio", Root::kRatio}}) {
    if (name != word) continue;
    options.sampler.root = root;
    return {};
  }
  return wrong("always_on, always_off or traceidratio, with or without parentbased_ in front");
}

Status set_traces_sampler_arg(UpOptions& options, std::string_view ratio) {
  const char* const end = ratio.data() + ratio.size();
  const auto parsed = std::from_chars(ratio.data(), end, options.sampler.ratio);
  if (parsed.ec != std::errc() || parsed.ptr != end ||
      !(options.sampler.ratio >= 0 && options.sampler.ratio <= 1)) {
    return wrong("a ratio from 0 to 1, such as 0.1");
  }
  return {};
}

Status take_otlp_environment(UpOptions& options, const OptionSources& sources) {
  // A set but empty variable counts as unset (OpenTelemetry, "Environment Variables").
  const auto variable = [&](std::string_view name) {
    return sources.environment(std::string(name)).value_or("");
  };
  const auto fault = [](std::string_view name, Error error) {
    return std::move(error).with_context(std::string(name));
  };
  if (const auto url = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"); !url.empty()) {
    auto otlp = parse_url(url);
    if (!otlp) return fault("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '" + url + "'", otlp.error());
    if (!options.otlp) options.otlp = *std::move(otlp);
  }
  if (variable("OTEL_SDK_DISABLED") == "true") options.otlp.reset();
  if (!options.otlp) return {};
  for (const char* name : {"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"}) {
    const std::string protocol = variable(name);
    if (!protocol.empty() && protocol != "http/protobuf") {
      return fault(fmt::format("{}: '{}'", name, protocol), wrong("http/protobuf"));
    }
  }
  for (const char* name : {"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"}) {
    auto headers = parse_headers(variable(name));
    if (!headers) return fault(name, headers.error());
    for (const auto& each : *headers) options.otlp->headers.set(each.name, each.value);
  }
  for (const char* name :
       {"OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"}) {
    const std::string file = variable(name);
    if (file.empty()) continue;
    if (!file.starts_with('/'))
      return fault(fmt::format("{}: '{}'", name, file), wrong("an absolute path"));
    options.otlp->roots = file;
  }
  if (const auto name = variable("OTEL_SERVICE_NAME"); !name.empty()) options.otlp->name = name;
  if (const auto text = variable("OTEL_BSP_SCHEDULE_DELAY"); !text.empty()) {
    int millis = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), millis);
    if (bad != std::errc() || end != text.data() + text.size() || millis < 1 || millis > 600'000) {
      return fault("OTEL_BSP_SCHEDULE_DELAY: '" + text + "'",
                   wrong("milliseconds from 1 to 600000"));
    }
    options.otlp->delay = milliseconds(millis);
  }
  return {};
}

}  // namespace thaw::app
