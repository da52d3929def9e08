#include "app/options.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>
#include <map>

#include "app/otlp_options.h"
#include "base/nearest.h"

namespace thaw::app {
namespace {

// ---- Values ------------------------------------------------------------------------------------

Error wrong(std::string_view allowed) {
  return {Code::kInvalidArgument, fmt::format("must be {}", allowed)};
}

template <int kLowest, int kHighest, int UpOptions::*kField>
Status set_int(UpOptions& options, std::string_view text) {
  int value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc() || end != text.data() + text.size() || value < kLowest ||
      value > kHighest) {
    return wrong(fmt::format("a whole number from {} to {}", kLowest, kHighest));
  }
  options.*kField = value;
  return {};
}

constexpr int kHourMs = 3'600'000;

/// A Duration or an optional one.
template <int kLowestMs, int kHighestMs, auto UpOptions::*kField>
Status set_duration(UpOptions& options, std::string_view text) {
  const auto value = parse_duration(text);
  if (!value || *value < milliseconds(kLowestMs) || *value > milliseconds(kHighestMs)) {
    return wrong(fmt::format("a duration from {} to {}, such as 30s or 5m",
                             format_duration(milliseconds(kLowestMs)),
                             format_duration(milliseconds(kHighestMs))));
  }
  options.*kField = *value;
  return {};
}

Result<io::SocketAddress> parse_address(std::string_view text) {
  const size_t colon = text.rfind(':');
  int port = -1;
  if (colon != std::string_view::npos) {
    const auto digits = text.substr(colon + 1);
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (fault != std::errc() || end != digits.data() + digits.size()) port = -1;
  }
  if (colon == std::string_view::npos || colon == 0 || port < 0 || port > 65535) {
    return wrong("IP:PORT, such as 127.0.0.1:8080 or [::1]:8080");
  }
  std::string_view ip = text.substr(0, colon);
  if (ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
  if (ip.find_first_not_of("0123456789abcdefABCDEF.:") != std::string_view::npos) {
    return wrong("IP:PORT with a numeric address, such as 127.0.0.1:8080");
  }
  return io::SocketAddress{.ip = std::string(ip), .port = static_cast<uint16_t>(port)};
}

template <io::SocketAddress UpOptions::*kField>
Status set_address(UpOptions& options, std::string_view text) {
  ASSIGN_OR_RETURN(options.*kField, parse_address(text));
  return {};
}

template <std::optional<io::SocketAddress> UpOptions::*kField>
Status set_address_or_off(UpOptions& options, std::string_view text) {
  (options.*kField).reset();
  if (text == "off") return {};
  ASSIGN_OR_RETURN(options.*kField, parse_address(text));
  return {};
}

template <std::string UpOptions::*kField>
Status set_path_or_none(UpOptions& options, std::string_view text) {
  if (text != "none" && !text.starts_with('/')) return wrong("an absolute path");
  options.*kField = text == "none" ? "" : std::string(text);
  return {};
}

Status set_public_port(UpOptions& options, std::string_view text) {
  options.tls_public_port = 0;
  if (text == "same") return {};
  if (!set_int<1, 65'535, &UpOptions::tls_public_port>(options, text)) {
    return wrong("a port from 1 to 65535, or 'same'");
  }
  return {};
}

/// What only the options together can say.
Status check_tls(const UpOptions& options) {
  const auto fault = [](std::string text) {
    return Error(Code::kInvalidArgument, std::move(text));
  };
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    return fault(options.tls_key.empty() ? "--tls-certificate needs --tls-key, the file of its key"
                                         : "--tls-key needs --tls-certificate");
  }
  const bool has_files = !options.tls_certificate.empty() || !options.tls_certificates.empty();
  if (has_files && !options.tls_address) {
    return fault("certificates are given, but no port for them: add --tls-address IP:PORT");
  }
  if (options.tls_public_port != 0 && !options.tls_address) {
    return fault("--tls-public-port needs --tls-address, which it leads to");
  }
  if (!options.acme_directory.empty() && !options.tls_address) {
    return fault("--acme-directory needs --tls-address, where its certificates are served");
  }
  return {};
}

template <auto UpOptions::*kField, class Value, size_t kCount>
Status set_choice(UpOptions& options, std::string_view text,
                  const std::array<std::pair<std::string_view, Value>, kCount>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) {
    if (name == text) {
      options.*kField = value;
      return {};
    }
    names.emplace_back(name);
  }
  return wrong(fmt::format("one of {}", fmt::join(names, ", ")));
}

