#include <algorithm>
#include <array>

#include "spec/fields.h"

namespace thaw::spec {
namespace {

using enum TextType;
using enum Support;
constexpr Level kService = Level::kService;
constexpr Level kRevision = Level::kRevision;

constexpr std::string_view kWritten = "Written by the platform or a client.";
constexpr std::string_view kNoNetwork = "networks of Google Cloud; remove it";

constexpr AnnotationRow kRows[] = {
    // What the service as a whole is told.
    {kService, "run.googleapis.com/minScale", kInt, "", kUsed, 0, 1000, "0",
     "Instances that are always there, of all revisions together."},
    {kService, "run.googleapis.com/maxScale", kInt, "", kUsed, 1, 1000, "",
     "The most instances of all revisions together."},
    {kService, "run.googleapis.com/scalingMode", kWord, "automatic, manual", kUsed, 0, 0, "",
     "`manual`: manualInstanceCount instances always run, no more and no fewer."},
    {kService, "run.googleapis.com/manualInstanceCount", kInt, "", kUsed, 0, 1000, "",
     "Instances that always run, with scalingMode manual. A worker pool's default is 1."},
    {kService, "run.googleapis.com/ingress", kWord, "all", kRefused, 0, 0, "",
     "limits on who may call; choose the gateway's listening address instead"},
    {kService, "run.googleapis.com/ingress-status", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "run.googleapis.com/description", kText, "", kUsed, 0, 0, "",
     "A sentence for people."},
    {kService, "run.googleapis.com/launch-stage", kWord, "ALPHA, BETA, GA", kUsed, 0, 0, "",
     "BETA allows preview features."},
    {kService, "run.googleapis.com/custom-audiences", kText, "", kKept, 0, 0, "",
     "For the identity tokens of Google Cloud."},
    {kService, "run.googleapis.com/default-url-disabled", kBool, "false", kRefused, 0, 0, "",
     "a service always has its URL; remove it"},
    {kService, "run.googleapis.com/invoker-iam-disabled", kBool, "", kKept, 0, 0, "",
     "For the access rules of Google Cloud."},
    {kService, "run.googleapis.com/iap-enabled", kBool, "false", kRefused, 0, 0, "",
     "sign-in before the service; put a proxy that does it in front"},
    {kService, "run.googleapis.com/binary-authorization", kText, "", kRefused, 0, 0, "",
     "container images come later; remove it"},
    {kService, "run.googleapis.com/binary-authorization-breakglass", kText, "", kRefused, 0, 0, "",
     "container images come later; remove it"},
    {kService, "run.googleapis.com/operation-id", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "run.googleapis.com/client-name", kText, "", kUsed, 0, 0, "",
     "Written by a client. A service that `gcloud` creates is closed until its policy says who may "
     "call it, as on Cloud Run."},
    {kService, "run.googleapis.com/client-version", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "run.googleapis.com/urls", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "run.googleapis.com/build-*", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "serving.knative.dev/creator", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "serving.knative.dev/lastModifier", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "client.knative.dev/user-image", kText, "", kKept, 0, 0, "", kWritten},
    {kService, "client.knative.dev/nonce", kText, "", kKept, 0, 0, "", kWritten},

    // What one revision is told.
    {kRevision, "autoscaling.knative.dev/minScale", kInt, "", kUsed, 0, 1000, "0",
     "Instances that are always there while the revision gets traffic. Also `min-scale`."},
    {kRevision, "autoscaling.knative.dev/maxScale", kInt, "", kUsed, 1, 1000, "100",
     "The most instances. Also `max-scale`."},
    {kRevision, "autoscaling.knative.dev/min-scale", kInt, "", kUsed, 0, 1000, "",
     "Knative's spelling of minScale."},
    {kRevision, "autoscaling.knative.dev/max-scale", kInt, "", kUsed, 1, 1000, "",
     "Knative's spelling of maxScale."},
    {kRevision, "autoscaling.knative.dev/class", kWord, "kpa.autoscaling.knative.dev", kUsed, 0, 0,
     "",
     "Scale as Knative's pod autoscaler does, not as Cloud Run. So does any of its settings "
     "below."},
    {kRevision, "autoscaling.knative.dev/metric", kWord, "concurrency, rps", kUsed, 0, 0,
     "concurrency", "What an instance should have of: requests at once, or requests a second."},
    {kRevision, "autoscaling.knative.dev/target", kText, "", kUsed, 0, 0, "",
     "So much of the metric in an instance, at least 0.01; containerConcurrency, or 200 a second."},
    {kRevision, "autoscaling.knative.dev/target-utilization-percentage", kText, "", kUsed, 0, 0,
     "70", "So much of the target is aimed at, up to 100; up to 1 it is a fraction."},
    {kRevision, "autoscaling.knative.dev/target-burst-capacity", kText, "", kUsed, 0, 0, "211",
     "-1, or 0 and more. The gateway is always in the path, so it changes nothing here."},
    {kRevision, "autoscaling.knative.dev/window", kText, "", kUsed, 0, 0, "60s",
     "The stable window, 6s to 1h."},
    {kRevision, "autoscaling.knative.dev/panic-window-percentage", kText, "", kUsed, 0, 0, "10",
     "The panic window, 1 to 100 percent of the stable one."},
    {kRevision, "autoscaling.knative.dev/panic-threshold-percentage", kText, "", kUsed, 0, 0, "200",
     "Panic when so much more is wanted than is ready, 110 to 1000."},
    {kRevision, "autoscaling.knative.dev/initial-scale", kWord, "0, 1", kUsed, 0, 0, "1",
     "Knative's spelling: `0` is health-check-disabled."},
    {kRevision, "autoscaling.knative.dev/initialScale", kWord, "0, 1", kUsed, 0, 0, "1",
     "Knative's spelling: `0` is health-check-disabled."},
    {kRevision, "autoscaling.knative.dev/activation-scale", kText, "", kUsed, 0, 0, "",
     "Instances that a start from zero brings at least, up to 1000."},
    {kRevision, "autoscaling.knative.dev/scale-down-delay", kText, "", kUsed, 0, 0, "0s",
     "Fewer instances only after so long, up to 1h."},
    {kRevision, "autoscaling.knative.dev/scale-to-zero-pod-retention-period", kText, "", kUsed, 0,
     0, "0s", "The last instance stays so long after the decision for zero, up to 1h."},
    {kRevision, "autoscaling.knative.dev/metric-aggregation-algorithm", kWord,
     "linear, weighted-exponential", kUsed, 0, 0, "linear",
     "How the seconds of a window are averaged."},
    {kRevision, "autoscaling.knative.dev/targetUtilizationPercentage", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of target-utilization-percentage."},
    {kRevision, "autoscaling.knative.dev/targetBurstCapacity", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of target-burst-capacity."},
    {kRevision, "autoscaling.knative.dev/panicWindowPercentage", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of panic-window-percentage."},
    {kRevision, "autoscaling.knative.dev/panicThresholdPercentage", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of panic-threshold-percentage."},
    {kRevision, "autoscaling.knative.dev/activationScale", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of activation-scale."},
    {kRevision, "autoscaling.knative.dev/scaleDownDelay", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of scale-down-delay."},
    {kRevision, "autoscaling.knative.dev/scaleToZeroPodRetentionPeriod", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of scale-to-zero-pod-retention-period."},
    {kRevision, "autoscaling.knative.dev/metricAggregationAlgorithm", kText, "", kUsed, 0, 0, "",
     "Knative's spelling of metric-aggregation-algorithm."},
    {kRevision, "run.googleapis.com/cpu-throttling", kBool, "", kUsed, 0, 0, "true",
     "`true`: CPU only while starting, stopping and serving a request. `false`: CPU all the time."},
    {kRevision, "thaw.local/idle-rung", kWord, "auto, frozen, hibernated", kUsed, 0, 0, "auto",
     "How far down an idle instance goes before it stops: `frozen` keeps its memory, `hibernated` "
     "gives it back at once."},
    {kRevision, "thaw.local/template", kWord, "off, libraries, module", kUsed, 0, 0, "off",
     "`libraries`: what a Python program imports is imported once and written to a file, from "
     "which its later starts are restored. `module`: also what belongs to the program."},
    {kRevision, "thaw.local/bytecode", kWord, "off, on", kUsed, 0, 0, "on",
     "`on`: byte code that a Python program's modules lack is compiled after its first start, and "
     "used by the later starts of the revision."},
    {kRevision, "run.googleapis.com/startup-cpu-boost", kBool, "", kUsed, 0, 0, "false",
     "`true`: twice the CPU, at least 2 and at most 8 vCPUs, from the start until 10 s after it; "
     "billed."},
    {kRevision, "run.googleapis.com/execution-environment", kWord, "gen1, gen2", kKept, 0, 0, "",
     "There is one environment; gen2 asks for at least 512Mi and one vCPU."},
    {kRevision, "run.googleapis.com/sessionAffinity", kBool, "", kUsed, 0, 0, "false",
     "`true`: a client gets a cookie, by which it comes to the same instance again while that "
     "lives "
     "and has a place."},
    {kRevision, "run.googleapis.com/health-check-disabled", kBool, "", kUsed, 0, 0, "false",
     "`true`: the deploy does not start an instance to try the revision out."},
    {kRevision, "run.googleapis.com/container-dependencies", kText, "", kRefused, 0, 0, "",
     "sidecars; a service has one container"},
    {kRevision, "run.googleapis.com/gpu-zonal-redundancy-disabled", kBool, "", kKept, 0, 0, "",
     "For GPUs only."},
    {kRevision, "run.googleapis.com/secrets", kText, "", kRefused, 0, 0, "",
     "secrets; give values in env, or a path of the host that the program reads"},
    {kRevision, "run.googleapis.com/cloudsql-instances", kText, "", kRefused, 0, 0, "",
     "sockets of Cloud SQL; remove it and connect over TCP"},
    {kRevision, "run.googleapis.com/vpc-access-connector", kText, "", kRefused, 0, 0, "",
     kNoNetwork},
    {kRevision, "run.googleapis.com/vpc-access-egress", kText, "", kRefused, 0, 0, "", kNoNetwork},
    {kRevision, "run.googleapis.com/network-interfaces", kText, "", kRefused, 0, 0, "", kNoNetwork},
    {kRevision, "run.googleapis.com/encryption-key", kText, "", kRefused, 0, 0, "",
     "keys of Google Cloud; remove it"},
    {kRevision, "thaw.local/folders", kText, "", kUsed, 0, 0, "",
     "Thaw's own: folders of the host, with commas between, that the instance may write to."},
    {kRevision, "thaw.local/stream-address", kText, "", kUsed, 0, 0, "",
     "Thaw's own: scale by a Redis stream's backlog. `IP:PORT` of Redis."},
    {kRevision, "thaw.local/stream", kText, "", kUsed, 0, 0, "", "The stream."},
    {kRevision, "thaw.local/stream-group", kText, "", kUsed, 0, 0, "", "The consumer group."},
    {kRevision, "thaw.local/stream-entries-per-instance", kInt, "", kUsed, 1, 1000000, "100",
     "One instance for so many entries that wait or are pending, from minScale to maxScale."},
    {kRevision, "thaw.local/stream-window-seconds", kInt, "", kUsed, 0, 3600, "30",
     "Fewer instances only after so long."},
    {kRevision, "thaw.local/stream-password-file", kText, "", kUsed, 0, 0, "",
     "A file of the host with Redis' password; read by the platform."},
    {kRevision, "thaw.local/stream-password-env", kText, "", kUsed, 0, 0, "",
     "Or a variable of the platform's own environment."},
    {kRevision, "thaw.local/subscription", kText, "", kUsed, 0, 0, "",
     "Thaw's own: scale by a Pub/Sub subscription's backlog, `projects/P/subscriptions/S`."},
    {kRevision, "thaw.local/subscription-messages-per-instance", kInt, "", kUsed, 1, 1000000, "10",
     "One instance for so many messages that are not acknowledged, from minScale to maxScale."},
    {kRevision, "thaw.local/cpu-percent", kInt, "", kUsed, 1, 100, "",
     "Thaw's own: so many instances that each uses this share of its CPU limit."},
    {kRevision, "thaw.local/scale-window-seconds", kInt, "", kUsed, 0, 3600, "30",
     "Fewer instances by subscription or CPU only after so long."},
    {kRevision, "run.googleapis.com/base-images", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "run.googleapis.com/client-name", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "run.googleapis.com/client-version", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "run.googleapis.com/build-*", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "client.knative.dev/user-image", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "client.knative.dev/nonce", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "serving.knative.dev/creator", kText, "", kKept, 0, 0, "", kWritten},
    {kRevision, "serving.knative.dev/lastModifier", kText, "", kKept, 0, 0, "", kWritten},
};

bool names(std::string_view row, std::string_view name) {
  return row.ends_with('*') ? name.starts_with(row.substr(0, row.size() - 1)) : row == name;
}

}  // namespace

std::span<const AnnotationRow> annotation_rows() { return kRows; }

const AnnotationRow* find_annotation(Level level, std::string_view name) {
  for (const AnnotationRow& row : kRows) {
    if (row.level == level && names(row.name, name)) return &row;
  }
  return nullptr;
}

std::vector<std::string_view> annotation_names(Level level) {
  std::vector<std::string_view> found;
  for (const AnnotationRow& row : kRows) {
    if (row.level == level && !row.name.ends_with('*')) found.push_back(row.name);
  }
  return found;
}

bool is_platform_annotation(std::string_view name) {
  static constexpr std::array<std::string_view, 5> kSpaces = {
      "run.googleapis.com/", "autoscaling.knative.dev/", "serving.knative.dev/",
      "client.knative.dev/", "thaw.local/"};
  return std::any_of(kSpaces.begin(), kSpaces.end(),
                     [&](std::string_view space) { return name.starts_with(space); });
}

}  // namespace thaw::spec
