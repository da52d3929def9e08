#include "cli/flag_values.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "cli/words.h"

namespace thaw::cli {
namespace {

constexpr std::string_view kProbeKeys[] = {
    "tcpSocket.port",   "httpGet.path",        "httpGet.port",  "grpc.port",
    "grpc.service",     "initialDelaySeconds", "periodSeconds", "timeoutSeconds",
    "failureThreshold", "successThreshold",
};

std::string_view trimmed(std::string_view text) {
  const size_t start = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(start);
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

bool has_key(const KeyValues& pairs, std::string_view key) {
  return std::any_of(pairs.begin(), pairs.end(),
                     [&](const auto& pair) { return pair.first == key; });
}

/// 'FILE:LINE' or '--FLAG' goes before the message.
Outcome<std::pair<std::string, std::string>> parse_pair(std::string_view where,
                                                        std::string_view part,
                                                        const KeyValues& before) {
  const size_t equals = part.find('=');
  if (equals == std::string_view::npos) {
    return usage_failure(fmt::format("{}: '{}' has no '='; write KEY=VALUE", where, part));
  }
  std::pair<std::string, std::string> pair(trimmed(part.substr(0, equals)),
                                           part.substr(equals + 1));
  if (pair.first.empty()) {
    return usage_failure(fmt::format("{}: '{}' has no key before the '='", where, part));
  }
  if (has_key(before, pair.first)) {
    return usage_failure(fmt::format("{}: {} is given twice", where, pair.first));
  }
  return pair;
}

Outcome<KeyValues> variables_of_json(std::string_view file, std::string_view text) {
  auto json = Json::parse(text);
  if (!json) return usage_failure(fmt::format("{}: {}", file, json.error().message()));
  KeyValues pairs;
  for (const auto& [key, value] : json->as_object()) {
    if (value.is_string()) {
      pairs.emplace_back(key, value.as_string());
    } else if (value.is_number() || value.is_bool()) {
      pairs.emplace_back(key, value.dump());
    } else {
      return usage_failure(fmt::format("{}: {}: a variable is a text, not {}", file, key,
                                       value.dump().substr(0, 40)));
    }
  }
  return pairs;
}

Outcome<ExitCode> set_probe_number(std::string_view flag, std::string_view key,
                                   std::string_view value, spec::Probe& probe) {
  const auto number = parse_integer(value);
  constexpr int64_t kMost = 65535;  // ports; the tighter ranges are the platform's to check
  if (!number || *number < 0 || *number > kMost) {
    return usage_failure(fmt::format("--{}: {}: '{}' is no whole number", flag, key, value));
  }
  const auto length = seconds(static_cast<double>(*number));
  if (key == "initialDelaySeconds") probe.initial_delay = length;
  if (key == "periodSeconds") probe.period = length;
  if (key == "timeoutSeconds") probe.timeout = length;
  if (key == "failureThreshold") probe.failure_threshold = static_cast<int32_t>(*number);
  if (key == "successThreshold") probe.success_threshold = static_cast<int32_t>(*number);
  if (key.ends_with(".port")) probe.port = static_cast<int32_t>(*number);
  return ExitCode::kOk;
}

}  // namespace

Outcome<std::vector<std::string>> parse_list(std::string_view flag, std::string_view text) {
  std::string separator = ",";
  if (text.starts_with("^")) {
    const size_t end = text.find('^', 1);
    if (end == std::string_view::npos || end == 1) {
      return usage_failure(fmt::format(
          "--{}: '{}' opens a separator that is not closed; write ^SEPARATOR^PART...", flag, text));
    }
    separator = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
  }
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + separator.size());
  }
}

Outcome<KeyValues> parse_key_values(std::string_view flag, std::string_view text) {
  ASSIGN_OR_RETURN(const std::vector<std::string> parts, parse_list(flag, text));
  KeyValues pairs;
  for (const std::string& part : parts) {
    ASSIGN_OR_RETURN(auto pair, parse_pair(fmt::format("--{}", flag), part, pairs));
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

Outcome<KeyValues> parse_variables_file(std::string_view file, std::string_view text) {
  if (trimmed(text).starts_with("{")) return variables_of_json(file, text);
  KeyValues pairs;
  int line_number = 0;
  for (std::string_view line : split(text, '\n')) {
    ++line_number;
    line = trimmed(line);
    if (line.empty() || line.starts_with("#")) continue;
    if (line.starts_with("export ")) line = trimmed(line.substr(7));
    ASSIGN_OR_RETURN(auto pair, parse_pair(fmt::format("{}:{}", file, line_number), line, pairs));
    std::string_view value = trimmed(pair.second);
    const bool quoted =
        value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0];
    if (quoted) value = value.substr(1, value.size() - 2);
    pairs.emplace_back(pair.first, value);
  }
  return pairs;
}

Outcome<std::optional<spec::Probe>> parse_probe(std::string_view flag, std::string_view text) {
  if (text.empty()) return std::optional<spec::Probe>();
  ASSIGN_OR_RETURN(const KeyValues pairs, parse_key_values(flag, text));
  spec::Probe probe;
  std::string_view kind;  // the part before the dot
  for (const auto& [key, value] : pairs) {
    if (std::find(std::begin(kProbeKeys), std::end(kProbeKeys), key) == std::end(kProbeKeys)) {
      const auto near = nearest(key, kProbeKeys);
      return usage_failure(
          fmt::format("--{}: unknown key {}; {}", flag, key,
                      near ? fmt::format("did you mean {}?", *near)
                           : fmt::format("it knows {}", fmt::join(kProbeKeys, ", "))));
    }
    if (const size_t dot = key.find('.'); dot != std::string::npos) {
      const std::string_view this_kind = std::string_view(key).substr(0, dot);
      if (!kind.empty() && kind != this_kind) {
        return usage_failure(
            fmt::format("--{}: a probe is either {} or {}, not both", flag, kind, this_kind));
      }
      kind = this_kind;
    }
    if (key == "httpGet.path") {
      probe.http_path = value;
    } else if (key == "grpc.service") {
      probe.grpc_service = value;
    } else {
      RETURN_IF_ERROR(set_probe_number(flag, key, value, probe));
    }
  }
  if (kind.empty()) {
    return usage_failure(fmt::format(
        "--{}: says not what to ask; add tcpSocket.port, httpGet.path or grpc.port", flag));
  }
  probe.kind = kind == "httpGet" ? spec::ProbeKind::kHttp
               : kind == "grpc"  ? spec::ProbeKind::kGrpc
                                 : spec::ProbeKind::kTcp;
  return std::optional(std::move(probe));
}

}  // namespace thaw::cli
