#include "pipeline/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "pipeline/fields.h"
#include "pipeline/triggers.h"
#include "spec/defaults.h"
#include "spec/documents.h"
#include "spec/emit.h"
#include "spec/names.h"
#include "spec/parse.h"

namespace thaw::pipeline {
namespace {

using spec::Node;

constexpr std::array<std::string_view, 8> kKindNames = {
    "bucket",      "topic",    "service account", "service",
    "worker pool", "invokers", "subscription",    "notification"};
constexpr std::array<std::string_view, 4> kMemberKinds = {
    "serviceAccount:", "user:", "group:", "domain:"};

constexpr std::string_view kClientMarks[] = {
    "run.googleapis.com/client-name", "run.googleapis.com/client-version",
    "client.knative.dev/user-image", "client.knative.dev/nonce"};

std::string full_name(const std::string& project, std::string_view collection,
                      const std::string& name) {
  if (name.starts_with("projects/")) return name;
  return fmt::format("projects/{}/{}/{}", project, collection, name);
}

std::string short_name(const std::string& name) { return name.substr(name.rfind('/') + 1); }

class Reader {
 public:
  explicit Reader(std::string_view file_name) : file_name_(file_name) {}

  Result<File> read(const std::vector<Node>& documents) {
    for (const Node& document : documents) RETURN_IF_ERROR(take(document));
    if (pipeline_ == nullptr) {
      report_.add("", documents[0],
                  "no document of kind Pipeline; write one with apiVersion: thaw.local/v1 and "
                  "metadata.name");
    }
    if (report_.empty()) read_pipeline();
    if (report_.empty()) check_references();
    if (!report_.empty()) return report_.error(file_name_);
    std::stable_sort(file_.resources.begin(), file_.resources.end(),
                     [](const Resource& a, const Resource& b) { return a.key.kind < b.key.kind; });
    return std::move(file_);
  }

 private:
  Status take(const Node& document) {
    const Node* kind = document.find("kind");
    const std::string_view name = kind != nullptr ? std::string_view(kind->text) : "";
    if (name == "Service" || name == "WorkerPool") return take_service(document);
    if (name != "Pipeline") {
      report_.add("kind", kind != nullptr ? *kind : document,
                  fmt::format("{} is none of Pipeline, Service and WorkerPool",
                              kind != nullptr ? spec::quoted(name) : "what is missing here"));
    } else if (pipeline_ != nullptr) {
      report_.add("kind", *kind,
                  fmt::format("a second Pipeline; the first is on line {}", pipeline_->line));
    } else {
      pipeline_ = &document;
      check_document(document, report_);
    }
    return {};
  }

  /// A service's own faults come with its own words, all of them at once.
  Status take_service(const Node& document) {
    ASSIGN_OR_RETURN(const spec::Service service, spec::service_from_node(document, file_name_));
    const Kind kind =
        service.kind == spec::ServiceKind::kWorkerPool ? Kind::kWorkerPool : Kind::kService;
    add({{kind, service.metadata.name}, spec::to_json(service), document.line}, document);
    return {};
  }

  void add(Resource resource, const Node& at) {
    const auto [before, is_new] = lines_.emplace(resource.key, at.line);
    if (!is_new) {
      report_.add("", at,
                  fmt::format("{} stands here a second time; first on line {}", resource.key.str(),
                              before->second));
    } else if (file_.resources.size() == kMostResources) {
      report_.add("", at, fmt::format("more than {} resources", kMostResources));
    } else {
      file_.resources.push_back(std::move(resource));
    }
  }

