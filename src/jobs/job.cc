#include "jobs/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/nearest.h"
#include "spec/defaults.h"
#include "spec/names.h"
#include "spec/parse.h"

namespace thaw::jobs {
namespace {

constexpr int kMostRetries = 10;
constexpr int64_t kLongestTimeout = 24 * 3600;
constexpr std::string_view kApiVersion = "run.googleapis.com/v1";

Error bad(std::string_view where, std::string_view what) {
  return {Code::kInvalidArgument, fmt::format("{}: {}", where, what)};
}

Status check_members(const Json& json, std::span<const std::string_view> known,
                     std::string_view where) {
  if (!json.is_object()) return bad(where, "a mapping is wanted");
  for (const auto& [name, value] : json.as_object()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, known);
    return bad(fmt::format("{}.{}", where, name),
               near ? fmt::format("unknown field; did you mean '{}'?", *near)
                    : fmt::format("unknown field; the fields here are {}", fmt::join(known, ", ")));
  }
  return {};
}

/// Cloud Run writes 64-bit numbers as strings.
Result<int64_t> whole(const Json& json, std::string_view where, int64_t least, int64_t most,
                      int64_t otherwise) {
  if (json.is_null()) return otherwise;
  int64_t number = -1;
  if (json.is_int()) number = json.as_int();
  if (json.is_string()) {
    const std::string& text = json.as_string();
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data(), end, number).ptr != end) number = -1;
  }
  if (number >= least && number <= most) return number;
  return bad(where, fmt::format("a whole number from {} to {} is wanted", least, most));
}

/// The container as a worker pool's, so that its rules and messages hold.
Result<spec::RevisionTemplate> read_container(const std::string& name, const Json& task) {
  const Json pool = Json::object(
      {{"apiVersion", kApiVersion},
       {"kind", "WorkerPool"},
       {"metadata", Json::object({{"name", name}})},
       {"spec",
        Json::object(
            {{"template",
              Json::object({{"spec", Json::object({{"containers", task["containers"]}})}})}})}});
  auto service = spec::service_from_json(pool);
  if (!service) {
    std::string message = service.error().message();
    constexpr std::string_view kTheirs = "spec.template.spec.containers";
    for (size_t at = message.find(kTheirs); at != std::string::npos;
         at = message.find(kTheirs, at + 40)) {
      message.insert(at, "spec.template.");
    }
    return Error(service.error().code(), std::move(message));
  }
  spec::apply_defaults(*service);
  return std::move(service->template_);
}

Status read_spec(Job& job) {
  constexpr std::array<std::string_view, 1> kSpec = {"template"};
  constexpr std::array<std::string_view, 2> kOuter = {"metadata", "spec"};
  constexpr std::array<std::string_view, 3> kExecution = {"taskCount", "parallelism", "template"};
  constexpr std::array<std::string_view, 2> kInner = {"metadata", "spec"};
  constexpr std::array<std::string_view, 6> kTask = {"containers",     "maxRetries",
                                                     "timeoutSeconds", "serviceAccountName",
                                                     "volumes",        "nodeSelector"};
  const std::string where = "spec.template.spec";
  RETURN_IF_ERROR(check_members(job.spec, kSpec, "spec"));
  const Json& outer = job.spec["template"];
  RETURN_IF_ERROR(check_members(outer, kOuter, "spec.template"));
  const Json& execution = outer["spec"];
  RETURN_IF_ERROR(check_members(execution, kExecution, where));
  const Json& inner = execution["template"];
  RETURN_IF_ERROR(check_members(inner, kInner, where + ".template"));
  const Json& task = inner["spec"];
  RETURN_IF_ERROR(check_members(task, kTask, where + ".template.spec"));
  if (task["volumes"].is_array() && !task["volumes"].as_array().empty()) {
    return bad(where + ".template.spec.volumes", "not supported yet; remove it");
  }
  ASSIGN_OR_RETURN(const int64_t tasks,
                   whole(execution["taskCount"], where + ".taskCount", 1, kMostTasks, 1));
  ASSIGN_OR_RETURN(const int64_t parallel,
                   whole(execution["parallelism"], where + ".parallelism", 0, kMostTasks, 0));
  ASSIGN_OR_RETURN(
      const int64_t retries,
      whole(task["maxRetries"], where + ".template.spec.maxRetries", 0, kMostRetries, 3));
  ASSIGN_OR_RETURN(const int64_t timeout,
                   whole(task["timeoutSeconds"], where + ".template.spec.timeoutSeconds", 1,
                         kLongestTimeout, 600));
  job.settings = {.task_count = static_cast<int>(tasks),
                  .parallelism = static_cast<int>(parallel),
                  .max_retries = static_cast<int>(retries),
                  .timeout = seconds(static_cast<double>(timeout))};
  ASSIGN_OR_RETURN(job.template_, read_container(job.name, task));
  return {};
}

