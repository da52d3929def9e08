#include "spec/fields.h"

#include <algorithm>
#include <array>

namespace thaw::spec {
namespace {

using enum FieldType;
using enum Support;

constexpr int64_t kMostInt32 = 2147483647;

constexpr ObjectRow kObjectRows[] = {
    {"Service", "the file"},
    {"Metadata", "metadata, spec.template.metadata"},
    {"ServiceSpec", "spec"},
    {"RevisionTemplate", "spec.template"},
    {"RevisionSpec", "spec.template.spec"},
    {"Container", "spec.template.spec.containers[]"},
    {"EnvVar", "spec.template.spec.containers[].env[]"},
    {"ContainerPort", "spec.template.spec.containers[].ports[]"},
    {"Resources", "spec.template.spec.containers[].resources"},
    {"Limits", "spec.template.spec.containers[].resources.limits"},
    {"Requests", "spec.template.spec.containers[].resources.requests"},
    {"Probe", "startupProbe, livenessProbe, readinessProbe of a container"},
    {"HttpGet", "httpGet of a probe"},
    {"HttpHeader", "httpGet.httpHeaders[] of a probe"},
    {"TcpSocket", "tcpSocket of a probe"},
    {"Grpc", "grpc of a probe"},
    {"TrafficTarget", "spec.traffic[]"},
    {"ServiceStatus", "status"},
    {"Condition", "status.conditions[]"},
    {"TrafficStatus", "status.traffic[]"},
};

constexpr FieldRow kFieldRows[] = {
    {"Service", "apiVersion", kString, "", kUsed, 0, 0, "",
     "Required: `serving.knative.dev/v1`; `run.googleapis.com/v1` for a WorkerPool."},
    {"Service", "kind", kString, "", kUsed, 0, 0, "", "Required: `Service` or `WorkerPool`."},
    {"Service", "metadata", kObject, "Metadata", kUsed, 0, 0, "",
     "Required: the service's name and marks."},
    {"Service", "spec", kObject, "ServiceSpec", kUsed, 0, 0, "", "Required."},
    {"Service", "status", kObject, "ServiceStatus", kUsed, 0, 0, "",
     "Written by the platform. Read, without effect, when a client sends it."},

    {"Metadata", "name", kString, "", kUsed, 0, 0, "",
     "Of the service: required; small letters, digits and hyphens, a letter first, at most 49 "
     "characters, no `---`. Of the template: the next revision's name, which starts with the "
     "service's name and a hyphen; left out, the platform chooses."},
    {"Metadata", "namespace", kString, "", kKept, 0, 0, "", "The project."},
    {"Metadata", "labels", kStringMap, "", kKept, 0, 0, "",
     "Free marks; names and values by the rules of Kubernetes."},
    {"Metadata", "annotations", kStringMap, "", kUsed, 0, 0, "",
     "Settings; see the tables of annotations. Values are strings: put numbers and truth values in "
     "quotes."},
    {"Metadata", "generation", kInt, "", kUsed, 0, kMostInt32, "",
     "Written by the platform: counts the changes."},
    {"Metadata", "uid", kString, "", kKept, 0, 0, "", "Written by the platform."},
    {"Metadata", "resourceVersion", kString, "", kUsed, 0, 0, "",
     "Written by the platform: sent back, it makes sure that nobody else changed the service."},
    {"Metadata", "creationTimestamp", kTime, "", kKept, 0, 0, "", "Written by the platform."},
    {"Metadata", "selfLink", kString, "", kKept, 0, 0, "", "Written by the platform."},
    {"Metadata", "deletionTimestamp", kTime, "", kKept, 0, 0, "", "Written by the platform."},
    {"Metadata", "deletionGracePeriodSeconds", kInt, "", kKept, 0, kMostInt32, "",
     "Of Kubernetes; no meaning here."},
    {"Metadata", "finalizers", kStrings, "", kKept, 0, 0, "", "Of Kubernetes; no meaning here."},
    {"Metadata", "generateName", kString, "", kRefused, 0, 0, "",
     "names made by the platform; give a name"},
    {"Metadata", "ownerReferences", kAny, "", kKept, 0, 0, "", "Of Kubernetes; no meaning here."},
    {"Metadata", "managedFields", kAny, "", kKept, 0, 0, "", "Of Kubernetes; no meaning here."},
    {"Metadata", "clusterName", kString, "", kKept, 0, 0, "", "Of Kubernetes; no meaning here."},

    {"ServiceSpec", "template", kObject, "RevisionTemplate", kUsed, 0, 0, "",
     "Required. A change of it makes a new revision."},
    {"ServiceSpec", "traffic", kObjects, "TrafficTarget", kUsed, 0, 0,
     "100 % to the latest revision",
     "Who gets which share of the requests; the shares sum to 100."},
    {"ServiceSpec", "instanceSplits", kObjects, "TrafficTarget", kUsed, 0, 0,
     "100 % to the latest revision",
     "Of a WorkerPool, instead of traffic: whose the instances are. A WorkerPool has no traffic, "
     "containerConcurrency, timeoutSeconds, ports and probes."},

    {"RevisionTemplate", "metadata", kObject, "Metadata", kUsed, 0, 0, "",
     "Name, labels and annotations of the revision."},
    {"RevisionTemplate", "spec", kObject, "RevisionSpec", kUsed, 0, 0, "", "Required."},

    {"RevisionSpec", "containerConcurrency", kInt, "", kUsed, 0, 1000,
     "80 per vCPU, 1 below one vCPU",
     "Requests at once in one instance; 0 is the default. Exactly 1 below one vCPU."},
    {"RevisionSpec", "containers", kObjects, "Container", kUsed, 0, 0, "",
     "Required: exactly one; sidecars are not supported yet."},
    {"RevisionSpec", "timeoutSeconds", kInt, "", kUsed, 1, 3600, "300",
     "How long a request may take from its arrival, a cold start included; then the caller gets "
     "504."},
    {"RevisionSpec", "serviceAccountName", kString, "", kUsed, 0, 0, "",
     "The account whose tokens an instance gets from its metadata server: NAME or NAME@DOMAIN."},
    {"RevisionSpec", "enableServiceLinks", kBool, "", kKept, 0, 0, "",
     "Of Kubernetes; no meaning here."},
    {"RevisionSpec", "imagePullSecrets", kAny, "", kRefused, 0, 0, "",
     "container images come later; remove it"},
    {"RevisionSpec", "initContainers", kAny, "", kRefused, 0, 0, "",
     "do what they do in the command of the one container"},
    {"RevisionSpec", "nodeSelector", kAny, "", kRefused, 0, 0, "",
     "GPUs and other accelerators; remove it to run on CPUs"},
    {"RevisionSpec", "runtimeClassName", kString, "", kRefused, 0, 0, "",
     "there is one runtime; remove it"},
    {"RevisionSpec", "volumes", kAny, "", kRefused, 0, 0, "",
     "write to /tmp, which is in memory, or read the host's files"},

    {"Container", "name", kString, "", kKept, 0, 0, "",
     "Of the container; no meaning with one container."},
    {"Container", "image", kString, "", kUsed, 0, 0, "",
     "Required: `thaw.local/host` runs `command` on the host's own file system, read-only; "
     "`thaw.local/serve` runs the native model server. Container images come later."},
    {"Container", "command", kStrings, "", kUsed, 0, 0, "",
     "The program and its first arguments. Required for `thaw.local/host`, refused for "
     "`thaw.local/serve`."},
    {"Container", "args", kStrings, "", kUsed, 0, 0, "",
     "More arguments. For `thaw.local/serve`: those of `thaw serve`, such as `--model /folder` or "
     "`--task forecast`."},
    {"Container", "env", kObjects, "EnvVar", kUsed, 0, 0, "",
     "Environment variables, each name once."},
    {"Container", "workingDir", kString, "", kUsed, 0, 0, "", "An absolute path."},
    {"Container", "ports", kObjects, "ContainerPort", kUsed, 0, 0, "8080, http1",
     "At most one: where the program listens. It is told in the variable PORT."},
    {"Container", "resources", kObject, "Resources", kUsed, 0, 0, "", "The size of an instance."},
    {"Container", "startupProbe", kObject, "Probe", kUsed, 0, 0, "TCP on the port, 240 s",
     "When it passes, the instance gets requests. failureThreshold times periodSeconds is at most "
     "600 s; timeoutSeconds and periodSeconds are at most 600."},
    {"Container", "livenessProbe", kObject, "Probe", kUsed, 0, 0, "",
     "Kills an instance that does not answer any more; its requests end with 503. httpGet or grpc "
     "only. Not tried while the instance is frozen."},
    {"Container", "readinessProbe", kObject, "Probe", kUsed, 0, 0, "",
     "Holds new requests back from an instance while it fails. httpGet or grpc only; needs the "
     "annotation `run.googleapis.com/launch-stage: BETA`. Not tried while the instance is frozen."},
    {"Container", "imagePullPolicy", kString, "", kKept, 0, 0, "",
     "Of Kubernetes; no meaning here."},
    {"Container", "terminationMessagePath", kString, "", kKept, 0, 0, "",
     "Of Kubernetes; no meaning here."},
    {"Container", "terminationMessagePolicy", kString, "", kKept, 0, 0, "",
     "Of Kubernetes; no meaning here."},
    {"Container", "envFrom", kAny, "", kRefused, 0, 0, "", "write the variables out in env"},
    {"Container", "securityContext", kAny, "", kRefused, 0, 0, "",
     "the platform chooses user and capabilities; remove it"},
    {"Container", "volumeMounts", kAny, "", kRefused, 0, 0, "",
     "write to /tmp, which is in memory, or read the host's files"},
    {"Container", "volumeDevices", kAny, "", kRefused, 0, 0, "", "remove it"},
    {"Container", "lifecycle", kAny, "", kRefused, 0, 0, "",
     "catch SIGTERM in the program instead: it comes 10 s before the end"},
    {"Container", "stdin", kBool, "", kRefused, 0, 0, "", "an instance has no standard input"},
    {"Container", "tty", kBool, "", kRefused, 0, 0, "", "an instance has no terminal"},

    {"EnvVar", "name", kString, "", kUsed, 0, 0, "",
     "Required. Not PORT, K_SERVICE, K_REVISION or K_CONFIGURATION: the platform sets those."},
    {"EnvVar", "value", kString, "", kUsed, 0, 0, "\"\"",
     "A string: put numbers and truth values in quotes."},
    {"EnvVar", "valueFrom", kAny, "", kRefused, 0, 0, "",
     "secrets; give the value itself, or a path of the host that the program reads"},

    {"ContainerPort", "containerPort", kInt, "", kUsed, 1, 65535, "8080",
     "Where the program listens."},
    {"ContainerPort", "name", kString, "", kUsed, 0, 0, "http1",
     "The protocol: `http1`, or `h2c`: HTTP/2 without TLS, for gRPC and streams both ways."},
    {"ContainerPort", "protocol", kString, "", kKept, 0, 0, "", "`TCP`."},

    {"Resources", "limits", kObject, "Limits", kUsed, 0, 0, "", "What one instance may use."},
    {"Resources", "requests", kObject, "Requests", kKept, 0, 0, "",
     "At most the limits; no meaning here, as on Cloud Run."},
    {"Limits", "cpu", kCpu, "", kUsed, 0, 0, "1000m",
     "vCPUs: 80m to 999m, 1, 2, 4, 6 or 8. Below one: containerConcurrency 1, request-based CPU, "
     "not gen2."},
    {"Limits", "memory", kMemory, "", kUsed, 0, 0, "512Mi",
     "At least 128Mi (gen2: 512Mi). At most 512Mi below 500m CPU, 1Gi below 1, 4Gi with 1, 8Gi "
     "with 2; 2Gi to 16Gi with 4, 4Gi to 24Gi with 6, 4Gi to 32Gi with 8. /tmp counts."},
    {"Limits", "nvidia.com/gpu", kAny, "", kRefused, 0, 0, "", "GPUs; remove it to run on CPUs"},
    {"Limits", "ephemeral-storage", kAny, "", kRefused, 0, 0, "",
     "write to /tmp, which is in memory and counts to the memory limit"},
    {"Requests", "cpu", kCpu, "", kKept, 0, 0, "", "vCPUs."},
    {"Requests", "memory", kMemory, "", kKept, 0, 0, "", "A size."},

    {"Probe", "tcpSocket", kObject, "TcpSocket", kUsed, 0, 0, "",
     "Passes when the port accepts a connection. Only for startupProbe. Exactly one of tcpSocket, "
     "httpGet and grpc."},
    {"Probe", "httpGet", kObject, "HttpGet", kUsed, 0, 0, "", "Passes on a status of 200 to 399."},
    {"Probe", "grpc", kObject, "Grpc", kUsed, 0, 0, "",
     "Passes when grpc.health.v1 answers SERVING, over HTTP/2 without TLS."},
    {"Probe", "initialDelaySeconds", kInt, "", kUsed, 0, 600, "0", "Before the first try."},
    {"Probe", "periodSeconds", kInt, "", kUsed, 1, 3600, "10",
     "From try to try; at least timeoutSeconds."},
    {"Probe", "timeoutSeconds", kInt, "", kUsed, 1, 3600, "1", "For one try."},
    {"Probe", "failureThreshold", kInt, "", kUsed, 1, kMostInt32, "3",
     "Failures in a row until it counts."},
    {"Probe", "successThreshold", kInt, "", kUsed, 1, kMostInt32, "1",
     "Successes in a row until a readiness probe passes again; 1 for the others."},
    {"Probe", "exec", kAny, "", kRefused, 0, 0, "",
     "use httpGet, tcpSocket or grpc, as on Cloud Run"},
    {"Probe", "terminationGracePeriodSeconds", kAny, "", kRefused, 0, 0, "",
     "an instance has 10 s after SIGTERM; remove it"},
    {"HttpGet", "path", kString, "", kUsed, 0, 0, "/", "Starts with `/`."},
    {"HttpGet", "port", kInt, "", kUsed, 1, 65535, "the container's port", ""},
    {"HttpGet", "httpHeaders", kObjects, "HttpHeader", kUsed, 0, 0, "",
     "Headers of the probe's request."},
    {"HttpGet", "host", kString, "", kRefused, 0, 0, "",
     "a probe goes to the instance itself; set a Host header in httpHeaders"},
    {"HttpGet", "scheme", kString, "", kRefused, 0, 0, "", "instances speak plain HTTP; remove it"},
    {"HttpHeader", "name", kString, "", kUsed, 0, 0, "", "Required."},
    {"HttpHeader", "value", kString, "", kUsed, 0, 0, "\"\"", "Visible ASCII, blanks and tabs."},
    {"TcpSocket", "port", kInt, "", kUsed, 1, 65535, "the container's port", ""},
    {"TcpSocket", "host", kString, "", kRefused, 0, 0, "",
     "a probe goes to the instance itself; remove it"},
    {"Grpc", "port", kInt, "", kUsed, 1, 65535, "the container's port", ""},
    {"Grpc", "service", kString, "", kUsed, 0, 0, "\"\"",
     "The service asked for in the health check."},

    {"TrafficTarget", "latestRevision", kBool, "", kUsed, 0, 0, "false",
     "The newest ready revision; exactly one of this and revisionName."},
    {"TrafficTarget", "revisionName", kString, "", kUsed, 0, 0, "", "A revision by name."},
    {"TrafficTarget", "percent", kInt, "", kUsed, 0, 100, "0", "Its share of the requests."},
    {"TrafficTarget", "tag", kString, "", kUsed, 0, 0, "",
     "A name for a host of its own, TAG---SERVICE: small letters, digits and hyphens, a letter "
     "first, no `---`; tag and service together at most 60 characters."},
    {"TrafficTarget", "url", kString, "", kKept, 0, 0, "", "Written by the platform."},
    {"TrafficTarget", "configurationName", kString, "", kRefused, 0, 0, "",
     "a service sends traffic to its own revisions only; use revisionName or latestRevision"},

    {"ServiceStatus", "conditions", kObjects, "Condition", kUsed, 0, 0, "",
     "Ready, ConfigurationsReady, RoutesReady."},
    {"ServiceStatus", "latestCreatedRevisionName", kString, "", kUsed, 0, 0, "", ""},
    {"ServiceStatus", "latestReadyRevisionName", kString, "", kUsed, 0, 0, "", ""},
    {"ServiceStatus", "observedGeneration", kInt, "", kUsed, 0, kMostInt32, "", ""},
    {"ServiceStatus", "traffic", kObjects, "TrafficStatus", kUsed, 0, 0, "", ""},
    {"ServiceStatus", "url", kString, "", kUsed, 0, 0, "", ""},
    {"ServiceStatus", "*", kAny, "", kKept, 0, 0, "", "Anything else is ignored."},
    {"Condition", "type", kString, "", kUsed, 0, 0, "", ""},
    {"Condition", "status", kString, "", kUsed, 0, 0, "", "`True`, `False` or `Unknown`."},
    {"Condition", "reason", kString, "", kUsed, 0, 0, "", "One word for programs."},
    {"Condition", "message", kString, "", kUsed, 0, 0, "", "A sentence for people."},
    {"Condition", "severity", kString, "", kUsed, 0, 0, "", "`Info`, `Warning` or absent."},
    {"Condition", "lastTransitionTime", kTime, "", kUsed, 0, 0, "", ""},
    {"Condition", "*", kAny, "", kKept, 0, 0, "", "Anything else is ignored."},
    {"TrafficStatus", "latestRevision", kBool, "", kUsed, 0, 0, "", ""},
    {"TrafficStatus", "revisionName", kString, "", kUsed, 0, 0, "", ""},
    {"TrafficStatus", "percent", kInt, "", kUsed, 0, 100, "", ""},
    {"TrafficStatus", "tag", kString, "", kUsed, 0, 0, "", ""},
    {"TrafficStatus", "url", kString, "", kUsed, 0, 0, "", ""},
    {"TrafficStatus", "*", kAny, "", kKept, 0, 0, "", "Anything else is ignored."},
};

}  // namespace

std::span<const FieldRow> field_rows() { return kFieldRows; }
std::span<const ObjectRow> object_rows() { return kObjectRows; }

const FieldRow* find_field(std::string_view object, std::string_view name) {
  for (const FieldRow& row : kFieldRows) {
    if (row.object == object && row.name == name) return &row;
  }
  return nullptr;
}

std::vector<std::string_view> field_names(std::string_view object) {
  std::vector<std::string_view> names;
  for (const FieldRow& row : kFieldRows) {
    if (row.object == object && row.name != "*") names.push_back(row.name);
  }
  return names;
}

const ObjectRow* home_of(std::string_view field) {
  for (const FieldRow& row : kFieldRows) {
    if (row.name != field || row.support == kRefused) continue;
    return std::find_if(std::begin(kObjectRows), std::end(kObjectRows),
                        [&](const ObjectRow& object) { return object.name == row.object; });
  }
  return nullptr;
}

}  // namespace thaw::spec
