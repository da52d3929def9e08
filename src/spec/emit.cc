#include "spec/emit.h"

#include <algorithm>

#include "spec/defaults.h"

namespace thaw::spec {
namespace {

/// Collects the fields of one object that are worth printing, in alphabetical order.
class Fields {
 public:
  Fields() : object_(Json::object()) {}
  explicit Fields(const Json& kept) : object_(kept.is_object() ? kept : Json::object()) {}

  Fields& always(std::string_view name, Json value) {
    object_.set(name, std::move(value));
    return *this;
  }
  Fields& text(std::string_view name, const std::string& value) {
    return value.empty() ? *this : always(name, value);
  }
  Fields& number(std::string_view name, const std::optional<int32_t>& value) {
    return value ? always(name, *value) : *this;
  }
  Fields& seconds(std::string_view name, const std::optional<Duration>& value) {
    using std::chrono::duration_cast;
    return value ? always(name, int64_t{duration_cast<std::chrono::seconds>(*value).count()})
                 : *this;
  }
  Fields& time(std::string_view name, const std::optional<WallTime>& value) {
    return value ? always(name, format_rfc3339(*value)) : *this;
  }
  Fields& map(std::string_view name, const StringMap& value) {
    if (value.empty()) return *this;
    Json object = Json::object();
    for (const auto& [key, text] : value) object.as_object().emplace_back(key, text);
    return always(name, std::move(object));
  }
  Fields& texts(std::string_view name, const std::vector<std::string>& value) {
    if (value.empty()) return *this;
    Json list = Json::array();
    for (const std::string& item : value) list.push_back(item);
    return always(name, std::move(list));
  }
  template <class T, class Print>
  Fields& list(std::string_view name, const std::vector<T>& value, Print print) {
    if (value.empty()) return *this;
    Json list = Json::array();
    for (const T& item : value) list.push_back(print(item));
    return always(name, std::move(list));
  }
  Fields& object(std::string_view name, Json value) {
    return value.as_object().empty() ? *this : always(name, std::move(value));
  }

