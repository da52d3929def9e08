#include "spec/decode.h"

#include <charconv>

#include "spec/fields.h"

namespace thaw::spec {
namespace {

using Kind = Node::Kind;

/// Read access to one mapping; a null Node reads as empty, a value of the wrong type as absent.
class Fields {
 public:
  explicit Fields(const Node* node) : node_(node) {}

  explicit operator bool() const { return node_ && node_->kind == Kind::kMap; }
  const Node* at(std::string_view name) const { return node_ ? node_->find(name) : nullptr; }
  Fields below(std::string_view name) const { return Fields(at(name)); }

  std::string text(std::string_view name) const {
    const Node* value = at(name);
    return value && value->kind == Kind::kString ? value->text : "";
  }

  template <class T = int32_t>
  std::optional<T> number(std::string_view name) const {
    const Node* value = at(name);
    return value && value->kind == Kind::kInt ? read_number<T>(value->text) : std::nullopt;
  }

  std::optional<Duration> seconds(std::string_view name) const {
    const auto value = number(name);
    return value ? std::optional<Duration>(std::chrono::seconds(*value)) : std::nullopt;
  }

  bool flag(std::string_view name) const {
    const Node* value = at(name);
    return value && value->kind == Kind::kBool && value->text == "true";
  }

  std::optional<WallTime> time(std::string_view name) const {
    const Node* value = at(name);
    const auto time = value && value->is_scalar() ? parse_rfc3339(value->text) : std::nullopt;
    if (!time) return std::nullopt;
    // To the microsecond, which is what is printed.
    return WallTime(std::chrono::floor<std::chrono::microseconds>(time->time_since_epoch()));
  }

  std::optional<Cpu> cpu(std::string_view name) const {
    const Node* value = at(name);
    if (!value || !value->is_scalar()) return std::nullopt;
    const auto parsed = parse_cpu(value->text);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }

  std::optional<ByteCount> memory(std::string_view name) const {
    const Node* value = at(name);
    if (!value || !value->is_scalar()) return std::nullopt;
    const auto parsed = parse_memory(value->text);
    return parsed ? std::optional(*parsed) : std::nullopt;
  }

  /// The items of a list; nothing for anything else.
  const std::vector<Node>& items(std::string_view name) const {
    static const std::vector<Node> kNone;
    const Node* value = at(name);
    return value && value->kind == Kind::kList ? value->items : kNone;
  }

  std::vector<std::string> texts(std::string_view name) const {
    std::vector<std::string> found;
    for (const Node& item : items(name)) found.push_back(item.text);
    return found;
  }

  StringMap entries(std::string_view name) const {
    StringMap found;
    const Node* value = at(name);
    if (!value) return found;
    for (const NodeMember& member : value->members) {
      if (member.value.kind == Kind::kString) found.emplace(member.key, member.value.text);
    }
    return found;
  }

  /// The fields that the table keeps and that no member of a struct holds.
  Json kept(std::string_view object, std::initializer_list<std::string_view> typed) const {
    Json found;
    if (!node_) return found;
    for (const NodeMember& member : node_->members) {
      const FieldRow* row = find_field(object, member.key);
      const bool is_typed = std::find(typed.begin(), typed.end(), member.key) != typed.end();
      if (!row || row->support != Support::kKept || is_typed || member.value.is_empty()) continue;
      found.set(member.key, node_to_json(member.value));
    }
    return found;
  }

  template <class T>
  static std::optional<T> read_number(std::string_view text) {
    T value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value)
                                                                    : std::nullopt;
  }

