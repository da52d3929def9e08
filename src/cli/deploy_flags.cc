#include "cli/deploy_flags.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/quantity.h"
#include "spec/settings.h"

namespace thaw::cli {
namespace {

using Step = Outcome<ExitCode>;
constexpr IntRange kAnyCount{0, 1'000'000};

/// A number, or "default", which takes the setting away; not given: nothing happens.
Step set_count(const Words& words, std::string_view flag, std::optional<int32_t>& into) {
  if (words.value(flag) == "default") {
    into.reset();
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const auto number, words.integer(flag, kAnyCount));
  if (number) into = static_cast<int32_t>(*number);
  return ExitCode::kOk;
}

Step set_list(const Words& words, std::string_view flag, std::vector<std::string>& into) {
  const auto text = words.value(flag);
  if (text) {
    ASSIGN_OR_RETURN(into, parse_list(flag, *text));
  }
  return ExitCode::kOk;
}

Step set_port(const Words& words, spec::Container& container) {
  if (words.value("port") == "default") {
    if (!container.ports.empty()) container.ports[0].container_port = 0;
  } else {
    ASSIGN_OR_RETURN(const auto port, words.integer("port", {1, 65535}));
    if (port) {
      if (container.ports.empty()) container.ports.emplace_back();
      container.ports[0].container_port = static_cast<int32_t>(*port);
    }
  }
  if (const auto http2 = words.setting("use-http2")) {
    if (container.ports.empty()) container.ports.emplace_back();
    container.ports[0].protocol = *http2 ? std::optional(spec::PortProtocol::kH2c) : std::nullopt;
  }
  // A port without anything said about it is no port: the default applies.
  if (!container.ports.empty() && container.ports[0] == spec::Port()) container.ports.clear();
  return ExitCode::kOk;
}

Step set_resources(const Words& words, spec::Resources& resources) {
  if (const auto text = words.value("cpu")) {
    auto cpu = spec::parse_cpu(*text);
    if (!cpu) return usage_failure(fmt::format("--cpu: {}", cpu.error().message()));
    resources.cpu = *cpu;
  }
  if (const auto text = words.value("memory")) {
    auto memory = spec::parse_memory(*text);
    if (!memory) return usage_failure(fmt::format("--memory: {}", memory.error().message()));
    resources.memory = *memory;
  }
  return ExitCode::kOk;
}

void put_variable(std::vector<spec::EnvVar>& env, const std::string& name,
                  const std::string& value) {
  const auto known = std::find_if(env.begin(), env.end(),
                                  [&](const spec::EnvVar& each) { return each.name == name; });
  if (known != env.end()) {
    known->value = value;
  } else {
    env.push_back({name, value});
  }
}

Step set_variables(const Words& words, const std::optional<KeyValues>& file,
                   std::vector<spec::EnvVar>& env) {
  constexpr std::string_view kReplacing[] = {"set-env-vars", "env-vars-file", "clear-env-vars"};
  const auto given = std::count_if(std::begin(kReplacing), std::end(kReplacing),
                                   [&](std::string_view flag) { return words.given(flag); });
  const bool changing = words.given("update-env-vars") || words.given("remove-env-vars");
  if (given > 1 || (given == 1 && changing)) {
    return usage_failure(
        "of --set-env-vars, --env-vars-file, --clear-env-vars and the pair "
        "--update-env-vars, --remove-env-vars only one can be given");
  }
  if (given == 1) env.clear();
  for (const std::string_view flag : {"set-env-vars", "update-env-vars"}) {
    ASSIGN_OR_RETURN(const KeyValues pairs, parse_key_values(flag, words.value(flag).value_or("")));
    for (const auto& [name, value] : pairs) put_variable(env, name, value);
  }
  for (const auto& [name, value] : file.value_or(KeyValues())) put_variable(env, name, value);
  ASSIGN_OR_RETURN(const auto removed,
                   parse_list("remove-env-vars", words.value("remove-env-vars").value_or("")));
  std::erase_if(env, [&](const spec::EnvVar& each) {
    return std::find(removed.begin(), removed.end(), each.name) != removed.end();
  });
  return ExitCode::kOk;
}

/// On the service and on the revision, as gcloud does.
Step set_labels(const Words& words, spec::Service& service) {
  if (words.is_on("clear-labels") &&
      (words.given("labels") || words.given("update-labels") || words.given("remove-labels"))) {
    return usage_failure("--clear-labels cannot be given together with other labels");
  }
  for (spec::StringMap* labels : {&service.metadata.labels, &service.template_.metadata.labels}) {
    if (words.is_on("clear-labels")) labels->clear();
    for (const std::string_view flag : {"labels", "update-labels"}) {
      ASSIGN_OR_RETURN(const KeyValues pairs,
                       parse_key_values(flag, words.value(flag).value_or("")));
      for (const auto& [name, value] : pairs) (*labels)[name] = value;
    }
    ASSIGN_OR_RETURN(const auto removed,
                     parse_list("remove-labels", words.value("remove-labels").value_or("")));
    for (const std::string& name : removed) labels->erase(name);
  }
  return ExitCode::kOk;
}

Step set_container(const Words& words, Deployed deployed, const std::optional<KeyValues>& variables,
                   spec::RevisionSpec& revision) {
  if (revision.containers.empty()) revision.containers.emplace_back();
  spec::Container& container = revision.containers[0];
  if (const auto image = words.value("image")) container.image = *image;
  RETURN_IF_ERROR(set_list(words, "command", container.command));
  RETURN_IF_ERROR(set_list(words, "args", container.args));
  if (deployed == Deployed::kNotYet && container.image.empty()) {
    if (container.command.empty()) {
      return usage_failure("a new service needs --command, or --image, or a FILE");
    }
    container.image = spec::kHostImage;
  }
  RETURN_IF_ERROR(set_port(words, container));
  RETURN_IF_ERROR(set_resources(words, container.resources));
  RETURN_IF_ERROR(set_variables(words, variables, container.env));
  if (const auto folder = words.value("workdir")) container.working_dir = *folder;
  if (const auto probe = words.value("startup-probe")) {
    ASSIGN_OR_RETURN(container.startup_probe, parse_probe("startup-probe", *probe));
  }
  if (const auto probe = words.value("liveness-probe")) {
    ASSIGN_OR_RETURN(container.liveness_probe, parse_probe("liveness-probe", *probe));
  }
  if (const auto probe = words.value("readiness-probe")) {
    ASSIGN_OR_RETURN(container.readiness_probe, parse_probe("readiness-probe", *probe));
  }
  return ExitCode::kOk;
}

Step set_revision(const Words& words, spec::Service& service) {
  spec::RevisionTemplate& revision = service.template_;
  // As `gcloud beta` does: a readiness probe is a preview.
  if (words.value("readiness-probe").value_or("") != "") {
    service.metadata.annotations.try_emplace("run.googleapis.com/launch-stage", "BETA");
  }
  RETURN_IF_ERROR(set_count(words, "concurrency", revision.spec.container_concurrency));
  RETURN_IF_ERROR(set_count(words, "min-instances", revision.scaling.min_instances));
  RETURN_IF_ERROR(set_count(words, "max-instances", revision.scaling.max_instances));
  ASSIGN_OR_RETURN(const auto timeout, words.duration("timeout"));
  if (timeout) revision.spec.timeout = *timeout;
  if (const auto throttled = words.setting("cpu-throttling")) {
    revision.cpu_allocation =
        *throttled ? spec::CpuAllocation::kRequestBased : spec::CpuAllocation::kInstanceBased;
  }
  if (const auto boost = words.setting("cpu-boost")) revision.startup_cpu_boost = *boost;
  if (const auto affinity = words.setting("session-affinity")) {
    revision.session_affinity = *affinity;
  }
  if (const auto gen = words.value("execution-environment")) {
    revision.execution_environment =
        *gen == "gen1" ? spec::ExecutionEnvironment::kGen1 : spec::ExecutionEnvironment::kGen2;
  }
  if (const auto account = words.value("service-account")) {
    revision.spec.service_account_name = *account;
  }
  // The name of the revision that exists must not be asked for again.
  revision.metadata.name.clear();
  if (const auto suffix = words.value("revision-suffix"); suffix && !suffix->empty()) {
    revision.metadata.name = fmt::format("{}-{}", service.metadata.name, *suffix);
  }
  return ExitCode::kOk;
}

/// What flows to the latest revision is kept on the revision that gets it now.
Step hold_traffic_back(Deployed deployed, spec::Service& service) {
  if (deployed == Deployed::kNotYet) {
    return usage_failure("--no-traffic: a new service has no other revision to send traffic to");
  }
  const std::string& ready = service.status.latest_ready_revision_name;
  int32_t moved = 0;
  std::vector<spec::TrafficTarget> kept;
  for (spec::TrafficTarget target : service.traffic) {
    if (target.latest_revision) {
      moved += target.percent.value_or(0);
      target.percent.reset();
      if (target.tag.empty()) continue;
    }
    kept.push_back(std::move(target));
  }
  if (moved > 0 && ready.empty()) {
    return Failure(Error(Code::kFailedPrecondition,
                         fmt::format("--no-traffic: no revision of {} is ready to keep the traffic",
                                     service.metadata.name)));
  }
  const auto same = std::find_if(kept.begin(), kept.end(), [&](const spec::TrafficTarget& target) {
    return target.tag.empty() && target.revision_name == ready;
  });
  if (moved > 0 && same != kept.end()) {
    same->percent = same->percent.value_or(0) + moved;
  } else if (moved > 0) {
    kept.push_back({.revision_name = ready, .percent = moved});
  }
  service.traffic = std::move(kept);
  return ExitCode::kOk;
}

void move_tag(std::string_view tag, std::vector<spec::TrafficTarget>& traffic) {
  for (spec::TrafficTarget& target : traffic) {
    if (target.tag == tag) target.tag.clear();
  }
  std::erase_if(traffic, [](const spec::TrafficTarget& target) {
    return target.tag.empty() && target.percent.value_or(0) == 0;
  });
  if (traffic.empty()) traffic.push_back({.latest_revision = true, .percent = 100});
  traffic.push_back({.latest_revision = true, .tag = std::string(tag)});
}

}  // namespace

Outcome<spec::Service> apply_flags(const Words& words, spec::Service service, Deployed deployed,
                                   const std::optional<KeyValues>& variables) {
  RETURN_IF_ERROR(set_container(words, deployed, variables, service.template_.spec));
  RETURN_IF_ERROR(set_revision(words, service));
  RETURN_IF_ERROR(set_labels(words, service));
  RETURN_IF_ERROR(set_count(words, "min", service.scaling.min_instances));
  RETURN_IF_ERROR(set_count(words, "max", service.scaling.max_instances));
  RETURN_IF_ERROR(set_count(words, "instances", service.scaling.manual_instances));
  if (const auto text = words.value("description")) service.description = *text;
  if (words.setting("traffic") == false) RETURN_IF_ERROR(hold_traffic_back(deployed, service));
  if (const auto tag = words.value("tag")) move_tag(*tag, service.traffic);
  return service;
}

}  // namespace thaw::cli
