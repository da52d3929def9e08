#include "telemetry/log_line.h"

#include <algorithm>
#include <array>

namespace thaw::telemetry {
namespace {

constexpr size_t kLongestMessage = 64 * 1024;
constexpr std::array<std::string_view, 9> kSeverities = {
    "DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"};
constexpr std::array<std::string_view, 3> kStreams = {"stdout", "stderr", "platform"};

std::string cut(std::string text) {
  if (text.size() > kLongestMessage) text.resize(kLongestMessage);
  return text;
}

std::string upper(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return out;
}

}  // namespace

int severity_rank(std::string_view severity) {
  const auto at = std::find(kSeverities.begin(), kSeverities.end(), severity);
  return at == kSeverities.end() ? -1 : static_cast<int>(at - kSeverities.begin());
}

LogLine line_of_output(std::string_view text, LogLine::Stream stream) {
  LogLine line{.stream = stream};
  if (text.starts_with('{')) {
    const auto json = Json::parse(text);
    if (json && (json->find("severity") != nullptr || json->find("message") != nullptr)) {
      const std::string severity = upper(json->string_or("severity"));
      const bool known = severity_rank(severity) >= 0;
      if (known) line.severity = severity;
      line.message = cut(json->string_or("message"));
      Json rest = Json::object();
      for (const auto& [key, value] : json->as_object()) {
        // What is no severity or no text stays in the payload, so that nothing is lost.
        const bool taken = key == "severity" ? known : key == "message" && value.is_string();
        if (!taken) rest.as_object().emplace_back(key, value);
      }
      if (!rest.as_object().empty()) line.payload = std::move(rest);
      return line;
    }
  }
  line.message = cut(std::string(text));
  return line;
}

Json to_json(const LogLine& line) {
  Json json = Json::object({{"timestamp", format_rfc3339(line.time)},
                            {"severity", line.severity},
                            {"service", line.service.str()},
                            {"revision", line.revision.str()},
                            {"instance", line.instance.str()},
                            {"stream", kStreams.at(static_cast<size_t>(line.stream))},
                            {"message", line.message}});
  if (!line.payload.is_null()) json.set("jsonPayload", line.payload);
  return json;
}

Result<LogLine> log_line_from_json(const Json& json) {
  const auto time = parse_rfc3339(json.string_or("timestamp"));
  const auto stream = std::find(kStreams.begin(), kStreams.end(), json.string_or("stream"));
  if (!time || stream == kStreams.end()) {
    return Error(Code::kDataLoss, "a log line without a timestamp or stream");
  }
  return LogLine{.time = *time,
                 .severity = json.string_or("severity", "DEFAULT"),
                 .service = ServiceId(json.string_or("service")),
                 .revision = RevisionId(json.string_or("revision")),
                 .instance = InstanceId(json.string_or("instance")),
                 .stream = static_cast<LogLine::Stream>(stream - kStreams.begin()),
                 .message = json.string_or("message"),
                 .payload = json["jsonPayload"]};
}

}  // namespace thaw::telemetry
