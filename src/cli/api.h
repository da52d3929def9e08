// Api: the platform's API as the commands use it: JSON in, JSON or a Failure with words out.
//
// Thread: the caller's of run(). Owner: the context outlives it. Limits: an answer of 64 MiB, 30 s
// for one, none for a stream of lines.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/context.h"
#include "cli/http_call.h"
#include "spec/service.h"

namespace thaw::cli {

/// --api-address, else THAW_API_ADDRESS, else 127.0.0.1:8081: "HOST:PORT", "HOST", ":PORT" or a
/// URL, with an IP address or localhost as HOST. kUsage names where the text came from.
Outcome<io::SocketAddress> api_address(const Context& context);
/// The same for one text. kInvalidArgument without saying where it came from.
Result<io::SocketAddress> parse_address(std::string_view text);

/// For streams that go on until the user ends them.
inline constexpr Duration kForever = seconds(3600.0 * 24 * 365);

class Api {
 public:
  /// kUsage as api_address().
  static Outcome<Api> open(Context& context);

  const io::SocketAddress& address() const { return address_; }
  void set_timeout(Duration timeout) { timeout_ = timeout; }

  /// Failure kUnreachable: nobody answers, and what to do. Else the API's own error, with the
  /// fields it names one a line.
  Outcome<Json> get(std::string_view target);
  Outcome<Json> post(std::string_view target, const Json& body);
  Outcome<Json> put(std::string_view target, const Json& body);
  Outcome<Json> remove(std::string_view target);

  /// Calls `on_line` for each line of the answer until it ends or `on_line` returns false.
  Outcome<ExitCode> lines(std::string_view target, Duration timeout,
                          const std::function<bool(std::string_view line)>& on_line);

 private:
  Api(Context& context, io::SocketAddress address)
      : context_(&context), address_(std::move(address)) {}
  Outcome<Json> call(std::string_view method, std::string_view target, std::string body);
  Result<http::Response> send(http::Request request, const CallOptions& options);
  Failure unreachable(const Error& error) const;

  Context* context_;
  io::SocketAddress address_;
  Duration timeout_ = seconds(30);
};

/// The API's paths. Names are escaped.
std::string services_path(std::string_view name = "");      // v1
std::string revisions_path(std::string_view name = "");     // v1
std::string worker_pools_path(std::string_view name = "");  // v1
/// Of a service or a worker pool.
std::string deployed_path(spec::ServiceKind kind, std::string_view name = "");
std::string thaw_path(std::string_view rest);                            // /thaw/v1/...
std::string service_path(std::string_view name, std::string_view what);  // .../services/NAME/WHAT

/// The Error that an error answer tells, from Google's JSON form, else from the status.
Error error_of(const http::Response& answer);

}  // namespace thaw::cli
