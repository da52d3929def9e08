// `thaw jobs run|list|describe|executions|cancel|logs|delete`.
#include <fmt/format.h>

#include <algorithm>

#include "cli/api.h"
#include "cli/jobs_handlers.h"
#include "cli/table.h"
#include "http/query.h"
#include "spec/emit.h"

namespace thaw::cli {
namespace {

constexpr std::string_view kBase = "/apis/run.googleapis.com/v1/namespaces/default/";
constexpr Duration kFirstPause = milliseconds(10);
constexpr Duration kLongestPause = milliseconds(500);

Json completed_of(const Json& execution) {
  const Json& conditions = execution["status"]["conditions"];
  if (!conditions.is_array()) return Json();
  for (const Json& each : conditions.as_array()) {
    if (each.string_or("type") == "Completed") return each;
  }
  return Json();
}

std::string state_of(const Json& execution) {
  const Json completed = completed_of(execution);
  if (completed.string_or("status") == "True") return "succeeded";
  if (completed.string_or("status") != "False") return "running";
  return completed.string_or("reason") == "Cancelled" ? "cancelled" : "failed";
}

std::string progress_of(const Json& execution) {
  const Json& status = execution["status"];
  std::string text = fmt::format("{} of {} tasks succeeded", status.int_or("succeededCount", 0),
                                 execution["spec"].int_or("taskCount", 1));
  const std::pair<const char*, const char*> kOthers[] = {
      {"runningCount", "running"}, {"failedCount", "failed"}, {"retriedCount", "retried"}};
  for (const auto& [key, word] : kOthers) {
    if (status.int_or(key, 0) > 0) text += fmt::format(", {} {}", status.int_or(key, 0), word);
  }
  return text;
}

Outcome<Json> overrides_of(const Words& words) {
  Json overrides = Json::object();
  Json container = Json::object();
  ASSIGN_OR_RETURN(const auto tasks, words.integer("tasks", {1, 10'000}));
  if (tasks) overrides.set("taskCount", *tasks);
  if (const auto args = words.value("args")) {
    Json all = Json::array();
    for (const std::string_view each : split(*args, ',')) all.push_back(each);
    container.set("args", std::move(all));
  }
  Json env = Json::array();
  for (const std::string_view list : words.values("update-env-vars")) {
    for (const std::string_view pair : split(list, ',')) {
      const size_t equals = pair.find('=');
      if (equals == 0 || equals == std::string_view::npos) {
        return usage_failure(fmt::format("--update-env-vars {}: KEY=VALUE is wanted", pair));
      }
      env.push_back(
          Json::object({{"name", pair.substr(0, equals)}, {"value", pair.substr(equals + 1)}}));
    }
  }
  if (!env.as_array().empty()) container.set("env", std::move(env));
  if (!container.as_object().empty()) {
    overrides.set("containerOverrides", Json(Json::Array{container}));
  }
  if (overrides.as_object().empty()) return Json::object();
  return Json::object({{"overrides", overrides}});
}

Outcome<Json> wait_for(Context& context, Api& api, Json execution) {
  const std::string path = executions_path(execution["metadata"].string_or("name"));
  Duration pause = kFirstPause;
  std::string shown;
  while (completed_of(execution).string_or("status") == "Unknown") {
    const std::string progress = progress_of(execution);
    if (progress != shown) context.note(progress);
    shown = progress;
    pause_for(context.ports, pause);
    pause = std::min(pause * 2, kLongestPause);
    ASSIGN_OR_RETURN(execution, api.get(path));
  }
  return execution;
}

}  // namespace

std::string jobs_path(std::string_view name) {
  return fmt::format("{}jobs{}{}", kBase, name.empty() ? "" : "/", http::percent_encode(name));
}
std::string executions_path(std::string_view name) {
  return fmt::format("{}executions{}{}", kBase, name.empty() ? "" : "/",
                     http::percent_encode(name));
}

Outcome<ExitCode> jobs_run_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const Json request, overrides_of(words));
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(Json execution, api.post(jobs_path(words.arguments()[0]) + ":run", request));
  const std::string name = execution["metadata"].string_or("name");
  if (words.is_on("async")) {
    if (context.json()) return context.print_json(execution);
    return context.print(fmt::format("Execution [{}] has been started.\n", name));
  }
  ASSIGN_OR_RETURN(execution, wait_for(context, api, std::move(execution)));
  if (context.json()) RETURN_IF_ERROR(context.print_json(execution));
  if (state_of(execution) != "succeeded") {
    return Failure(ExitCode::kFailed,
                   Error(Code::kFailedPrecondition,
                         fmt::format("execution {} {}: {}", name, state_of(execution),
                                     completed_of(execution).string_or("message"))));
  }
  if (context.json()) return ExitCode::kOk;
  return context.print(
      fmt::format("Execution [{}] has completed: {}.\n", name, progress_of(execution)));
}

Outcome<ExitCode> jobs_list_command(Context& context, const Words&) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json all, api.get(jobs_path()));
  const Json& items = all["items"];
  if (context.json()) return context.print_json(items);
  if (items.as_array().empty()) return context.print("No jobs.\n");
  Table table({{.title = "NAME"},
               {.title = "TASKS", .align = Align::kRight},
               {.title = "RUNS", .align = Align::kRight},
               {.title = "LAST EXECUTION"}});
  for (const Json& job : items.as_array()) {
    table.add_row({job["metadata"].string_or("name"),
                   std::to_string(job["spec"]["template"]["spec"].int_or("taskCount", 1)),
                   std::to_string(job["status"].int_or("executionCount", 0)),
                   job["status"]["latestCreatedExecution"].string_or("name", "-")});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> jobs_describe_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  // A job's name, or an execution's.
  auto found = api.get(jobs_path(words.arguments()[0]));
  if (!found && found.error().exit == ExitCode::kNotFound) {
    const auto execution = api.get(executions_path(words.arguments()[0]));
    if (execution) found = execution;
  }
  if (!found) return found.error();
  return context.json() ? context.print_json(*found) : context.print(spec::yaml_text(*found));
}

Outcome<ExitCode> jobs_executions_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  std::string path = executions_path();
  if (!words.arguments().empty()) {
    path += "?labelSelector=" +
            http::percent_encode(fmt::format("run.googleapis.com/job={}", words.arguments()[0]));
  }
  ASSIGN_OR_RETURN(const Json all, api.get(path));
  const Json& items = all["items"];
  if (context.json()) return context.print_json(items);
  if (items.as_array().empty()) return context.print("No executions.\n");
  Table table({{.title = "NAME"},
               {.title = "STATE"},
               {.title = "STARTED"},
               {.title = "TASKS", .may_shrink = true}});
  for (const Json& each : items.as_array()) {
    const std::string state = state_of(each);
    table.add_row({each["metadata"].string_or("name"),
                   state == "succeeded" ? context.out.green(state)
                   : state == "failed"  ? context.out.red(state)
                                        : state,
                   each["metadata"].string_or("creationTimestamp"), progress_of(each)});
  }
  return context.print(table.text(context.table_width(), context.out));
}

