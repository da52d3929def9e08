// `thaw invoke NAME [PATH]`: one request to a service through the gateway.
#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/utf8.h"
#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/waterfall.h"
#include "http/status.h"

namespace thaw::cli {
namespace {

constexpr ByteCount kLargestInput = mib(32);  // what the gateway takes
constexpr ByteCount kLargestAnswer = gib(1);
constexpr Duration kLongest = seconds(3600);     // contract 1.6: no request takes longer
constexpr Duration kWaterfallWait = seconds(2);  // its last point comes after the first byte

struct Target {
  io::SocketAddress address;
  std::string host;
};

/// Where the service's URL leads: the gateway is on the API's machine, at the URL's port.
Outcome<Target> target_of(std::string_view url, const io::SocketAddress& api) {
  const auto fault = [&](std::string_view what) {
    return Failure(ExitCode::kRefused, Error(Code::kFailedPrecondition,
                                             fmt::format("the service's URL {} {}", url, what)));
  };
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return fault("is none of http, which invoke speaks; use curl");
  std::string_view host = url.substr(kScheme.size());
  host = host.substr(0, host.find('/'));
  Target target{{api.ip, 80}, std::string(host)};
  if (const size_t colon = host.rfind(':'); colon != std::string_view::npos) {
    const auto port = parse_integer(host.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return fault("has no usable port");
    target.address.port = static_cast<uint16_t>(*port);
  }
  return target;
}

/// The URL of the service, or of one of its tags.
Outcome<std::string> url_of(const Json& service, std::string_view name,
                            std::optional<std::string_view> tag) {
  const Json& status = service["status"];
  if (!tag) {
    const std::string url = status.string_or("url");
    if (!url.empty()) return url;
    return Error(Code::kFailedPrecondition,
                 fmt::format("{} has no URL yet; see 'thaw services describe {}'", name, name));
  }
  if (status["traffic"].is_array()) {
    for (const Json& target : status["traffic"].as_array()) {
      if (target.string_or("tag") == *tag) return target.string_or("url");
    }
  }
  return Error(Code::kNotFound, fmt::format("{} has no traffic tag '{}'", name, *tag));
}

std::string_view content_type_of_file(std::string_view file) {
  if (file.ends_with(".csv")) return "text/csv";
  if (file.ends_with(".json")) return "application/json";
  if (file.ends_with(".txt")) return "text/plain";
  return "application/octet-stream";
}

std::string_view content_type_of_text(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t\r\n");
  const bool json = start != std::string_view::npos && (text[start] == '{' || text[start] == '[');
  return json ? "application/json" : "text/plain";
}

Outcome<ExitCode> add_headers(const Words& words, http::Request& request) {
  for (const std::string_view header : words.values("header")) {
    const size_t colon = header.find(':');
    if (colon == std::string_view::npos || colon == 0) {
      return usage_failure(fmt::format("--header: '{}' is not NAME: VALUE", header));
    }
    std::string_view value = header.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    if (header.find_first_of("\r\n") != std::string_view::npos) {
      return usage_failure("--header: a line break is not allowed in a header");
    }
    request.headers.add(std::string(header.substr(0, colon)), std::string(value));
  }
  return ExitCode::kOk;
}

Outcome<http::Request> request_of(const Context& context, const Words& words) {
  http::Request request;
  std::string_view content_type;
  if (const auto data = words.value("data")) {
    request.method = "POST";
    if (data->starts_with("@") || *data == "-") {
      const std::string file(*data == "-" ? *data : data->substr(1));
      auto content = file == "-" ? context.terminal.read_input(kLargestInput)
                                 : context.ports.disk().read_file(file, kLargestInput);
      if (!content) return Failure(ExitCode::kFailed, std::move(content).error());
      request.body = *std::move(content);
      content_type = file == "-" ? content_type_of_text(request.body) : content_type_of_file(file);
    } else {
      request.body = *data;
      content_type = content_type_of_text(*data);
    }
  }
  if (const auto method = words.value("method")) request.method = *method;
  if (const auto type = words.value("content-type")) content_type = *type;
  if (!content_type.empty()) request.headers.add("Content-Type", std::string(content_type));
  RETURN_IF_ERROR(add_headers(words, request));
  const bool with_path = words.arguments().size() > 1;
  request.target = with_path ? words.arguments()[1] : std::string_view("/");
  if (!request.target.starts_with("/")) request.target.insert(0, "/");
  if (request.target.find_first_of(" \r\n") != std::string::npos) {
    return usage_failure(fmt::format("path '{}' has a blank in it; write %20", request.target));
  }
  return request;
}

std::string head_text(const http::Response& answer) {
  std::string text =
      fmt::format("HTTP/1.1 {} {}\n", answer.status, http::reason_phrase(answer.status));
  for (const auto& [name, value] : answer.headers) text += fmt::format("{}: {}\n", name, value);
  return text + "\n";
}

class Invoke {
 public:
  Invoke(Context& context, const Words& words, Api& api)
      : context_(context), words_(words), api_(api), name_(words.arguments()[0]) {}

  Outcome<ExitCode> run() {
    ASSIGN_OR_RETURN(http::Request request, request_of(context_, words_));
    ASSIGN_OR_RETURN(const auto timeout, words_.duration("timeout"));
    ASSIGN_OR_RETURN(const Json service, api_.get(services_path(name_)));
    ASSIGN_OR_RETURN(const std::string url, url_of(service, name_, words_.value("tag")));
    ASSIGN_OR_RETURN(const Target target, target_of(url, api_.address()));
    request.host = target.host;
    const std::string before = words_.is_on("waterfall") ? newest_start().instance : "";
    CallOptions options{.timeout = timeout.value_or(kLongest), .largest_body = kLargestAnswer};
    if (!context_.json()) {
      options.on_body = [&](const http::Response& head, std::string_view piece) {
        return show(head, piece);
      };
    }
    auto answer = http_call(context_.ports, target.address, std::move(request), options);
    RETURN_IF_ERROR(written_);
    if (!answer) return Failure(std::move(answer).error().with_context("invoke " + name_));
    if (context_.json()) return report_json(*answer, before);
    if (!head_shown_) show(*answer, "");
    RETURN_IF_ERROR(end_line());
    if (words_.is_on("waterfall")) RETURN_IF_ERROR(show_waterfall(before));
    return exit_of(*answer);
  }

 private:
  bool show(const http::Response& head, std::string_view piece) {
    std::string text;
    if (!head_shown_ && words_.is_on("include")) text = head_text(head);
    head_shown_ = true;
    text += piece;
    // A service must not steer the terminal; a file or a pipe gets the bytes as they are.
    if (context_.terminal.out_is_tty()) text = escape_controls(text, Keep::kLinesAndTabs);
    if (!text.empty()) {
      last_ = text.back();
      written_ = context_.print(text);
    }
    return written_.has_value();
  }

  /// On a terminal the prompt begins on a line of its own.
  Outcome<ExitCode> end_line() const {
    const bool open = last_ != '\n' && last_ != '\0';
    const bool followed = context_.terminal.out_is_tty() || words_.is_on("waterfall");
    return open && followed ? context_.print("\n") : ExitCode::kOk;
  }

  Outcome<ExitCode> exit_of(const http::Response& answer) const {
    if (answer.status < 400) return ExitCode::kOk;
    return Failure(ExitCode::kFailed, Error(code_from_http_status(answer.status),
                                            fmt::format("{} answered {} {}", name_, answer.status,
                                                        http::reason_phrase(answer.status))));
  }

  Start newest_start() {
    const auto json = api_.get(service_path(name_, "starts"));
    if (!json) return {};
    const Json& starts = json->is_object() ? (*json)["starts"] : *json;
    if (!starts.is_array()) return {};
    Start newest;
    for (const Json& each : starts.as_array()) {
      Start start = start_of(each);
      if (newest.time <= start.time) newest = std::move(start);
    }
    return newest;
  }

  /// The start that this call caused, once its first byte is in the record.
  std::optional<Start> start_since(const std::string& before) {
    const Instant deadline = context_.ports.loop().now() + kWaterfallWait;
    while (true) {
      Start start = newest_start();
      if (start.instance.empty() || start.instance == before) return std::nullopt;
      const bool whole = !start.phases.empty() && start.phases.back().name == "first byte";
      if (whole || context_.ports.loop().now() > deadline) return start;
      pause_for(context_.ports, milliseconds(20));
    }
  }

  Outcome<ExitCode> show_waterfall(const std::string& before) {
    const auto start = start_since(before);
    if (!start) return context_.print("\nNo start was needed: an instance was awake.\n");
    const size_t width = context_.table_width();
    return context_.print(
        fmt::format("\n{} of {}\n{}", context_.out.bold("Wake"), start->instance,
                    waterfall_text(*start, width == 0 ? 100 : width, context_.out)));
  }

  Outcome<ExitCode> report_json(const http::Response& answer, const std::string& before) {
    Json headers = Json::object();
    for (const auto& [name, value] : answer.headers) {
      const std::string known = headers.string_or(name);
      headers.set(name, known.empty() ? value : known + ", " + value);
    }
    Json report = Json::object({{"status", answer.status}, {"headers", headers}});
    // JSON texts hold UTF-8 only: what is changed by being made printable goes as base64.
    if (is_utf8(answer.body)) {
      report.set("body", answer.body);
    } else {
      report.set("bodyBase64", base64(answer.body));
    }
    if (words_.is_on("waterfall")) {
      if (const auto start = start_since(before)) report.set("start", start_json(*start));
    }
    RETURN_IF_ERROR(context_.print_json(report));
    return exit_of(answer);
  }

  static Json start_json(const Start& start) {
    Json phases = Json::array();
    for (const StartPhase& phase : start.phases) {
      phases.push_back(
          Json::object({{"name", phase.name}, {"fromMs", phase.from_ms}, {"toMs", phase.to_ms}}));
    }
    return Json::object({{"instance", start.instance}, {"phases", phases}});
  }

  Context& context_;
  const Words& words_;
  Api& api_;
  std::string name_;
  bool head_shown_ = false;
  char last_ = '\0';
  Outcome<ExitCode> written_ = ExitCode::kOk;
};

}  // namespace

Outcome<ExitCode> invoke_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  return Invoke(context, words, api).run();
}

}  // namespace thaw::cli
