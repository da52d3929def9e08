#include "api/jobs_v2.h"

#include <fmt/format.h>

#include "api/jobs_v2_shapes.h"
#include "api/reply.h"

namespace thaw::api {
namespace {

using Answer = http::Response;
using jobs::Jobs;

const std::string kParent = "/v2/projects/{project}/locations/{location}";
constexpr std::string_view kRun = "run-";

std::string parent_of(const Call& call) {
  return fmt::format("projects/{}/locations/{}", call.path.at("project"), call.path.at("location"));
}

Json job_v2(const Jobs& jobs, const jobs::Job& job, const Call& call) {
  const auto runs = jobs.executions(job.name);
  return job_to_v2(job, runs.empty() ? nullptr : &runs[0].execution, parent_of(call));
}

/// Nothing is left to wait for, so that its name leads to nothing either.
Answer finished(const Call& call, std::string_view verb, std::string_view type, Json what) {
  return json_reply(done_operation(fmt::format("{}/operations/{}-done", parent_of(call), verb),
                                   type, std::move(what)));
}

Answer put(Jobs& jobs, const Call& call, const std::string& name, Jobs::Mode mode) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const auto v1 = job_from_v2(*body, name);
  if (!v1) return error_reply(v1.error());
  auto job = jobs::job_from_json(*v1);
  if (!job) return error_reply(job.error());
  if (call.query("validateOnly") == "true") {
    return finished(call, "validate", "Job", job_to_v2(*job, nullptr, parent_of(call)));
  }
  const auto stored = jobs.put(*std::move(job), mode);
  if (!stored) return error_reply(stored.error());
  return finished(call, "put", "Job", job_v2(jobs, *stored, call));
}

Answer update(Jobs& jobs, const Call& call) {
  const std::string& name = call.path.at("job");
  const bool is_new = !jobs.get(name) && call.query("allowMissing") == "true";
  return put(jobs, call, name, is_new ? Jobs::Mode::kCreate : Jobs::Mode::kReplace);
}

Answer create(Jobs& jobs, const Call& call) {
  const std::string name(call.query("jobId"));
  if (name.empty()) return error_reply(Error(Code::kInvalidArgument, "jobId: is missing"));
  return put(jobs, call, name, Jobs::Mode::kCreate);
}

Answer remove(Jobs& jobs, const Call& call) {
  const auto job = jobs.get(call.path.at("job"));
  if (!job) return error_reply(job.error());
  const Json shown = job_v2(jobs, *job, call);
  const Status done = jobs.remove(job->name);
  return done ? finished(call, "delete", "Job", shown) : error_reply(done.error());
}

Answer run(Jobs& jobs, const Call& call) {
  const auto body = Json::parse(call.request.body.empty() ? "{}" : call.request.body);
  if (!body) return error_reply(body.error());
  const auto overrides = overrides_from_v2(*body);
  if (!overrides) return error_reply(overrides.error());
  const auto view = jobs.run(call.path.at("job"), *overrides);
  return view ? json_reply(run_operation(*view, parent_of(call))) : error_reply(view.error());
}

/// That of the path, of the job that the path names ("-": of any).
Result<Jobs::View> execution_of(const Jobs& jobs, const Call& call) {
  const std::string& name = call.path.at("execution");
  ASSIGN_OR_RETURN(const Jobs::View view, jobs.execution(name));
  const std::string& job = call.path.at("job");
  if (job != "-" && view.execution.job != job) {
    return Error(Code::kNotFound, fmt::format("execution '{}' is none of job '{}'", name, job));
  }
  return view;
}

Answer list_executions(const Jobs& jobs, const Call& call) {
  const std::string& job = call.path.at("job");
  Json all = Json::array();
  for (const auto& view : jobs.executions(job == "-" ? "" : job)) {
    all.push_back(execution_to_v2(view, parent_of(call)));
  }
  return json_reply(Json::object({{"executions", std::move(all)}}));
}

Answer list_tasks(const Jobs& jobs, const Call& call) {
  const auto view = execution_of(jobs, call);
  if (!view) return error_reply(view.error());
  Json all = Json::array();
  for (size_t task = 0; task < view->core.tasks().size(); ++task) {
    all.push_back(task_to_v2(*view, static_cast<int>(task), parent_of(call)));
  }
  return json_reply(Json::object({{"tasks", std::move(all)}}));
}

/// "JOB-abcde-task3".
Answer get_task(const Jobs& jobs, const Call& call) {
  const auto view = execution_of(jobs, call);
  if (!view) return error_reply(view.error());
  const std::string& wanted = call.path.at("task");
  for (size_t task = 0; task < view->core.tasks().size(); ++task) {
    if (wanted != fmt::format("{}-task{}", view->execution.name, task)) continue;
    return json_reply(task_to_v2(*view, static_cast<int>(task), parent_of(call)));
  }
  return error_reply(Error(Code::kNotFound, fmt::format("task '{:.100}' does not exist", wanted)));
}

Answer operation(const Jobs& jobs, const Call& call) {
  const std::string& name = call.path.at("operation");
  if (!name.starts_with(kRun)) {
    return error_reply(Error(Code::kNotFound, fmt::format("operation '{:.100}' does not exist: "
                                                          "only runs take time here",
                                                          name)));
  }
  const auto view = jobs.execution(name.substr(kRun.size()));
  return view ? json_reply(run_operation(*view, parent_of(call))) : error_reply(view.error());
}

}  // namespace

