#include "pipeline/triggers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/nearest.h"
#include "spec/names.h"

namespace thaw::pipeline {
namespace {

constexpr std::string_view kPublished = "google.cloud.pubsub.topic.v1.messagePublished";

/// Eventarc's names of a bucket's events, and Cloud Storage's.
constexpr std::pair<std::string_view, std::string_view> kEvents[] = {
    {"google.cloud.storage.object.v1.finalized", "OBJECT_FINALIZE"},
    {"google.cloud.storage.object.v1.deleted", "OBJECT_DELETE"},
    {"google.cloud.storage.object.v1.archived", "OBJECT_ARCHIVE"},
    {"google.cloud.storage.object.v1.metadataUpdated", "OBJECT_METADATA_UPDATE"},
};

std::string storage_event(std::string_view type) {
  for (const auto& [name, event] : kEvents) {
    if (name == type) return std::string(event);
  }
  return "";
}

void unknown_type(const spec::Node& at, spec::Report& report) {
  std::vector<std::string_view> known = {kPublished};
  for (const auto& [name, event] : kEvents) known.push_back(name);
  const auto near = nearest(at.text, known);
  report.add("eventFilters", at,
             near
                 ? fmt::format("unknown event {}; did you mean '{}'?", spec::quoted(at.text), *near)
                 : fmt::format("unknown event {}; the events are {}", spec::quoted(at.text),
                               fmt::join(known, ", ")));
}

}  // namespace

TriggerParts expand_trigger(const spec::Node& trigger, spec::Report& report) {
  TriggerParts parts;
  const spec::Node& name = *trigger.find("name");
  if (const auto fault = spec::service_name_fault(name.text)) {
    report.add("triggers.name", name, spec::quoted(name.text) + " " + *fault);
    return parts;
  }
  std::map<std::string, const spec::Node*> filters;
  for (const spec::Node& each : trigger.find("eventFilters")->items) {
    if (!filters.emplace(each.find("attribute")->text, each.find("value")).second) {
      report.add("eventFilters", each, "this attribute is given twice");
    }
  }
  if (!filters.contains("type")) {
    report.add("eventFilters", trigger, "none has the attribute 'type'");
    return parts;
  }
  const spec::Node& type = *filters["type"];
  const spec::Node* transport = trigger.find("transport");
  std::string topic = "eventarc-" + name.text;
  if (type.text == kPublished) {
    if (transport == nullptr) {
      report.add("transport", trigger, "transport.pubsub.topic says whose messages are meant");
      return parts;
    }
    topic = transport->find("pubsub")->find("topic")->text;
  } else {
    const std::string event = storage_event(type.text);
    if (event.empty()) {
      unknown_type(type, report);
      return parts;
    }
    if (!filters.contains("bucket") || transport != nullptr) {
      report.add("eventFilters", trigger,
                 "a bucket's event wants the attribute 'bucket', and no transport");
      return parts;
    }
    parts.topics.push_back(Json::object({{"name", topic}}));
    Json notification = Json::object({{"bucket", filters["bucket"]->text},
                                      {"topic", topic},
                                      {"event_types", Json(Json::Array{event})}});
    if (const auto prefix = filters.find("object_name_prefix"); prefix != filters.end()) {
      notification.set("object_name_prefix", prefix->second->text);
    }
    parts.notifications.push_back(std::move(notification));
  }
  const spec::Node& target = *trigger.find("destination")->find("cloudRun");
  const spec::Node* path = target.find("path");
  Json push = Json::object({{"service", target.find("service")->text},
                            {"path", path != nullptr ? path->text : "/"},
                            {"attributes", Json::object({{"x-thaw-format", "cloudevents"}})}});
  if (const spec::Node* account = trigger.find("serviceAccount")) {
    const size_t at = account->text.find('@');
    if (account->text.empty() || at == 0 || at + 1 == account->text.size()) {
      report.add("serviceAccount", *account,
                 spec::quoted(account->text) + " is no account: NAME or NAME@DOMAIN");
    }
    // As Eventarc does: what it sends carries the account's identity token.
    push.set("oidcToken", Json::object({{"serviceAccountEmail", account->text}}));
  }
  parts.subscriptions.push_back(Json::object({{"name", "eventarc-" + name.text},
                                              {"topic", topic},
                                              {"ackDeadlineSeconds", 60},
                                              {"expirationPolicy", Json::object()},  // never
                                              {"pushConfig", std::move(push)}}));
  return parts;
}

}  // namespace thaw::pipeline
