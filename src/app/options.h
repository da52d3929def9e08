// The options of `thaw up`: one table that parses flags, environment and file, and from which
// --help and docs/reference/options.md are made.
//
// A flag wins over the environment, that over the file, that over the default. Unknown names are
// errors that suggest the nearest right one. Not for what a service may set: that is spec/.
//
// **Thread**: any. **Owner**: values. **Limits**: each option's range stands in the table.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/trace.h"
#include "http/headers.h"
#include "io/net.h"

namespace thaw::app {

struct UpOptions {
  std::string data_dir;
  io::SocketAddress gateway_address;
  io::SocketAddress api_address;
  std::optional<io::SocketAddress> tls_address;  // nothing: no TLS
  int tls_public_port = 0;                       // 0: that of tls_address
  std::string tls_certificate, tls_key;          // files; "": none, or both
  std::optional<io::SocketAddress> api_tls_address;
  std::string tls_certificates;  // a folder; "": none
  std::string base_domain;
  std::string acme_directory, acme_email;  // "": none
  std::string acme_ca;                     // a file; "": the machine's roots
  enum class LogFormat { kAuto, kText, kJson } log_format = LogFormat::kAuto;
  std::string log_level;
  enum class Isolation { kAuto, kContainer, kProcess } isolation = Isolation::kAuto;
  Duration freeze_after{0};
  std::optional<Duration> scale_to_zero_after;  // nothing: learned from each service's gaps
  Duration hibernate_after{0};
  std::optional<ByteCount> memory_budget;  // 0: none; nothing: a share of the machine's
  Duration stop_grace{0};
  Duration drain_timeout{0};
  int longest_queue = 0;
  double request_log = 1;  // share of requests
  struct Otlp {
    enum class Scheme { kHttp, kHttps } scheme = Scheme::kHttp;
    io::SocketAddress to;   // the ip may be a name
    std::string authority;  // what a Host header carries
    std::string roots;      // a file of certificates in PEM; "": the machine's. kHttps
    std::string target;     // of the request, such as /v1/traces
    http::Headers headers;  // may hold a credential
    std::string name = "thaw";
    Duration delay = seconds(5);
  };
  std::optional<Otlp> otlp;  // nothing: no spans are made
  gateway::Sampler sampler;
  int ready_sandboxes = 0;
};

/// Where option values come from besides the flags; the real ones in main, fakes in tests.
struct OptionSources {
  std::function<std::optional<std::string>(const std::string&)> environment;
  std::function<Result<std::string>(const std::string& path)> read_file;
  std::string default_data_dir;  // depends on who runs it
};

/// `words` are what stands after `thaw up`. kInvalidArgument names the flag, variable or line of
/// the file, the value, what is allowed and the nearest right name.
Result<UpOptions> parse_up_options(const std::vector<std::string>& words,
                                   const OptionSources& sources);

/// All names, as flags without their dashes.
std::vector<std::string> option_names();
/// True when the words ask for help: -h or --help.
bool wants_help(const std::vector<std::string>& words);
/// What `thaw up --help` prints.
std::string up_help();
/// docs/reference/options.md.
std::string options_reference();

}  // namespace thaw::app