Status set_scale_to_zero_after(UpOptions& options, std::string_view text) {
  options.scale_to_zero_after.reset();
  if (text == "auto") return {};
  return set_duration<100, kHourMs, &UpOptions::scale_to_zero_after>(options, text);
}

/// "512Mi", "4Gi" as in service files, "off", or "auto".
Status set_memory_budget(UpOptions& options, std::string_view text) {
  options.memory_budget.reset();
  if (text == "auto") return {};
  options.memory_budget = ByteCount{0};
  if (text == "off") return {};
  const bool is_gib = text.ends_with("Gi");
  int64_t value = 0;
  const char* const end = text.data() + text.size() - std::min<size_t>(text.size(), 2);
  const auto parsed = std::from_chars(text.data(), end, value);
  if ((!is_gib && !text.ends_with("Mi")) || parsed.ec != std::errc() || parsed.ptr != end ||
      value < 1 || value > (is_gib ? 1 << 20 : 1 << 30)) {
    return wrong("a size from 1Mi to 1048576Gi, such as 512Mi or 4Gi, or auto, or off");
  }
  options.memory_budget = is_gib ? gib(value) : mib(value);
  return {};
}

/// "off", "on", or a share from 0 to 1.
Status set_request_log(UpOptions& options, std::string_view text) {
  options.request_log = text == "on" ? 1 : 0;
  if (text == "on" || text == "off") return {};
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, options.request_log);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(options.request_log >= 0) ||
      options.request_log > 1) {
    return wrong("on, off, or the share of requests from 0 to 1, such as 0.01");
  }
  return {};
}

Status set_data_dir(UpOptions& options, std::string_view text) {
  if (text.empty() || text.front() != '/') return wrong("an absolute path");
  options.data_dir = std::string(text);
  return {};
}

Status set_base_domain(UpOptions& options, std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-.";
  if (text.empty() || text.size() > 200 || text.front() == '.' || text.back() == '.' ||
      text.find_first_not_of(kAllowed) != std::string_view::npos) {
    return wrong("a domain in lower case, such as localhost or apps.example.org");
  }
  options.base_domain = std::string(text);
  return {};
}

Status set_acme_directory(UpOptions& options, std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  options.acme_directory = text == "off" ? "" : std::string(text);
  const bool is_url = text.starts_with(kScheme) && text.size() > kScheme.size() &&
                      text.size() <= 2000 && text.find_first_of(" \t\r\n\"") == text.npos;
  if (text == "off" || is_url) return {};
  return wrong("an https URL, such as https://acme-v02.api.letsencrypt.org/directory, or off");
}

Status set_acme_email(UpOptions& options, std::string_view text) {
  options.acme_email = text == "none" ? "" : std::string(text);
  const size_t at = text.find('@');
  const bool is_address = at != text.npos && at > 0 && at + 1 < text.size() && text.size() <= 254 &&
                          text.find_first_of(" \t\r\n\"<>,?&") == text.npos;
  if (text == "none" || is_address) return {};
  return wrong("an address such as ops@example.org");
}

Status set_log_format(UpOptions& options, std::string_view text) {
  using F = UpOptions::LogFormat;
  return set_choice<&UpOptions::log_format>(
      options, text,
      std::array{std::pair{std::string_view("auto"), F::kAuto},
                 std::pair{std::string_view("text"), F::kText},
                 std::pair{std::string_view("json"), F::kJson}});
}

Status set_log_level(UpOptions& options, std::string_view text) {
  for (std::string_view level : {"debug", "info", "warning", "error"}) {
    if (level == text) {
      options.log_level = std::string(text);
      return {};
    }
  }
  return wrong("one of debug, info, warning, error");
}

Status set_isolation(UpOptions& options, std::string_view text) {
  using I = UpOptions::Isolation;
  return set_choice<&UpOptions::isolation>(
      options, text,
      std::array{std::pair{std::string_view("auto"), I::kAuto},
                 std::pair{std::string_view("container"), I::kContainer},
                 std::pair{std::string_view("process"), I::kProcess}});
}

