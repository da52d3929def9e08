#include "cli/api.h"

#include <fmt/format.h>

#include "http/query.h"
#include "http/status.h"

namespace thaw::cli {
namespace {

constexpr uint16_t kDefaultPort = 8081;
constexpr std::string_view kDefaultHost = "127.0.0.1";
constexpr std::string_view kV1 = "/apis/serving.knative.dev/v1/namespaces/default/";

bool is_ip(std::string_view host) {
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Code code_named(std::string_view name, Code otherwise) {
  for (int i = 0; i <= static_cast<int>(Code::kUnauthenticated); ++i) {
    if (code_name(static_cast<Code>(i)) == name) return static_cast<Code>(i);
  }
  return otherwise;
}

}  // namespace

Result<io::SocketAddress> parse_address(std::string_view text) {
  const auto fault = [&](std::string_view what) {
    return Error(Code::kInvalidArgument, fmt::format("'{}' {}; write HOST:PORT", text, what));
  };
  std::string_view rest = text;
  if (rest.starts_with("http://")) rest.remove_prefix(7);
  if (rest.starts_with("https://")) return fault("asks for TLS, which the API does not speak");
  if (rest.ends_with("/")) rest.remove_suffix(1);
  if (rest.empty()) return fault("names no host");

  std::string_view host = rest;
  std::string_view port;
  bool with_port = false;
  if (rest[0] == '[') {
    const size_t end = rest.find(']');
    if (end == std::string_view::npos) return fault("opens a bracket that is not closed");
    host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    if (!rest.empty() && rest[0] != ':') return fault("has no colon before the port");
    with_port = !rest.empty();
    if (with_port) port = rest.substr(1);
    if (host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) {
      return fault("is no IPv6 address");
    }
  } else {
    const size_t colon = rest.rfind(':');
    with_port = colon != std::string_view::npos;
    host = rest.substr(0, colon);
    if (with_port) port = rest.substr(colon + 1);
    if (host.empty() || host == "localhost") host = kDefaultHost;
    if (!is_ip(host)) return fault("does not name its host by an IP address or localhost");
  }
  io::SocketAddress address{std::string(host), kDefaultPort};
  if (with_port) {
    const auto number = parse_integer(port);
    if (!number || *number < 1 || *number > 65535) return fault("has no port from 1 to 65535");
    address.port = static_cast<uint16_t>(*number);
  }
  return address;
}

Outcome<io::SocketAddress> api_address(const Context& context) {
  std::string source = "--api-address";
  std::string text = context.globals.api_address;
  if (text.empty()) {
    source = "environment variable THAW_API_ADDRESS";
    text = context.terminal.env("THAW_API_ADDRESS").value_or("");
  }
  if (text.empty()) return io::SocketAddress{std::string(kDefaultHost), kDefaultPort};
  auto address = parse_address(text);
  if (!address) return usage_failure(fmt::format("{}: {}", source, address.error().message()));
  return *address;
}

Outcome<Api> Api::open(Context& context) {
  ASSIGN_OR_RETURN(io::SocketAddress address, api_address(context));
  return Api(context, std::move(address));
}

Failure Api::unreachable(const Error& error) const {
  std::string message;
  if (error.code() == Code::kUnavailable) {
    // The connection's own words end in the system's: "...: Connection refused".
    const size_t colon = error.message().rfind(": ");
    const std::string why =
        colon == std::string::npos ? error.message() : error.message().substr(colon + 2);
    message =
        fmt::format("cannot reach Thaw at {}: {}; start it with 'thaw up'", address_.str(), why);
  } else if (error.code() == Code::kDeadlineExceeded) {
    message = fmt::format("Thaw at {} did not answer in time: {}", address_.str(), error.message());
  } else {
    return Failure(ExitCode::kFailed,
                   Error(error).with_context(fmt::format("Thaw at {}", address_.str())));
  }
  return {ExitCode::kUnreachable, Error(error.code(), std::move(message))};
}

Result<http::Response> Api::send(http::Request request, const CallOptions& options) {
  request.host = address_.str();
  request.headers.add("Accept", "application/json");
  request.headers.add("User-Agent", fmt::format("thaw/{}", context_->programs.version));
  if (!request.body.empty()) request.headers.add("Content-Type", "application/json");
  return http_call(context_->ports, address_, std::move(request), options);
}

Outcome<Json> Api::call(std::string_view method, std::string_view target, std::string body) {
  auto answer =
      send({.method = std::string(method), .target = std::string(target), .body = std::move(body)},
           {.timeout = timeout_});
  if (!answer) return unreachable(answer.error());
  if (answer->status >= 400) return error_of(*answer);
  if (answer->status == 204) return Json();
  auto json = Json::parse(answer->body);
  if (!json) {
    return Failure(
        ExitCode::kFailed,
        Error(Code::kInternal,
              fmt::format("{} {} at {} answered what is no JSON: {}; is that Thaw's API?", method,
                          target, address_.str(), json.error().message())));
  }
  return *std::move(json);
}

Outcome<Json> Api::get(std::string_view target) { return call("GET", target, ""); }
Outcome<Json> Api::post(std::string_view target, const Json& body) {
  return call("POST", target, body.dump());
}
Outcome<Json> Api::put(std::string_view target, const Json& body) {
  return call("PUT", target, body.dump());
}
Outcome<Json> Api::remove(std::string_view target) { return call("DELETE", target, ""); }

Outcome<ExitCode> Api::lines(std::string_view target, Duration timeout,
                             const std::function<bool(std::string_view line)>& on_line) {
  std::string pending;
  std::string error_body;
  CallOptions options{.timeout = timeout, .largest_body = ByteCount{INT64_MAX}};
  options.on_body = [&](const http::Response& head, std::string_view piece) {
    if (head.status >= 400) {
      error_body += piece;
      return true;
    }
    pending += piece;
    size_t start = 0;
    for (size_t end = pending.find('\n'); end != std::string::npos;
         end = pending.find('\n', start)) {
      if (end > start && !on_line(std::string_view(pending).substr(start, end - start))) {
        return false;
      }
      start = end + 1;
    }
    pending.erase(0, start);
    return true;
  };
  auto answer = send({.target = std::string(target)}, options);
  if (!answer) return unreachable(answer.error());
  if (answer->status >= 400) {
    answer->body = std::move(error_body);
    return error_of(*answer);
  }
  if (!pending.empty()) on_line(pending);
  return ExitCode::kOk;
}

std::string services_path(std::string_view name) {
  return fmt::format("{}services{}{}", kV1, name.empty() ? "" : "/", http::percent_encode(name));
}
std::string revisions_path(std::string_view name) {
  return fmt::format("{}revisions{}{}", kV1, name.empty() ? "" : "/", http::percent_encode(name));
}
std::string worker_pools_path(std::string_view name) {
  return fmt::format("/apis/run.googleapis.com/v1/namespaces/default/workerpools{}{}",
                     name.empty() ? "" : "/", http::percent_encode(name));
}
std::string deployed_path(spec::ServiceKind kind, std::string_view name) {
  return kind == spec::ServiceKind::kService ? services_path(name) : worker_pools_path(name);
}
std::string thaw_path(std::string_view rest) { return fmt::format("/thaw/v1/{}", rest); }
std::string service_path(std::string_view name, std::string_view what) {
  return fmt::format("/thaw/v1/services/{}/{}", http::percent_encode(name), what);
}

Error error_of(const http::Response& answer) {
  const Code by_status = code_from_http_status(answer.status);
  const auto json = Json::parse(answer.body);
  if (!json || !(*json)["error"].is_object()) {
    return Error(by_status,
                 fmt::format("the API answered {} {}: {}", answer.status,
                             http::reason_phrase(answer.status), answer.body.substr(0, 300)));
  }
  const Json& error = (*json)["error"];
  const Code code = code_named(error.string_or("status"), by_status);
  std::string message = error.string_or("message", "the API gave no reason");
  if (error["details"].is_array()) {
    for (const Json& detail : error["details"].as_array()) {
      if (!detail["fieldViolations"].is_array()) continue;
      for (const Json& violation : detail["fieldViolations"].as_array()) {
        const std::string line =
            fmt::format("{}: {}", violation.string_or("field"), violation.string_or("description"));
        // The message may list them already.
        if (message.find(violation.string_or("description")) == std::string::npos) {
          message += "\n" + line;
        }
      }
    }
  }
  return Error(code, std::move(message));
}

}  // namespace thaw::cli