Outcome<ExitCode> jobs_cancel_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  for (const std::string_view name : words.arguments()) {
    ASSIGN_OR_RETURN(const Json execution,
                     api.post(executions_path(name) + ":cancel", Json::object()));
    if (context.json()) RETURN_IF_ERROR(context.print_json(execution));
    context.note(fmt::format("Execution [{}] is being cancelled.", name));
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> jobs_logs_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const auto tail, words.integer("tail", {1, 100'000}));
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  std::string job(words.arguments()[0]);
  const bool follow = words.is_on("follow");
  std::string query = fmt::format("?tail={}{}", tail.value_or(100), follow ? "&follow=true" : "");
  // An execution's name says its job's.
  if (const auto execution = api.get(executions_path(job))) {
    query += "&execution=" + http::percent_encode(job);
    job = (*execution)["metadata"]["labels"].string_or("run.googleapis.com/job");
  }
  Outcome<ExitCode> written = ExitCode::kOk;
  const auto show = [&](std::string_view line) {
    const auto json = Json::parse(line);
    if (context.json() || !json) {
      written = context.print(std::string(line) + "\n");
    } else {
      written =
          context.print(fmt::format("{} {} {}\n", context.out.dim(json->string_or("timestamp")),
                                    context.out.dim(json->string_or("instance")),
                                    escape_controls(json->string_or("message"), Keep::kNothing)));
    }
    return written.has_value();
  };
  RETURN_IF_ERROR(api.lines(thaw_path("jobs/" + http::percent_encode(job) + "/logs" + query),
                            follow ? kForever : seconds(30), show));
  return written;
}

Outcome<ExitCode> jobs_delete_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  Json deleted = Json::array();
  for (const std::string_view name : words.arguments()) {
    RETURN_IF_ERROR(api.remove(jobs_path(name)));
    deleted.push_back(name);
    if (!context.json()) {
      RETURN_IF_ERROR(context.print(fmt::format("Deleted job [{}].\n", name)));
    }
  }
  return context.json() ? context.print_json(Json::object({{"deleted", deleted}})) : ExitCode::kOk;
}

}  // namespace thaw::cli