// ---- The table ---------------------------------------------------------------------------------

struct Option {
  std::string_view name;  // --name, and the key in the file; the variable is THAW_NAME
  std::string_view value;
  std::string_view default_text;
  std::string_view help;
  Status (*set)(UpOptions&, std::string_view);
  std::string_view standard = "";  // a variable that other programs know too
};

constexpr std::array kOptions = {
    Option{"data-dir", "DIR", "/var/lib/thaw as root, else ~/.local/share/thaw",
           "where all state is kept; one running Thaw per folder", set_data_dir},
    Option{"gateway-address", "IP:PORT", "127.0.0.1:8080", "where services are called",
           set_address<&UpOptions::gateway_address>},
    Option{"api-address", "IP:PORT", "127.0.0.1:8081",
           "where the Cloud Run API is served; it asks for no password, so keep it on loopback",
           set_address<&UpOptions::api_address>},
    Option{"tls-address", "IP:PORT|off", "off",
           "where services are called through TLS, such as 0.0.0.0:443",
           set_address_or_off<&UpOptions::tls_address>},
    Option{
        "tls-public-port", "PORT|same", "same",
        "the port at which clients reach --tls-address, if another one is forwarded to it: http is "
        "redirected there",
        set_public_port},
    Option{"tls-certificate", "FILE", "none",
           "a certificate in PEM, its issuers behind it; read again when it changes and at SIGHUP",
           set_path_or_none<&UpOptions::tls_certificate>},
    Option{"tls-key", "FILE", "none",
           "its private key in PEM, which others must not be able to read",
           set_path_or_none<&UpOptions::tls_key>},
    Option{"tls-certificates", "DIR", "none",
           "a folder with more of them, chosen by host name: NAME.crt with NAME.key, or "
           "NAME/fullchain.pem with NAME/privkey.pem",
           set_path_or_none<&UpOptions::tls_certificates>},
    Option{"acme-directory", "URL|off", "off",
           "the ACME server that mapped domains get certificates from, such as "
           "https://acme-v02.api.letsencrypt.org/directory; naming it is agreeing to its terms",
           set_acme_directory},
    Option{"acme-email", "ADDRESS", "none", "where that server writes to about its certificates",
           set_acme_email},
    Option{"acme-ca", "FILE", "none",
           "roots in PEM that the ACME server must prove itself by, instead of the machine's",
           set_path_or_none<&UpOptions::acme_ca>},
    Option{
        "api-tls-address", "IP:PORT|off", "off",
        "where the API is served through TLS too, for gsutil; its certificate is from an authority "
        "of Thaw's own, which `thaw env` names",
        set_address_or_off<&UpOptions::api_tls_address>},
    Option{"base-domain", "DOMAIN", "localhost", "services are called NAME.DOMAIN",
           set_base_domain},
    Option{"log-format", "auto|text|json", "auto",
           "the platform's own log on standard error; auto is text on a terminal, else JSON",
           set_log_format},
    Option{"log-level", "LEVEL", "info", "the lowest that is written: debug, info, warning, error",
           set_log_level},
    Option{"isolation", "auto|container|process", "auto",
           "how instances run; auto is container as root where crun is installed, else process",
           set_isolation},
    Option{"freeze-after", "DURATION", "100ms",
           "from an instance's last answer until it gets no CPU, if it is billed by request; 0 is "
           "Cloud Run's rule",
           set_duration<0, kHourMs, &UpOptions::freeze_after>},
    Option{"scale-to-zero-after", "DURATION|auto", "60s",
           "how long a service without a request keeps its last instance; auto is learned from its "
           "gaps between requests and what its starts take, and starts ahead of the next one",
           set_scale_to_zero_after},
    Option{"hibernate-after", "DURATION", "20s",
           "from an instance's last answer until a frozen one gives its memory to swap; only where "
           "the machine has swap",
           set_duration<0, kHourMs, &UpOptions::hibernate_after>},
    Option{"memory-budget", "SIZE|auto|off", "auto",
           "memory of all instances together, such as 4Gi; over it idle ones are hibernated or "
           "stopped, the cheapest to miss first; auto is 75 % of the machine's",
           set_memory_budget},
    Option{"stop-grace", "DURATION", "10s", "from SIGTERM to SIGKILL when an instance is stopped",
           set_duration<100, 600'000, &UpOptions::stop_grace>},
    Option{"drain-timeout", "DURATION", "30s",
           "how long requests in flight may go on when Thaw itself is stopped",
           set_duration<0, kHourMs, &UpOptions::drain_timeout>},
    Option{"longest-queue", "REQUESTS", "10000",
           "requests of one revision that wait for an instance; of more, whose caller has most is "
           "answered 429",
           set_int<1, 1'000'000, &UpOptions::longest_queue>},
    Option{"request-log", "on|off|SHARE", "on",
           "the share of requests that get a line in their service's log, by trace; those that "
           "fail with 5xx always do, unless it is off",
           set_request_log},
    Option{
        "otlp-endpoint", "URL", "",
        "an OpenTelemetry collector that gets the requests' spans by OTLP over HTTP or HTTPS, such "
        "as http://127.0.0.1:4318; its headers come from OTEL_EXPORTER_OTLP_HEADERS",
        set_otlp_endpoint, "OTEL_EXPORTER_OTLP_ENDPOINT"},
    Option{"traces-sampler", "NAME", "parentbased_always_on",
           "which requests' spans are recorded: always_on, always_off or traceidratio, with "
           "parentbased_ in front where a caller's decision counts",
           set_traces_sampler, "OTEL_TRACES_SAMPLER"},
    Option{"traces-sampler-arg", "RATIO", "1", "the share of traces that traceidratio records",
           set_traces_sampler_arg, "OTEL_TRACES_SAMPLER_ARG"},
    Option{"ready-sandboxes", "COUNT", "16",
           "containers made ahead, at most one per service, so that a wake only has to start them",
           set_int<0, 1000, &UpOptions::ready_sandboxes>},
};

const Option* find_option(std::string_view name) {
  for (const Option& option : kOptions) {
    if (option.name == name) return &option;
  }
  return nullptr;
}

std::string variable_of(const Option& option) {
  std::string name = "THAW_";
  for (char c : option.name) name += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return name;
}

std::string_view shown_default(const Option& option) {
  return option.default_text.empty() ? "none" : option.default_text;
}

Error unknown_name(std::string_view where, std::string_view name) {
  const std::vector<std::string> all = option_names();
  const std::vector<std::string_view> names(all.begin(), all.end());
  std::string message = fmt::format("{} '{}'", where, name);
  if (const auto near = nearest(name, names)) message += fmt::format("; did you mean '{}'?", *near);
  return {Code::kInvalidArgument, message + " ('thaw up --help' lists all options)"};
}

// ---- Sources -----------------------------------------------------------------------------------

struct Given {
  std::string text;
  std::string where;  // "--data-dir", "THAW_DATA_DIR", "thaw.yaml:3: data-dir"
};
using GivenByName = std::map<std::string, Given, std::less<>>;

Result<GivenByName> from_flags(const std::vector<std::string>& words) {
  GivenByName given;
  for (size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (!word.starts_with("--")) {
      return Error(Code::kInvalidArgument,
                   fmt::format("unexpected argument '{}': 'thaw up' takes only options", word));
    }
    word.remove_prefix(2);
    const size_t equals = word.find('=');
    const std::string name(word.substr(0, equals));
    if (name != "config" && find_option(name) == nullptr) {
      return unknown_name("unknown option", "--" + name);
    }
    std::string value;
    if (equals != std::string_view::npos) {
      value = std::string(word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return Error(Code::kInvalidArgument, fmt::format("--{} needs a value", name));
    }
    if (!given.emplace(name, Given{value, "--" + name}).second) {
      return Error(Code::kInvalidArgument, fmt::format("--{} is given twice", name));
    }
  }
  return given;
}

Result<GivenByName> from_file(const std::string& path, const OptionSources& sources) {
  ASSIGN_OR_RETURN(const std::string text, sources.read_file(path));
  GivenByName given;
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsNull()) return given;
    if (!root.IsMap()) {
      return Error(Code::kInvalidArgument, path + ": must hold 'option: value' lines");
    }
    for (const auto& entry : root) {
      const std::string where = fmt::format("{}:{}", path, entry.first.Mark().line + 1);
      const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "(not a name)";
      if (find_option(name) == nullptr) return unknown_name(where + ": unknown option", name);
      if (!entry.second.IsScalar()) {
        return Error(Code::kInvalidArgument, fmt::format("{}: {} needs one value", where, name));
      }
      const Given value{entry.second.Scalar(), fmt::format("{}: {}", where, name)};
      if (!given.emplace(name, value).second) {
        return Error(Code::kInvalidArgument, fmt::format("{}: {} is given twice", where, name));
      }
    }
  } catch (const YAML::Exception& fault) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}:{}: {}", path, fault.mark.line + 1, fault.msg));
  }
  return given;
}