Json string_map(const Json& metadata, const char* part) {
  return metadata[part].is_object() ? metadata[part] : Json::object();
}

Json condition(std::string_view type, std::string_view status, std::string_view reason,
               std::string_view message, WallTime since) {
  Json json = Json::object({{"type", type}, {"status", status}});
  if (!reason.empty()) json.set("reason", reason);
  if (!message.empty()) json.set("message", message);
  json.set("lastTransitionTime", format_rfc3339(since));
  return json;
}

}  // namespace

Result<Job> job_from_json(const Json& json) {
  constexpr std::array<std::string_view, 5> kTop = {"apiVersion", "kind", "metadata", "spec",
                                                    "status"};
  RETURN_IF_ERROR(check_members(json, kTop, "job"));
  if (json.string_or("kind") != "Job") return bad("kind", "'Job' is wanted");
  if (json.string_or("apiVersion") != kApiVersion) {
    return bad("apiVersion", fmt::format("'{}' is wanted", kApiVersion));
  }
  Job job{.name = json["metadata"].string_or("name")};
  if (const auto fault = spec::service_name_fault(job.name)) {
    return bad("metadata.name", fmt::format("'{}' {}", job.name, *fault));
  }
  for (const char* part : {"labels", "annotations"}) {
    job.metadata.set(part, string_map(json["metadata"], part));
  }
  job.spec = json["spec"];
  RETURN_IF_ERROR(read_spec(job));
  return job;
}

Json to_store(const Job& job) {
  return Json::object({{"name", job.name},
                       {"metadata", job.metadata},
                       {"spec", job.spec},
                       {"uid", job.uid},
                       {"generation", job.generation},
                       {"created", format_rfc3339(job.created)},
                       {"runs", job.runs}});
}

Result<Job> job_from_store(const Json& json) {
  Job job{.name = json.string_or("name"), .metadata = json["metadata"], .spec = json["spec"]};
  job.uid = json.string_or("uid");
  job.generation = json.int_or("generation", 1);
  job.created = parse_rfc3339(json.string_or("created")).value_or(WallTime{});
  job.runs = json.int_or("runs", 0);
  RETURN_IF_ERROR(read_spec(job));
  return job;
}

Result<Job> with_overrides(Job job, const Json& request) {
  const Json& overrides = request["overrides"];
  if (overrides.is_null()) return job;
  constexpr std::array<std::string_view, 4> kFields = {"containerOverrides", "taskCount",
                                                       "timeoutSeconds", "timeout"};
  RETURN_IF_ERROR(check_members(overrides, kFields, "overrides"));
  Json execution = job.spec["template"]["spec"];
  Json task = execution["template"]["spec"];
  if (!overrides["taskCount"].is_null()) execution.set("taskCount", overrides["taskCount"]);
  if (!overrides["timeoutSeconds"].is_null()) {
    task.set("timeoutSeconds", overrides["timeoutSeconds"]);
  }
  const Json& containers = overrides["containerOverrides"];
  if (containers.is_array() && !containers.as_array().empty()) {
    const Json& over = containers.as_array()[0];
    Json container = task["containers"].as_array()[0];
    if (over["args"].is_array() || over.bool_or("clearArgs", false)) {
      container.set("args", over["args"].is_array() ? over["args"] : Json::array());
    }
    if (over["env"].is_array()) {
      Json env = Json::array();
      const auto is_over = [&](const Json& variable) {
        return std::ranges::any_of(over["env"].as_array(), [&](const Json& each) {
          return each.string_or("name") == variable.string_or("name");
        });
      };
      if (container["env"].is_array()) {
        for (const Json& each : container["env"].as_array()) {
          if (!is_over(each)) env.push_back(each);
        }
      }
      for (const Json& each : over["env"].as_array()) env.push_back(each);
      container.set("env", std::move(env));
    }
    task.set("containers", Json(Json::Array{container}));
  }
  execution.set("template", Json::object({{"spec", task}}));
  job.spec = Json::object({{"template", Json::object({{"spec", execution}})}});
  RETURN_IF_ERROR(read_spec(job));
  return job;
}

std::string execution_name(const std::string& job, const std::string& suffix) {
  return fmt::format("{}-{}", job, suffix);
}

