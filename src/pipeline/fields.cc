#include "pipeline/fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "base/nearest.h"

namespace thaw::pipeline {
namespace {

using spec::Node;
using enum Type;

constexpr auto kRequired = Presence::kRequired;
constexpr auto kOptional = Presence::kOptional;
constexpr std::string_view kClasses = "STANDARD|NEARLINE|COLDLINE|ARCHIVE";
constexpr std::string_view kEvents =
    "OBJECT_FINALIZE|OBJECT_METADATA_UPDATE|OBJECT_DELETE|OBJECT_ARCHIVE";

constexpr Field kFields[] = {
    {"Pipeline", "apiVersion", kString, "thaw.local/v1", kRequired},
    {"Pipeline", "kind", kString, "Pipeline", kRequired},
    {"Pipeline", "metadata", kObject, "Metadata", kRequired},
    {"Pipeline", "buckets", kObjects, "Bucket"},
    {"Pipeline", "topics", kObjects, "Topic"},
    {"Pipeline", "serviceAccounts", kObjects, "ServiceAccount"},
    {"Pipeline", "invokers", kObjects, "Invokers"},
    {"Pipeline", "subscriptions", kObjects, "Subscription"},
    {"Pipeline", "notifications", kObjects, "Notification"},
    {"Pipeline", "triggers", kObjects, "Trigger"},

    {"Metadata", "name", kString, "", kRequired},
    {"Metadata", "project", kString},

    {"Bucket", "name", kString, "", kRequired},
    {"Bucket", "location", kString},
    {"Bucket", "storageClass", kString, kClasses},
    {"Bucket", "labels", kStringMap},
    {"Bucket", "versioning", kObject, "Versioning"},
    {"Bucket", "lifecycle", kObject, "Lifecycle"},
    {"Bucket", "softDeletePolicy", kObject, "SoftDeletePolicy"},
    {"Bucket", "cors", kObjects, "Cors"},
    {"Versioning", "enabled", kBool, "", kRequired},
    {"SoftDeletePolicy", "retentionDurationSeconds", kInt, "", kRequired, 0, 7776000},
    {"Lifecycle", "rule", kObjects, "Rule", kRequired},
    {"Rule", "action", kObject, "Action", kRequired},
    {"Rule", "condition", kObject, "Condition", kRequired},
    {"Action", "type", kString, "Delete|SetStorageClass|AbortIncompleteMultipartUpload", kRequired},
    {"Action", "storageClass", kString, kClasses},
    {"Condition", "age", kInt, "", kOptional, 0, 1'000'000},
    {"Condition", "createdBefore", kString},
    {"Condition", "isLive", kBool},
    {"Condition", "numNewerVersions", kInt, "", kOptional, 0, 1'000'000},
    {"Condition", "daysSinceNoncurrentTime", kInt, "", kOptional, 0, 1'000'000},
    {"Condition", "daysSinceCustomTime", kInt, "", kOptional, 0, 1'000'000},
    {"Condition", "noncurrentTimeBefore", kString},
    {"Condition", "customTimeBefore", kString},
    {"Condition", "matchesPrefix", kStrings},
    {"Condition", "matchesSuffix", kStrings},
    {"Condition", "matchesStorageClass", kStrings, kClasses},
    {"Cors", "origin", kStrings},
    {"Cors", "method", kStrings},
    {"Cors", "responseHeader", kStrings},
    {"Cors", "maxAgeSeconds", kInt, "", kOptional, 0, 86400},

    {"Topic", "name", kString, "", kRequired},
    {"Topic", "labels", kStringMap},
    {"Topic", "messageRetentionDuration", kDuration},

    {"ServiceAccount", "name", kString, "", kRequired},
    {"ServiceAccount", "displayName", kString},
    {"ServiceAccount", "description", kString},

    {"Invokers", "service", kString, "", kRequired},
    {"Invokers", "members", kStrings, "", kRequired},

    {"Subscription", "name", kString, "", kRequired},
    {"Subscription", "topic", kString, "", kRequired},
    {"Subscription", "pushConfig", kObject, "PushConfig"},
    {"Subscription", "ackDeadlineSeconds", kInt, "", kOptional, 10, 600},
    {"Subscription", "retainAckedMessages", kBool},
    {"Subscription", "messageRetentionDuration", kDuration},
    {"Subscription", "labels", kStringMap},
    {"Subscription", "enableMessageOrdering", kBool},
    {"Subscription", "enableExactlyOnceDelivery", kBool},
    {"Subscription", "expirationPolicy", kObject, "ExpirationPolicy"},
    {"Subscription", "filter", kString},
    {"Subscription", "deadLetterPolicy", kObject, "DeadLetterPolicy"},
    {"Subscription", "retryPolicy", kObject, "RetryPolicy"},
    {"PushConfig", "service", kString},
    {"PushConfig", "path", kString},
    {"PushConfig", "pushEndpoint", kString},
    {"PushConfig", "attributes", kStringMap},
    {"PushConfig", "oidcToken", kObject, "OidcToken"},
    {"PushConfig", "noWrapper", kObject, "NoWrapper"},
    {"OidcToken", "serviceAccountEmail", kString, "", kRequired},
    {"OidcToken", "audience", kString},
    {"NoWrapper", "writeMetadata", kBool},
    {"ExpirationPolicy", "ttl", kDuration},
    {"DeadLetterPolicy", "deadLetterTopic", kString, "", kRequired},
    {"DeadLetterPolicy", "maxDeliveryAttempts", kInt, "", kOptional, 5, 100},
    {"RetryPolicy", "minimumBackoff", kDuration},
    {"RetryPolicy", "maximumBackoff", kDuration},

    {"Notification", "bucket", kString, "", kRequired},
    {"Notification", "topic", kString, "", kRequired},
    {"Notification", "event_types", kStrings, kEvents},
    {"Notification", "payload_format", kString, "JSON_API_V1|NONE"},
    {"Notification", "object_name_prefix", kString},
    {"Notification", "custom_attributes", kStringMap},

    {"Trigger", "name", kString, "", kRequired},
    {"Trigger", "eventFilters", kObjects, "EventFilter", kRequired},
    {"Trigger", "destination", kObject, "Destination", kRequired},
    {"Trigger", "transport", kObject, "Transport"},
    {"Trigger", "serviceAccount", kString},
    {"EventFilter", "attribute", kString, "type|bucket|object_name_prefix", kRequired},
    {"EventFilter", "value", kString, "", kRequired},
    {"Destination", "cloudRun", kObject, "CloudRun", kRequired},
    {"CloudRun", "service", kString, "", kRequired},
    {"CloudRun", "path", kString},
    {"CloudRun", "region", kString},
    {"Transport", "pubsub", kObject, "PubsubTransport", kRequired},
    {"PubsubTransport", "topic", kString, "", kRequired},
};

std::vector<std::string_view> choices_of(std::string_view text) {
  std::vector<std::string_view> all;
  while (!text.empty()) {
    const size_t end = std::min(text.find('|'), text.size());
    all.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return all;
}

std::vector<std::string_view> names_of(std::string_view object) {
  std::vector<std::string_view> all;
  for (const Field& field : kFields) {
    if (field.object == object) all.push_back(field.name);
  }
  return all;
}

const Field* find(std::string_view object, std::string_view name) {
  const auto it = std::ranges::find_if(
      kFields, [&](const Field& field) { return field.object == object && field.name == name; });
  return it == std::end(kFields) ? nullptr : &*it;
}

bool is_duration(std::string_view text) {
  if (!text.ends_with('s')) return false;
  text.remove_suffix(1);
  const size_t point = text.find('.');
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.size() <= 12 &&
           part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  return digits(text.substr(0, point)) &&
         (point == std::string_view::npos || digits(text.substr(point + 1)));
}

class Checker {
 public:
  explicit Checker(spec::Report& report) : report_(report) {}

  void object(const Node& node, std::string_view name, const std::string& path) {
    if (node.kind != Node::Kind::kMap) return wrong(node, path, "a mapping");
    std::set<std::string_view> seen;
    for (const spec::NodeMember& member : node.members) {
      const std::string inner = path.empty() ? member.key : path + "." + member.key;
      const Field* field = find(name, member.key);
      if (!seen.insert(member.key).second) {
        at_key(member, inner, fmt::format("{} is given twice", spec::quoted(member.key)));
      } else if (field == nullptr) {
        at_key(member, inner, unknown(member.key, name));
      } else if (member.value.kind != Node::Kind::kNull) {
        value(member.value, *field, inner);
      }
    }
    for (const Field& field : kFields) {
      if (field.object != name || field.presence != Presence::kRequired) continue;
      if (node.find(field.name) == nullptr) {
        const std::string inner =
            path.empty() ? std::string(field.name) : fmt::format("{}.{}", path, field.name);
        report_.add(inner, node, "is missing");
      }
    }
  }

 private:
  void at_key(const spec::NodeMember& member, const std::string& path, std::string why) {
    report_.add({path, member.line, member.column, std::move(why)});
  }
  void wrong(const Node& node, const std::string& path, std::string_view wanted) {
    report_.add(path, node, fmt::format("expected {}, found {}", wanted, node.described()));
  }

  static std::string unknown(const std::string& key, std::string_view object) {
    const auto names = names_of(object);
    const std::string text = fmt::format("unknown field {}", spec::quoted(key));
    if (const auto near = nearest(key, names)) {
      return text + fmt::format("; did you mean '{}'?", *near);
    }
    return text + fmt::format("; the fields here are {}", fmt::join(names, ", "));
  }

  void value(const Node& node, const Field& field, const std::string& path) {
    switch (field.type) {
      case kString:
        return string(node, field, path);
      case kInt:
        return whole(node, field, path);
      case kBool:
        if (node.kind != Node::Kind::kBool) wrong(node, path, "true or false");
        return;
      case kDuration:
        if (node.kind != Node::Kind::kString || !is_duration(node.text)) {
          wrong(node, path, "a time in seconds such as '600s'");
        }
        return;
      case kStrings:
        return each(node, path,
                    [&](const Node& item, const std::string& at) { string(item, field, at); });
      case kStringMap:
        return strings(node, path);
      case kObject:
        return object(node, field.of, path);
      case kObjects:
        return each(node, path,
                    [&](const Node& item, const std::string& at) { object(item, field.of, at); });
    }
  }

  template <class Check>
  void each(const Node& node, const std::string& path, Check check) {
    if (node.kind != Node::Kind::kList) return wrong(node, path, "a list");
    for (size_t i = 0; i < node.items.size(); ++i) {
      check(node.items[i], fmt::format("{}[{}]", path, i));
    }
  }

  void string(const Node& node, const Field& field, const std::string& path) {
    if (node.kind != Node::Kind::kString) {
      return wrong(node, path, "a string (in quotes where it looks like something else)");
    }
    const auto choices = choices_of(field.of);
    if (choices.empty() || std::ranges::find(choices, node.text) != choices.end()) return;
    const auto near = nearest(node.text, choices);
    report_.add(path, node,
                near ? fmt::format("{} is none of its values; did you mean '{}'?",
                                   spec::quoted(node.text), *near)
                     : fmt::format("{} is none of its values: {}", spec::quoted(node.text),
                                   fmt::join(choices, ", ")));
  }

  void whole(const Node& node, const Field& field, const std::string& path) {
    int64_t number = 0;
    const char* const end = node.text.data() + node.text.size();
    const auto read = std::from_chars(node.text.data(), end, number);
    if (node.kind != Node::Kind::kInt || read.ec != std::errc() || read.ptr != end) {
      return wrong(node, path, "a whole number");
    }
    if (number < field.low || number > field.high) {
      report_.add(path, node,
                  fmt::format("{} is not between {} and {}", number, field.low, field.high));
    }
  }

  void strings(const Node& node, const std::string& path) {
    if (node.kind != Node::Kind::kMap) return wrong(node, path, "a mapping of strings");
    std::set<std::string_view> seen;
    for (const spec::NodeMember& member : node.members) {
      const std::string inner = path + "." + member.key;
      if (!seen.insert(member.key).second) {
        at_key(member, inner, fmt::format("{} is given twice", spec::quoted(member.key)));
      } else if (member.value.kind != Node::Kind::kString) {
        wrong(member.value, inner, "a string (in quotes where it looks like something else)");
      }
    }
  }

  spec::Report& report_;
};

}  // namespace

std::span<const Field> fields() { return kFields; }

void check_document(const Node& document, spec::Report& report) {
  Checker(report).object(document, "Pipeline", "");
}

}  // namespace thaw::pipeline