  void read_pipeline() {
    const Node& metadata = *pipeline_->find("metadata");
    const Node& name = *metadata.find("name");
    if (const auto fault = spec::service_name_fault(name.text)) {
      report_.add("metadata.name", name, spec::quoted(name.text) + " " + *fault);
    }
    file_.name = name.text;
    const Node* project = metadata.find("project");
    file_.project = project != nullptr ? project->text : std::string(kDefaultProject);
    each("buckets", [&](const Node& node, Json body) {
      // Cloud Storage writes 64-bit numbers as strings.
      if (const Json& policy = body["softDeletePolicy"]; policy.is_object()) {
        body.set("softDeletePolicy",
                 Json::object({{"retentionDurationSeconds",
                                std::to_string(policy.int_or("retentionDurationSeconds", 0))}}));
      }
      const std::string bucket = body.string_or("name");
      if (bucket.size() < 3 || bucket.size() > 63) {
        report_.add("buckets.name", node,
                    spec::quoted(bucket) + " must have 3 to 63 characters, as all buckets'");
      }
      add({{Kind::kBucket, bucket}, body, node.line}, node);
    });
    each("topics", [&](const Node& node, Json body) { topic(node, std::move(body)); });
    each("serviceAccounts", [&](const Node& node, Json body) { account(node, std::move(body)); });
    each("invokers", [&](const Node& node, Json body) { invokers(node, std::move(body)); });
    each("subscriptions",
         [&](const Node& node, Json body) { subscription(node, std::move(body)); });
    each("notifications",
         [&](const Node& node, Json body) { notification(node, std::move(body)); });
    each("triggers", [&](const Node& node, const Json&) {
      const TriggerParts parts = expand_trigger(node, report_);
      for (const Json& each : parts.topics) topic(node, each);
      for (const Json& each : parts.subscriptions) subscription(node, each);
      for (const Json& each : parts.notifications) notification(node, each);
    });
  }

  void topic(const Node& node, Json body) {
    const std::string name = body.string_or("name");
    body.set("name", full_name(file_.project, "topics", name));
    add({{Kind::kTopic, short_name(name)}, body, node.line}, node);
  }

  void account(const Node& node, Json body) {
    const std::string name = body.string_or("name");
    const bool is_plain =
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (name.size() < 6 || name.size() > 30 || !is_plain || name[0] < 'a' || name.back() == '-') {
      report_.add(
          "serviceAccounts.name", *node.find("name"),
          spec::quoted(name) + " must have 6 to 30 small letters, digits and '-', a letter first");
      return;
    }
    body.set("email", account_address(name, file_.project));
    add({{Kind::kServiceAccount, name}, body, node.line}, node);
  }

  /// Sorted and each once, so that their order makes no difference.
  void invokers(const Node& node, Json body) {
    std::set<std::string> members;
    for (const Node& each : node.find("members")->items) {
      const auto kind = std::ranges::find_if(
          kMemberKinds, [&](std::string_view k) { return each.text.starts_with(k); });
      if (each.text == "allUsers" || each.text == "allAuthenticatedUsers") {
        members.insert(each.text);
      } else if (kind == kMemberKinds.end() || each.text.size() == kind->size()) {
        report_.add("invokers.members", each,
                    spec::quoted(each.text) +
                        " is no member: allUsers, allAuthenticatedUsers, serviceAccount:NAME, "
                        "user:EMAIL, group:EMAIL or domain:NAME");
      } else if (kind == kMemberKinds.begin()) {
        members.insert(std::string(*kind) +
                       account_address(each.text.substr(kind->size()), file_.project));
      } else {
        members.insert(each.text);
      }
    }
    body.set("members", Json(Json::Array(members.begin(), members.end())));
    add({{Kind::kInvokers, body.string_or("service")}, body, node.line}, node);
  }

  template <class Take>
  void each(std::string_view list, Take take) {
    const Node* items = pipeline_->find(list);
    if (items == nullptr) return;
    for (const Node& item : items->items) take(item, spec::node_to_json(item));
  }

  void subscription(const Node& node, Json body) {
    const std::string name = body.string_or("name");
    const std::string topic = body.string_or("topic");
    body.set("name", full_name(file_.project, "subscriptions", name));
    body.set("topic", full_name(file_.project, "topics", topic));
    if (const Json& policy = body["deadLetterPolicy"]; policy.is_object()) {
      Json full = policy;
      full.set("deadLetterTopic",
               full_name(file_.project, "topics", policy.string_or("deadLetterTopic")));
      body.set("deadLetterPolicy", full);
    }
    if (const Json& token = body["pushConfig"]["oidcToken"]; token.is_object()) {
      Json push = body["pushConfig"];
      Json full = token;
      full.set("serviceAccountEmail",
               account_address(token.string_or("serviceAccountEmail"), file_.project));
      push.set("oidcToken", full);
      body.set("pushConfig", push);
    }
    if (const Node* push = node.find("pushConfig")) check_push(*push);
    add({{Kind::kSubscription, short_name(name)}, body, node.line}, node);
  }