std::vector<Route> jobs_v2_routes(Jobs& jobs) {
  std::vector<Route> routes;
  const auto add = [&](std::string method, const std::string& path, std::vector<std::string> query,
                       std::string help, std::function<Answer(const Call&)> make) {
    routes.push_back({std::move(method), kParent + path, std::move(query), std::move(help),
                      [make = std::move(make)](const Call& call, http::Responder responder) {
                        responder.answer(make(call));
                      }});
  };
  const std::string one = "/jobs/{job}";
  const std::string execution = one + "/executions/{execution}";
  const std::vector<std::string> pages = {"pageSize", "pageToken", "showDeleted"};
  add("GET", "/jobs", pages, "all jobs", [&](const Call& call) {
    Json all = Json::array();
    for (const jobs::Job& job : jobs.list()) all.push_back(job_v2(jobs, job, call));
    return json_reply(Json::object({{"jobs", std::move(all)}}));
  });
  add("POST", "/jobs", {"jobId", "validateOnly"}, "deploy a new job",
      [&](const Call& call) { return create(jobs, call); });
  add("GET", one, {}, "a job", [&](const Call& call) {
    const auto job = jobs.get(call.path.at("job"));
    return job ? json_reply(job_v2(jobs, *job, call)) : error_reply(job.error());
  });
  add("PATCH", one, {"allowMissing", "validateOnly", "updateMask"}, "deploy over a job, whole",
      [&](const Call& call) { return update(jobs, call); });
  add("DELETE", one, {"validateOnly", "etag"}, "delete a job with its executions",
      [&](const Call& call) { return remove(jobs, call); });
  add("POST", one + ":run", {}, "run a job, with overrides or as it is",
      [&](const Call& call) { return run(jobs, call); });
  add("GET", one + "/executions", pages, "a job's executions, newest first; of all with '-'",
      [&](const Call& call) { return list_executions(jobs, call); });
  add("GET", execution, {}, "an execution", [&](const Call& call) {
    const auto view = execution_of(jobs, call);
    return view ? json_reply(execution_to_v2(*view, parent_of(call))) : error_reply(view.error());
  });
  add("POST", execution + ":cancel", {}, "stop an execution", [&](const Call& call) {
    if (const auto view = execution_of(jobs, call); !view) return error_reply(view.error());
    const auto view = jobs.cancel(call.path.at("execution"));
    if (!view) return error_reply(view.error());
    return finished(call, "cancel", "Execution", execution_to_v2(*view, parent_of(call)));
  });
  add("DELETE", execution, {"validateOnly", "etag"}, "forget an execution", [&](const Call& call) {
    const auto view = execution_of(jobs, call);
    if (!view) return error_reply(view.error());
    const Json shown = execution_to_v2(*view, parent_of(call));
    const Status done = jobs.remove_execution(call.path.at("execution"));
    return done ? finished(call, "delete", "Execution", shown) : error_reply(done.error());
  });
  add("GET", execution + "/tasks", pages, "an execution's tasks",
      [&](const Call& call) { return list_tasks(jobs, call); });
  add("GET", execution + "/tasks/{task}", {}, "a task",
      [&](const Call& call) { return get_task(jobs, call); });
  add("GET", "/operations/{operation}", {}, "how far a run is",
      [&](const Call& call) { return operation(jobs, call); });
  add("POST", "/operations/{operation}:wait", {}, "the same, without waiting",
      [&](const Call& call) { return operation(jobs, call); });
  return routes;
}

}  // namespace thaw::api
