#include "api/jobs_v2_shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "base/nearest.h"

namespace thaw::api {
namespace {

using jobs::ExecutionCore;

Error wrong(std::string_view field, std::string_view what) {
  return {Code::kInvalidArgument, fmt::format("{}: {}", field, what)};
}

/// Fields that the API itself fills in are taken and have no effect, as clients send them back.
Status check_fields(const Json& json, std::string_view where,
                    std::span<const std::string_view> known) {
  if (!json.is_object()) return wrong(where, "an object is wanted");
  for (const auto& [name, value] : json.as_object()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string field = where.empty() ? name : fmt::format("{}.{}", where, name);
    const auto near = nearest(name, known);
    return wrong(field, near ? fmt::format("unknown field; did you mean '{}'?", *near)
                             : std::string("is not supported here"));
  }
  return {};
}

void copy(const Json& from, std::string_view name, Json& to, std::string_view as = "") {
  if (const Json* value = from.find(name); value != nullptr && !value->is_null()) {
    to.set(as.empty() ? name : as, *value);
  }
}

/// "600s" as v1's "600"; what is none is left for v1's own words.
void copy_timeout(const Json& from, Json& to) {
  std::string text = from.string_or("timeout");
  if (text.empty()) return;
  if (text.ends_with('s')) text.pop_back();
  to.set("timeoutSeconds", text);
}

constexpr std::array<std::string_view, 22> kJobFields = {"name",
                                                         "uid",
                                                         "generation",
                                                         "labels",
                                                         "annotations",
                                                         "createTime",
                                                         "updateTime",
                                                         "deleteTime",
                                                         "expireTime",
                                                         "creator",
                                                         "lastModifier",
                                                         "client",
                                                         "clientVersion",
                                                         "launchStage",
                                                         "template",
                                                         "observedGeneration",
                                                         "terminalCondition",
                                                         "conditions",
                                                         "executionCount",
                                                         "latestCreatedExecution",
                                                         "reconciling",
                                                         "etag"};
constexpr std::array<std::string_view, 5> kTemplateFields = {"labels", "annotations", "parallelism",
                                                             "taskCount", "template"};
constexpr std::array<std::string_view, 5> kTaskFields = {"containers", "maxRetries", "timeout",
                                                         "serviceAccount", "executionEnvironment"};

/// Strings of a map, or {}.
Json map_of(const Json& json, std::string_view name) {
  const Json* map = json.find(name);
  return map != nullptr && map->is_object() ? *map : Json::object();
}

std::string_view condition_state(std::string_view status) {
  if (status == "True") return "CONDITION_SUCCEEDED";
  return status == "False" ? "CONDITION_FAILED" : "CONDITION_RECONCILING";
}

Json condition_to_v2(const Json& v1) {
  Json condition = Json::object(
      {{"type", v1.string_or("type")}, {"state", condition_state(v1.string_or("status"))}});
  copy(v1, "message", condition);
  copy(v1, "lastTransitionTime", condition);
  return condition;
}

/// The template of tasks, from v1's task spec.
Json tasks_to_v2(const Json& spec) {
  Json tasks = Json::object({{"containers", spec["containers"]}});
  const Json& retries = spec["maxRetries"];
  tasks.set("maxRetries", retries.is_null() ? Json(3) : retries);
  const Json& timeout = spec["timeoutSeconds"];
  const std::string seconds = timeout.is_string() ? timeout.as_string()
                              : timeout.is_int()  ? std::to_string(timeout.as_int())
                                                  : "600";
  tasks.set("timeout", seconds + "s");
  copy(spec, "serviceAccountName", tasks, "serviceAccount");
  tasks.set("executionEnvironment", "EXECUTION_ENVIRONMENT_GEN2");
  return tasks;
}

std::string job_name(const std::string& parent, const std::string& job) {
  return fmt::format("{}/jobs/{}", parent, job);
}
std::string execution_name(const std::string& parent, const jobs::Execution& execution) {
  return fmt::format("{}/executions/{}", job_name(parent, execution.job), execution.name);
}

std::string etag_of(std::string_view uid, int64_t generation) {
  return fmt::format("\"{}-{}\"", uid, generation);
}

}  // namespace

Result<Json> job_from_v2(const Json& job, const std::string& name) {
  RETURN_IF_ERROR(check_fields(job, "", kJobFields));
  const Json& outer = job["template"];
  RETURN_IF_ERROR(check_fields(outer, "template", kTemplateFields));
  const Json& tasks = outer["template"];
  RETURN_IF_ERROR(check_fields(tasks, "template.template", kTaskFields));
  Json spec = Json::object();
  copy(tasks, "containers", spec);
  copy(tasks, "maxRetries", spec);
  copy(tasks, "serviceAccount", spec, "serviceAccountName");
  copy_timeout(tasks, spec);
  Json execution = Json::object({{"template", Json::object({{"spec", std::move(spec)}})}});
  // 0 is how protobuf writes that it was not given.
  for (const char* field : {"taskCount", "parallelism"}) {
    if (outer.int_or(field, 0) != 0) copy(outer, field, execution);
  }
  Json metadata = Json::object({{"name", name}});
  for (const char* field : {"labels", "annotations"}) {
    Json all = map_of(job, field);
    if (!all.as_object().empty()) metadata.set(field, std::move(all));
  }
  return Json::object(
      {{"apiVersion", "run.googleapis.com/v1"},
       {"kind", "Job"},
       {"metadata", std::move(metadata)},
       {"spec", Json::object({{"template", Json::object({{"spec", std::move(execution)}})}})}});
}

Result<Json> overrides_from_v2(const Json& request) {
  constexpr std::array<std::string_view, 4> kRequest = {"name", "validateOnly", "etag",
                                                        "overrides"};
  constexpr std::array<std::string_view, 3> kOverrides = {"containerOverrides", "taskCount",
                                                          "timeout"};
  RETURN_IF_ERROR(check_fields(request, "", kRequest));
  const Json& given = request["overrides"];
  if (given.is_null()) return Json::object();
  RETURN_IF_ERROR(check_fields(given, "overrides", kOverrides));
  Json overrides = Json::object();
  copy(given, "containerOverrides", overrides);
  if (given.int_or("taskCount", 0) != 0) copy(given, "taskCount", overrides);
  copy_timeout(given, overrides);
  return Json::object({{"overrides", std::move(overrides)}});
}

Json job_to_v2(const jobs::Job& job, const jobs::Execution* latest, const std::string& parent) {
  const Json& execution = job.spec["template"]["spec"];
  Json outer = Json::object({{"taskCount", job.settings.task_count},
                             {"template", tasks_to_v2(execution["template"]["spec"])}});
  if (job.settings.parallelism > 0) outer.set("parallelism", job.settings.parallelism);
  const std::string created = format_rfc3339(job.created);
  Json ready = Json::object(
      {{"type", "Ready"}, {"state", "CONDITION_SUCCEEDED"}, {"lastTransitionTime", created}});
  Json json = Json::object({{"name", job_name(parent, job.name)},
                            {"uid", job.uid},
                            {"generation", std::to_string(job.generation)},
                            {"labels", map_of(job.metadata, "labels")},
                            {"annotations", map_of(job.metadata, "annotations")},
                            {"createTime", created},
                            {"launchStage", "GA"},
                            {"template", std::move(outer)},
                            {"observedGeneration", std::to_string(job.generation)},
                            {"terminalCondition", std::move(ready)},
                            {"executionCount", job.runs},
                            {"reconciling", false},
                            {"etag", etag_of(job.uid, job.generation)}});
  if (latest != nullptr) {
    Json last = Json::object({{"name", execution_name(parent, *latest)},
                              {"createTime", format_rfc3339(latest->created)}});
    if (latest->completed) last.set("completionTime", format_rfc3339(*latest->completed));
    json.set("latestCreatedExecution", std::move(last));
  }
  return json;
}

Json execution_to_v2(const jobs::Jobs::View& view, const std::string& parent) {
  const jobs::Execution& execution = view.execution;
  const Json v1 = jobs::execution_json(execution, view.core, "");
  const auto counts = view.core.counts();
  Json conditions = Json::array();
  for (const Json& each : v1["status"]["conditions"].as_array()) {
    conditions.push_back(condition_to_v2(each));
  }
  const std::string created = format_rfc3339(execution.created);
  Json json = Json::object(
      {{"name", execution_name(parent, execution)},
       {"uid", execution.uid},
       {"generation", "1"},
       {"labels", v1["metadata"]["labels"]},
       {"annotations", v1["metadata"]["annotations"]},
       {"createTime", created},
       {"startTime", created},
       {"launchStage", "GA"},
       {"job", job_name(parent, execution.job)},
       {"parallelism", execution.of.settings.parallelism},
       {"taskCount", execution.of.settings.task_count},
       {"template", tasks_to_v2(execution.of.spec["template"]["spec"]["template"]["spec"])},
       {"reconciling", !view.core.has_ended()},
       {"conditions", std::move(conditions)},
       {"observedGeneration", "1"},
       {"runningCount", counts.running},
       {"succeededCount", counts.succeeded},
       {"failedCount", counts.failed},
       {"cancelledCount", counts.cancelled},
       {"retriedCount", counts.retried},
       {"etag", etag_of(execution.uid, 1)}});
  if (execution.completed) json.set("completionTime", format_rfc3339(*execution.completed));
  return json;
}

Json task_to_v2(const jobs::Jobs::View& view, int task, const std::string& parent) {
  const jobs::Execution& execution = view.execution;
  const Json v1 = jobs::task_json(execution, view.core, task, "");
  Json conditions = Json::array();
  for (const Json& each : v1["status"]["conditions"].as_array()) {
    conditions.push_back(condition_to_v2(each));
  }
  const Json tasks = tasks_to_v2(v1["spec"]);
  return Json::object({{"name", fmt::format("{}/tasks/{}", execution_name(parent, execution),
                                            v1["metadata"].string_or("name"))},
                       {"labels", v1["metadata"]["labels"]},
                       {"createTime", format_rfc3339(execution.created)},
                       {"job", job_name(parent, execution.job)},
                       {"execution", execution_name(parent, execution)},
                       {"containers", tasks["containers"]},
                       {"maxRetries", tasks["maxRetries"]},
                       {"timeout", tasks["timeout"]},
                       {"index", task},
                       {"retried", v1["status"]["retried"]},
                       {"conditions", std::move(conditions)}});
}

Json done_operation(const std::string& name, std::string_view type, Json response) {
  response.set("@type", fmt::format("type.googleapis.com/google.cloud.run.v2.{}", type));
  return Json::object(
      {{"name", name}, {"metadata", response}, {"done", true}, {"response", response}});
}

Json run_operation(const jobs::Jobs::View& view, const std::string& parent) {
  const std::string name = fmt::format("{}/operations/run-{}", parent, view.execution.name);
  Json operation = done_operation(name, "Execution", execution_to_v2(view, parent));
  const auto without = [&](std::initializer_list<std::string_view> fields) {
    Json rest = Json::object();
    for (const auto& [key, value] : operation.as_object()) {
      if (std::ranges::find(fields, key) == fields.end()) rest.set(key, value);
    }
    operation = std::move(rest);
  };
  if (!view.core.has_ended()) {
    without({"done", "response"});
  } else if (view.core.state() != ExecutionCore::State::kSucceeded) {
    without({"response"});
    const bool cancelled = view.core.state() == ExecutionCore::State::kCancelled;
    operation.set(
        "error",
        Json::object({{"code", cancelled ? 1 : 2},
                      {"message", cancelled ? "the execution was cancelled" : view.core.fault()}}));
  }
  return operation;
}

}  // namespace thaw::api