std::string first_set(const OptionSources& sources, const GivenByName& flags) {
  if (const auto flag = flags.find("config"); flag != flags.end()) return flag->second.text;
  return sources.environment("THAW_CONFIG").value_or("");
}

}  // namespace

Result<UpOptions> parse_up_options(const std::vector<std::string>& words,
                                   const OptionSources& sources) {
  ASSIGN_OR_RETURN(const GivenByName flags, from_flags(words));
  GivenByName file;
  if (const std::string path = first_set(sources, flags); !path.empty()) {
    ASSIGN_OR_RETURN(file, from_file(path, sources));
  }
  UpOptions options;
  for (const Option& option : kOptions) {
    const std::string variable = variable_of(option);
    Given given{
        option.name == "data-dir" ? sources.default_data_dir : std::string(option.default_text),
        "default of --" + std::string(option.name)};
    if (const auto at = file.find(option.name); at != file.end()) given = at->second;
    if (!option.standard.empty()) {
      const std::string standard(option.standard);
      const auto set = sources.environment(standard);
      if (set && !set->empty()) given = {*set, standard};
    }
    if (const auto set = sources.environment(variable)) given = {*set, variable};
    if (const auto at = flags.find(option.name); at != flags.end()) given = at->second;
    if (Status status = option.set(options, given.text); !status) {
      return std::move(status).error().with_context(
          fmt::format("{}: '{}'", given.where, given.text));
    }
  }
  RETURN_IF_ERROR(check_tls(options));
  RETURN_IF_ERROR(take_otlp_environment(options, sources));
  return options;
}