Json job_json(const Job& job, const Execution* latest, const std::string& parent) {
  Json metadata = Json::object({{"name", job.name},
                                {"namespace", parent},
                                {"selfLink", fmt::format("/apis/run.googleapis.com/v1/namespaces/"
                                                         "{}/jobs/{}",
                                                         parent, job.name)},
                                {"uid", job.uid},
                                {"resourceVersion", std::to_string(job.generation)},
                                {"generation", job.generation},
                                {"creationTimestamp", format_rfc3339(job.created)},
                                {"labels", string_map(job.metadata, "labels")},
                                {"annotations", string_map(job.metadata, "annotations")}});
  Json status = Json::object(
      {{"observedGeneration", job.generation},
       {"conditions", Json(Json::Array{condition("Ready", "True", "", "", job.created)})},
       {"executionCount", job.runs}});
  if (latest != nullptr) {
    Json last = Json::object(
        {{"name", latest->name}, {"creationTimestamp", format_rfc3339(latest->created)}});
    if (latest->completed) last.set("completionTimestamp", format_rfc3339(*latest->completed));
    status.set("latestCreatedExecution", std::move(last));
  }
  return Json::object({{"apiVersion", kApiVersion},
                       {"kind", "Job"},
                       {"metadata", std::move(metadata)},
                       {"spec", job.spec},
                       {"status", std::move(status)}});
}

Json execution_json(const Execution& execution, const ExecutionCore& core,
                    const std::string& parent) {
  using State = ExecutionCore::State;
  const State state = core.state();
  const auto counts = core.counts();
  const WallTime since = execution.completed.value_or(execution.created);
  const std::string_view done = state == State::kRunning     ? "Unknown"
                                : state == State::kSucceeded ? "True"
                                                             : "False";
  const std::string_view reason = state == State::kCancelled ? "Cancelled"
                                  : state == State::kFailed  ? "NonZeroExitCode"
                                                             : "";
  const std::string message =
      state == State::kFailed
          ? core.fault() + fmt::format("; see 'thaw jobs logs {}'", execution.name)
      : state == State::kCancelled ? "It was cancelled."
                                   : "";
  Json labels = string_map(execution.of.metadata, "labels");
  labels.set("run.googleapis.com/job", execution.job);
  labels.set("run.googleapis.com/jobGeneration", std::to_string(execution.of.generation));
  Json status = Json::object(
      {{"observedGeneration", 1},
       {"conditions",
        Json(Json::Array{condition("Completed", done, reason, message, since),
                         condition("ResourcesAvailable", "True", "", "", execution.created),
                         condition("Started", "True", "", "", execution.created)})},
       {"startTime", format_rfc3339(execution.created)}});
  if (execution.completed) status.set("completionTime", format_rfc3339(*execution.completed));
  const std::pair<const char*, int> kCounts[] = {{"runningCount", counts.running},
                                                 {"succeededCount", counts.succeeded},
                                                 {"failedCount", counts.failed},
                                                 {"cancelledCount", counts.cancelled},
                                                 {"retriedCount", counts.retried}};
  for (const auto& [name, count] : kCounts) {
    if (count > 0) status.set(name, count);
  }
  return Json::object(
      {{"apiVersion", kApiVersion},
       {"kind", "Execution"},
       {"metadata",
        Json::object({{"name", execution.name},
                      {"namespace", parent},
                      {"uid", execution.uid},
                      {"generation", 1},
                      {"resourceVersion", "1"},
                      {"creationTimestamp", format_rfc3339(execution.created)},
                      {"labels", std::move(labels)},
                      {"annotations", string_map(execution.of.metadata, "annotations")}})},
       {"spec", execution.of.spec["template"]["spec"]},
       {"status", std::move(status)}});
}

Json task_json(const Execution& execution, const ExecutionCore& core, int number,
               const std::string& parent) {
  using TaskState = ExecutionCore::TaskState;
  const ExecutionCore::Task& task = core.tasks()[static_cast<size_t>(number)];
  const std::string_view done =
      task.state == TaskState::kSucceeded                                       ? "True"
      : task.state == TaskState::kFailed || task.state == TaskState::kCancelled ? "False"
                                                                                : "Unknown";
  return Json::object(
      {{"apiVersion", kApiVersion},
       {"kind", "Task"},
       {"metadata",
        Json::object(
            {{"name", fmt::format("{}-task{}", execution.name, number)},
             {"namespace", parent},
             {"creationTimestamp", format_rfc3339(execution.created)},
             {"labels", Json::object({{"run.googleapis.com/job", execution.job},
                                      {"run.googleapis.com/execution", execution.name}})}})},
       {"spec", execution.of.spec["template"]["spec"]["template"]["spec"]},
       {"status",
        Json::object({{"index", number},
                      {"retried", task.attempt},
                      {"conditions", Json(Json::Array{condition("Completed", done, "", "",
                                                                execution.created)})}})}});
}

}  // namespace thaw::jobs