 private:
  const Node* node_;
};

Metadata decode_metadata(const Fields& from) {
  Metadata metadata;
  metadata.name = from.text("name");
  metadata.namespace_ = from.text("namespace");
  metadata.labels = from.entries("labels");
  metadata.annotations = from.entries("annotations");
  metadata.generation = from.number<int64_t>("generation").value_or(0);
  metadata.uid = from.text("uid");
  metadata.resource_version = from.text("resourceVersion");
  metadata.creation_timestamp = from.time("creationTimestamp");
  metadata.kept = from.kept("Metadata", {"namespace", "labels", "uid", "creationTimestamp"});
  return metadata;
}

/// Takes an annotation out of the map: what becomes a member is no annotation any more.
std::optional<std::string> take(StringMap& annotations, std::string_view name) {
  const auto found = annotations.find(name);
  if (found == annotations.end()) return std::nullopt;
  std::string value = std::move(found->second);
  annotations.erase(found);
  return value;
}

std::optional<int32_t> take_number(StringMap& annotations, std::string_view name) {
  const auto value = take(annotations, name);
  return value ? Fields::read_number<int32_t>(*value) : std::nullopt;
}

std::optional<bool> take_flag(StringMap& annotations, std::string_view name) {
  const auto value = take(annotations, name);
  if (!value) return std::nullopt;
  return value->starts_with('t') || value->starts_with('T');
}

Probe decode_probe(const Fields& from) {
  Probe probe;
  Fields action = from.below("tcpSocket");
  if (const Fields http = from.below("httpGet")) {
    action = http;
    probe.kind = ProbeKind::kHttp;
    probe.http_path = http.text("path");
    for (const Node& item : http.items("httpHeaders")) {
      const Fields header(&item);
      probe.http_headers.push_back({header.text("name"), header.text("value")});
    }
  } else if (const Fields grpc = from.below("grpc")) {
    action = grpc;
    probe.kind = ProbeKind::kGrpc;
    probe.grpc_service = grpc.text("service");
  }
  probe.port = action.number("port").value_or(0);
  probe.initial_delay = from.seconds("initialDelaySeconds");
  probe.period = from.seconds("periodSeconds");
  probe.timeout = from.seconds("timeoutSeconds");
  probe.failure_threshold = from.number("failureThreshold");
  probe.success_threshold = from.number("successThreshold");
  return probe;
}

std::optional<Probe> decode_probe_at(const Fields& from, std::string_view name) {
  const Fields probe = from.below(name);
  return probe ? std::optional(decode_probe(probe)) : std::nullopt;
}

Port decode_port(const Fields& from) {
  Port port;
  port.container_port = from.number("containerPort").value_or(0);
  const std::string name = from.text("name");
  if (name == "h2c") port.protocol = PortProtocol::kH2c;
  if (name == "http1") port.protocol = PortProtocol::kHttp1;
  port.kept = from.kept("ContainerPort", {});
  return port;
}

Container decode_container(const Fields& from) {
  Container container;
  container.name = from.text("name");
  container.image = from.text("image");
  container.command = from.texts("command");
  container.args = from.texts("args");
  for (const Node& item : from.items("env")) {
    const Fields variable(&item);
    container.env.push_back({variable.text("name"), variable.text("value")});
  }
  container.working_dir = from.text("workingDir");
  for (const Node& item : from.items("ports")) {
    container.ports.push_back(decode_port(Fields(&item)));
  }
  const Fields limits = from.below("resources").below("limits");
  const Fields requests = from.below("resources").below("requests");
  container.resources = {limits.cpu("cpu"), limits.memory("memory"), requests.cpu("cpu"),
                         requests.memory("memory")};
  container.startup_probe = decode_probe_at(from, "startupProbe");
  container.liveness_probe = decode_probe_at(from, "livenessProbe");
  container.readiness_probe = decode_probe_at(from, "readinessProbe");
  container.kept = from.kept("Container", {"name"});
  return container;
}

RevisionSpec decode_spec(const Fields& from) {
  RevisionSpec spec;
  spec.container_concurrency = from.number("containerConcurrency");
  spec.timeout = from.seconds("timeoutSeconds");
  for (const Node& item : from.items("containers")) {
    spec.containers.push_back(decode_container(Fields(&item)));
  }
  spec.service_account_name = from.text("serviceAccountName");
  spec.kept = from.kept("RevisionSpec", {"serviceAccountName"});
  return spec;
}

RevisionTemplate decode_template(const Fields& from) {
  RevisionTemplate revision;
  revision.metadata = decode_metadata(from.below("metadata"));
  revision.spec = decode_spec(from.below("spec"));
  StringMap& notes = revision.metadata.annotations;
  const auto either = [&](std::string_view ours, std::string_view knatives) {
    const auto value = take_number(notes, ours);
    const auto other = take_number(notes, knatives);
    return value ? value : other;
  };
  revision.scaling = {
      either("autoscaling.knative.dev/minScale", "autoscaling.knative.dev/min-scale"),
      either("autoscaling.knative.dev/maxScale", "autoscaling.knative.dev/max-scale"),
      {}};
  if (const auto throttled = take_flag(notes, "run.googleapis.com/cpu-throttling")) {
    revision.cpu_allocation =
        *throttled ? CpuAllocation::kRequestBased : CpuAllocation::kInstanceBased;
  }
  revision.startup_cpu_boost = take_flag(notes, "run.googleapis.com/startup-cpu-boost");
  revision.session_affinity = take_flag(notes, "run.googleapis.com/sessionAffinity");
  if (const auto gen = take(notes, "run.googleapis.com/execution-environment")) {
    revision.execution_environment =
        *gen == "gen1" ? ExecutionEnvironment::kGen1 : ExecutionEnvironment::kGen2;
  }
  return revision;
}

TrafficTarget decode_target(const Fields& from) {
  TrafficTarget target;
  target.revision_name = from.text("revisionName");
  target.latest_revision = from.flag("latestRevision");
  target.percent = from.number("percent");
  target.tag = from.text("tag");
  target.url = from.text("url");
  return target;
}

std::vector<TrafficTarget> decode_targets(const std::vector<Node>& items) {
  std::vector<TrafficTarget> targets;
  for (const Node& item : items) targets.push_back(decode_target(Fields(&item)));
  return targets;
}

Condition decode_condition(const Fields& from) {
  Condition condition;
  condition.type = from.text("type");
  const std::string status = from.text("status");
  condition.status = status == "True"    ? ConditionStatus::kTrue
                     : status == "False" ? ConditionStatus::kFalse
                                         : ConditionStatus::kUnknown;
  condition.reason = from.text("reason");
  condition.message = from.text("message");
  condition.severity = from.text("severity");
  condition.last_transition_time = from.time("lastTransitionTime");
  return condition;
}

ServiceStatus decode_status(const Fields& from) {
  ServiceStatus status;
  for (const Node& item : from.items("conditions")) {
    status.conditions.push_back(decode_condition(Fields(&item)));
  }
  status.latest_created_revision_name = from.text("latestCreatedRevisionName");
  status.latest_ready_revision_name = from.text("latestReadyRevisionName");
  status.observed_generation = from.number<int64_t>("observedGeneration").value_or(0);
  status.traffic = decode_targets(from.items("traffic"));
  status.url = from.text("url");
  return status;
}

}  // namespace

Service decode_service(const Node& root) {
  const Fields from(&root);
  Service service;
  service.metadata = decode_metadata(from.below("metadata"));
  StringMap& notes = service.metadata.annotations;
  const Node* kind = root.find("kind");
  if (kind != nullptr && kind->text == "WorkerPool") service.kind = ServiceKind::kWorkerPool;
  service.scaling = {take_number(notes, "run.googleapis.com/minScale"),
                     take_number(notes, "run.googleapis.com/maxScale"),
                     take_number(notes, "run.googleapis.com/manualInstanceCount")};
  service.description = take(notes, "run.googleapis.com/description").value_or("");
  service.template_ = decode_template(from.below("spec").below("template"));
  service.traffic = decode_targets(from.below("spec").items(
      service.kind == ServiceKind::kWorkerPool ? "instanceSplits" : "traffic"));
  service.status = decode_status(from.below("status"));
  return service;
}

}  // namespace thaw::spec