std::vector<std::string> option_names() {
  std::vector<std::string> names{"config", "help"};
  for (const Option& option : kOptions) names.emplace_back(option.name);
  return names;
}

bool wants_help(const std::vector<std::string>& words) {
  for (const std::string& word : words) {
    if (word == "-h" || word == "--help" || word == "help") return true;
  }
  return false;
}

std::string up_help() {
  std::string text =
      "Usage: thaw up [OPTIONS]\n\n"
      "Runs the platform: the gateway, the API and all services, until SIGTERM or Ctrl-C.\n\n"
      "Options (flag, then environment, then file, then default):\n";
  for (const Option& option : kOptions) {
    const std::string_view standard = option.standard;
    text += fmt::format("  --{} {}\n      {}\n      default {}; also {}{}{}\n", option.name,
                        option.value, option.help, shown_default(option), variable_of(option),
                        standard.empty() ? "" : ", ", standard);
  }
  return text +
         "  --config FILE\n      YAML file with 'option: value' lines; also THAW_CONFIG\n"
         "  -h, --help\n      this text\n";
}

std::string options_reference() {
  std::string text =
      "# Options of `thaw up`\n\n"
      "Made from the table in `src/app/options.cc`; a test holds the two together. A flag wins "
      "over\n"
      "the environment, that over the file that `--config FILE` or `THAW_CONFIG` names (YAML,\n"
      "`option: value` lines), that over the default. An unknown name is an error.\n\n"
      "| flag and key | variable | default | what it sets |\n|---|---|---|---|\n";
  for (const Option& option : kOptions) {
    std::string value(option.value);
    for (size_t at = 0; (at = value.find('|', at)) != std::string::npos; at += 2) {
      value.insert(at, "\\");
    }
    const std::string standard =
        option.standard.empty() ? "" : fmt::format(", `{}`", option.standard);
    text += fmt::format("| `--{} {}` | `{}`{} | {} | {} |\n", option.name, value,
                        variable_of(option), standard, shown_default(option), option.help);
  }
  return text;
}

}  // namespace thaw::app