  void check_push(const Node& push) {
    const bool by_name = push.find("service") != nullptr;
    if (by_name == (push.find("pushEndpoint") != nullptr)) {
      report_.add("pushConfig", push, "one of service and pushEndpoint is wanted");
    }
    const Node* path = push.find("path");
    if (path == nullptr) return;
    if (!by_name) report_.add("pushConfig.path", *path, "goes with service only");
    if (!path->text.starts_with('/')) {
      report_.add("pushConfig.path", *path, spec::quoted(path->text) + " does not begin with '/'");
    }
  }

  void notification(const Node& node, Json body) {
    const std::string topic = body.string_or("topic");
    const std::string prefix = body.string_or("object_name_prefix");
    body.set("topic", "//pubsub.googleapis.com/" + full_name(file_.project, "topics", topic));
    if (body["payload_format"].is_null()) body.set("payload_format", "JSON_API_V1");
    add({{Kind::kNotification,
          fmt::format("{}/{} -> {}", body.string_or("bucket"), prefix, short_name(topic))},
         body,
         node.line},
        node);
  }

  /// A name that the file does not have may be there already; one that is nearly in the file is a
  /// mistake.
  void check_references() {
    const Node* subscriptions = pipeline_->find("subscriptions");
    if (subscriptions == nullptr) return;
    for (const Node& each : subscriptions->items) {
      const Node* push = each.find("pushConfig");
      const Node* service = push != nullptr ? push->find("service") : nullptr;
      if (service == nullptr || lines_.contains(Key{Kind::kService, service->text})) continue;
      if (const auto fault = spec::service_name_fault(service->text)) {
        report_.add("pushConfig.service", *service, spec::quoted(service->text) + " " + *fault);
      }
    }
  }

  std::string file_name_;
  spec::Report report_;
  File file_;
  const Node* pipeline_ = nullptr;
  std::map<Key, int> lines_;
};

}  // namespace

std::string_view kind_name(Kind kind) { return kKindNames[static_cast<size_t>(kind)]; }

std::optional<Kind> kind_named(std::string_view name) {
  const auto it = std::ranges::find(kKindNames, name);
  if (it == kKindNames.end()) return std::nullopt;
  return static_cast<Kind>(it - kKindNames.begin());
}

std::string Key::str() const { return fmt::format("{} {}", kind_name(kind), name); }

std::string account_address(const std::string& name, const std::string& project) {
  if (name.find('@') != std::string::npos) return name;
  return fmt::format("{}@{}.iam.gserviceaccount.com", name, project);
}

Result<File> parse(std::string_view text, std::string_view file_name) {
  ASSIGN_OR_RETURN(const std::vector<Node> documents, spec::read_documents(text, file_name));
  return Reader(file_name).read(documents);
}

Result<Json> normal_service(const Json& json) {
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(json));
  spec::apply_defaults(service);
  for (const std::string_view mark : kClientMarks) {
    service.metadata.annotations.erase(std::string(mark));
    service.template_.metadata.annotations.erase(std::string(mark));
    service.template_.metadata.labels.erase(std::string(mark));
  }
  Json whole = spec::to_json(service);
  Json metadata = Json::object({{"name", service.metadata.name}});
  for (const char* part : {"labels", "annotations"}) {
    if (!whole["metadata"][part].is_null()) metadata.set(part, whole["metadata"][part]);
  }
  return Json::object({{"metadata", metadata}, {"spec", whole["spec"]}});
}

std::string pushed_service(const Json& body) { return body["pushConfig"].string_or("service"); }

Json with_address(Json body, const std::string& url) {
  Json push = Json::object();
  for (const auto& [key, value] : body["pushConfig"].as_object()) {
    if (key != "service" && key != "path") push.set(key, value);
  }
  push.set("pushEndpoint", url + body["pushConfig"].string_or("path"));
  body.set("pushConfig", std::move(push));
  return body;
}

}  // namespace thaw::pipeline
