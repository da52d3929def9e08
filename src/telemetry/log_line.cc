#include "telemetry/log_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace thaw::telemetry {
namespace {

constexpr size_t kLongestMessage = 64 * 1024;
constexpr std::array<std::string_view, 9> kSeverities = {
    "DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"};
constexpr std::array<std::string_view, 4> kStreams = {"stdout", "stderr", "platform", "requests"};
constexpr std::array<std::string_view, 4> kLogNames = {"stdout", "stderr", "varlog%2Fsystem",
                                                       "requests"};

/// Fields of an entry that a printed object sets by a name of its own, and of which type.
/// Source: docs.cloud.google.com/logging/docs/structured-logging, "special JSON fields".
struct SpecialField {
  std::string_view printed;
  std::string_view entry;
  bool (Json::*fits)() const;
};
constexpr std::array kSpecialFields = {
    SpecialField{"httpRequest", "httpRequest", &Json::is_object},
    SpecialField{"logging.googleapis.com/trace", "trace", &Json::is_string},
    SpecialField{"logging.googleapis.com/spanId", "spanId", &Json::is_string},
    SpecialField{"logging.googleapis.com/trace_sampled", "traceSampled", &Json::is_bool},
    SpecialField{"logging.googleapis.com/labels", "labels", &Json::is_object},
    SpecialField{"logging.googleapis.com/operation", "operation", &Json::is_object},
    SpecialField{"logging.googleapis.com/sourceLocation", "sourceLocation", &Json::is_object},
    SpecialField{"logging.googleapis.com/insertId", "insertId", &Json::is_string}};

const SpecialField* special_field(std::string_view key, const Json& value) {
  for (const SpecialField& each : kSpecialFields) {
    if (each.printed == key && (value.*each.fits)()) return &each;
  }
  return nullptr;
}

bool is_structured(const Json& json) {
  if (!json.is_object()) return false;
  return std::ranges::any_of(json.as_object(), [](const Json::Member& member) {
    return member.first == "severity" || member.first == "message" ||
           (member.first.starts_with("logging.googleapis.com/") &&
            special_field(member.first, member.second) != nullptr);
  });
}

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
    if (json && is_structured(*json)) {
      const std::string severity = upper(json->string_or("severity"));
      const bool known = severity_rank(severity) >= 0;
      if (known) line.severity = severity;
      line.message = cut(json->string_or("message"));
      Json rest = Json::object();
      for (const auto& [key, value] : json->as_object()) {
        if (const SpecialField* special = special_field(key, value)) {
          line.entry.set(special->entry, value);
          continue;
        }
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
  if (line.entry.is_null()) return json;
  for (const auto& [key, value] : line.entry.as_object()) json.set(key, value);
  return json;
}

Json to_log_entry(const LogLine& line) {
  Json json = to_json(line);
  json.set("logName", fmt::format("projects/{}/logs/run.googleapis.com%2F{}", kLogProject,
                                  kLogNames.at(static_cast<size_t>(line.stream))));
  json.set("resource",
           Json::object({{"type", "cloud_run_revision"},
                         {"labels", Json::object({{"project_id", kLogProject},
                                                  {"location", kLogLocation},
                                                  {"service_name", line.service.str()},
                                                  {"configuration_name", line.service.str()},
                                                  {"revision_name", line.revision.str()}})}}));
  if (!line.instance.empty()) {
    Json labels = json["labels"].is_object() ? json["labels"] : Json::object();
    labels.set("instanceId", line.instance.str());
    json.set("labels", std::move(labels));
  }
  return json;
}

Result<LogLine> log_line_from_json(const Json& json) {
  const auto time = parse_rfc3339(json.string_or("timestamp"));
  const auto stream = std::find(kStreams.begin(), kStreams.end(), json.string_or("stream"));
  if (!time || stream == kStreams.end()) {
    return Error(Code::kDataLoss, "a log line without a timestamp or stream");
  }
  Json entry;
  for (const auto& [key, value] : json.as_object()) {  // in the order in which they were written
    const auto special = std::ranges::find(kSpecialFields, key, &SpecialField::entry);
    if (special != kSpecialFields.end() && (value.*special->fits)()) entry.set(key, value);
  }
  return LogLine{.time = *time,
                 .severity = json.string_or("severity", "DEFAULT"),
                 .service = ServiceId(json.string_or("service")),
                 .revision = RevisionId(json.string_or("revision")),
                 .instance = InstanceId(json.string_or("instance")),
                 .stream = static_cast<LogLine::Stream>(stream - kStreams.begin()),
                 .message = json.string_or("message"),
                 .payload = json["jsonPayload"],
                 .entry = std::move(entry)};
}

}  // namespace thaw::telemetry