  Json done() {
    std::sort(object_.as_object().begin(), object_.as_object().end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    return std::move(object_);
  }

 private:
  Json object_;
};

Json metadata_json(const Metadata& metadata, const StringMap& typed_annotations) {
  StringMap annotations = metadata.annotations;
  annotations.insert(typed_annotations.begin(), typed_annotations.end());
  Fields fields(metadata.kept);
  fields.map("annotations", annotations)
      .time("creationTimestamp", metadata.creation_timestamp)
      .map("labels", metadata.labels)
      .text("name", metadata.name)
      .text("namespace", metadata.namespace_)
      .text("resourceVersion", metadata.resource_version)
      .text("uid", metadata.uid);
  if (metadata.generation != 0) fields.always("generation", metadata.generation);
  return fields.done();
}

void put_number(StringMap& annotations, std::string_view name, std::optional<int32_t> value) {
  if (value) annotations.emplace(name, std::to_string(*value));
}

void put_flag(StringMap& annotations, std::string_view name, std::optional<bool> value) {
  if (value) annotations.emplace(name, *value ? "true" : "false");
}

StringMap template_annotations(const RevisionTemplate& revision) {
  StringMap notes;
  put_number(notes, "autoscaling.knative.dev/minScale", revision.scaling.min_instances);
  put_number(notes, "autoscaling.knative.dev/maxScale", revision.scaling.max_instances);
  if (revision.cpu_allocation) {
    put_flag(notes, "run.googleapis.com/cpu-throttling",
             *revision.cpu_allocation == CpuAllocation::kRequestBased);
  }
  put_flag(notes, "run.googleapis.com/startup-cpu-boost", revision.startup_cpu_boost);
  put_flag(notes, "run.googleapis.com/sessionAffinity", revision.session_affinity);
  if (revision.execution_environment) {
    const bool first = *revision.execution_environment == ExecutionEnvironment::kGen1;
    notes.emplace("run.googleapis.com/execution-environment", first ? "gen1" : "gen2");
  }
  return notes;
}

Json action_json(const Probe& probe) {
  Fields action;
  if (probe.port != 0) action.number("port", probe.port);
  if (probe.kind == ProbeKind::kGrpc) action.text("service", probe.grpc_service);
  if (probe.kind == ProbeKind::kHttp) {
    action.text("path", probe.http_path);
    action.list("httpHeaders", probe.http_headers, [](const HttpHeader& header) {
      return Fields().always("name", header.name).always("value", header.value).done();
    });
  }
  return action.done();
}

Json probe_json(const Probe& probe) {
  const std::string_view action = probe.kind == ProbeKind::kTcp    ? "tcpSocket"
                                  : probe.kind == ProbeKind::kHttp ? "httpGet"
                                                                   : "grpc";
  return Fields()
      .always(action, action_json(probe))
      .seconds("initialDelaySeconds", probe.initial_delay)
      .seconds("periodSeconds", probe.period)
      .seconds("timeoutSeconds", probe.timeout)
      .number("failureThreshold", probe.failure_threshold)
      .number("successThreshold", probe.success_threshold)
      .done();
}

Json resources_json(const Resources& resources) {
  const auto sizes = [](const std::optional<Cpu>& cpu, const std::optional<ByteCount>& memory) {
    Fields fields;
    if (cpu) fields.text("cpu", cpu_quantity(*cpu));
    if (memory) fields.text("memory", memory_quantity(*memory));
    return fields.done();
  };
  return Fields()
      .object("limits", sizes(resources.cpu, resources.memory))
      .object("requests", sizes(resources.requested_cpu, resources.requested_memory))
      .done();
}

Json port_json(const Port& port) {
  Fields fields(port.kept);
  if (port.container_port != 0) fields.number("containerPort", port.container_port);
  if (port.protocol) fields.text("name", *port.protocol == PortProtocol::kH2c ? "h2c" : "http1");
  return fields.done();
}

Json container_json(const Container& container) {
  Fields fields(container.kept);
  fields.text("name", container.name)
      .text("image", container.image)
      .texts("command", container.command)
      .texts("args", container.args)
      .text("workingDir", container.working_dir)
      .list("env", container.env,
            [](const EnvVar& variable) {
              return Fields().always("name", variable.name).always("value", variable.value).done();
            })
      .list("ports", container.ports, port_json)
      .object("resources", resources_json(container.resources));
  if (container.startup_probe) fields.always("startupProbe", probe_json(*container.startup_probe));
  if (container.liveness_probe)
    fields.always("livenessProbe", probe_json(*container.liveness_probe));
  if (container.readiness_probe)
    fields.always("readinessProbe", probe_json(*container.readiness_probe));
  return fields.done();
}

Json spec_json(const RevisionSpec& spec) {
  return Fields(spec.kept)
      .number("containerConcurrency", spec.container_concurrency)
      .seconds("timeoutSeconds", spec.timeout)
      .text("serviceAccountName", spec.service_account_name)
      .list("containers", spec.containers, container_json)
      .done();
}

Json status_json(const ServiceStatus& status) {
  Fields fields;
  fields.list("conditions", status.conditions, [](const Condition& c) { return to_json(c); })
      .text("latestCreatedRevisionName", status.latest_created_revision_name)
      .text("latestReadyRevisionName", status.latest_ready_revision_name)
      .list("traffic", status.traffic, [](const TrafficTarget& t) { return to_json(t); })
      .text("url", status.url);
  if (status.observed_generation != 0)
    fields.always("observedGeneration", status.observed_generation);
  if (!status.url.empty()) fields.always("address", Json::object({{"url", status.url}}));
  return fields.done();
}

Json without(const Json& object, std::initializer_list<std::string_view> names) {
  Json rest = Json::object();
  for (const auto& [name, value] : object.as_object()) {
    if (std::find(names.begin(), names.end(), name) == names.end()) rest.set(name, value);
  }
  return rest;
}

/// Without the defaults that are for requests.
Json worker_template(Json revision) {
  Json spec = without(revision["spec"], {"containerConcurrency", "timeoutSeconds"});
  Json containers = Json::array();
  if (const Json* all = spec.find("containers")) {
    for (const Json& each : all->as_array()) {
      containers.push_back(without(each, {"ports", "startupProbe"}));
    }
  }
  spec.set("containers", std::move(containers));
  revision.set("spec", std::move(spec));
  return revision;
}

/// What a client marks its own deploys with; a new mark alone makes no new revision.
void drop_client_marks(RevisionTemplate& revision) {
  revision.metadata.labels.erase("client.knative.dev/nonce");
  for (const char* name : {"run.googleapis.com/client-name", "run.googleapis.com/client-version",
                           "client.knative.dev/nonce", "client.knative.dev/user-image"}) {
    revision.metadata.annotations.erase(name);
  }
}

}  // namespace

Json to_json(const Condition& condition) {
  const std::string_view status = condition.status == ConditionStatus::kTrue    ? "True"
                                  : condition.status == ConditionStatus::kFalse ? "False"
                                                                                : "Unknown";
  return Fields()
      .time("lastTransitionTime", condition.last_transition_time)
      .text("message", condition.message)
      .text("reason", condition.reason)
      .text("severity", condition.severity)
      .always("status", status)
      .text("type", condition.type)
      .done();
}

Json to_json(const TrafficTarget& target) {
  Fields fields;
  if (target.latest_revision) fields.always("latestRevision", true);
  return fields.number("percent", target.percent)
      .text("revisionName", target.revision_name)
      .text("tag", target.tag)
      .text("url", target.url)
      .done();
}

Json to_json(const RevisionTemplate& revision) {
  return Fields()
      .object("metadata", metadata_json(revision.metadata, template_annotations(revision)))
      .always("spec", spec_json(revision.spec))
      .done();
}

Json to_json(const Service& service) {
  StringMap notes;
  put_number(notes, "run.googleapis.com/minScale", service.scaling.min_instances);
  put_number(notes, "run.googleapis.com/maxScale", service.scaling.max_instances);
  put_number(notes, "run.googleapis.com/manualInstanceCount", service.scaling.manual_instances);
  if (!service.description.empty()) {
    notes.emplace("run.googleapis.com/description", service.description);
  }
  Fields spec;
  const bool is_pool = service.kind == ServiceKind::kWorkerPool;
  const Json revision = to_json(service.template_);
  spec.always("template", is_pool ? worker_template(revision) : revision);
  spec.list(is_pool ? "instanceSplits" : "traffic", service.traffic,
            [](const TrafficTarget& t) { return to_json(t); });
  return Fields()
      .always("apiVersion", is_pool ? "run.googleapis.com/v1" : "serving.knative.dev/v1")
      .always("kind", is_pool ? "WorkerPool" : "Service")
      .always("metadata", metadata_json(service.metadata, notes))
      .always("spec", spec.done())
      .object("status", status_json(service.status))
      .done();
}

std::string to_yaml(const Service& service) { return yaml_text(to_json(service)); }

bool template_equal(const RevisionTemplate& a, const RevisionTemplate& b) {
  RevisionTemplate left = a, right = b;
  for (RevisionTemplate* revision : {&left, &right}) {
    apply_defaults(*revision);
    drop_client_marks(*revision);
  }
  return left == right;
}

}  // namespace thaw::spec
