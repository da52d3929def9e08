#include "api/jobs_v1.h"

#include <fmt/format.h>

#include <charconv>

#include "api/reply.h"

namespace thaw::api {
namespace {

using Answer = http::Response;

const std::string& parent_of(const Call& call) {
  const auto found = call.path.find("namespace");
  return found != call.path.end() ? found->second : call.path.at("project");
}

Answer deleted() {
  return json_reply(Json::object({{"apiVersion", "v1"},
                                  {"kind", "Status"},
                                  {"metadata", Json::object()},
                                  {"status", "Success"}}));
}

Json list_json(std::string_view kind, Json::Array items) {
  Json list = list_of(kind, std::move(items));
  list.set("apiVersion", "run.googleapis.com/v1");
  return list;
}

Json job_reply(const jobs::Jobs& jobs, const jobs::Job& job, const std::string& parent) {
  const auto runs = jobs.executions(job.name);
  return job_json(job, runs.empty() ? nullptr : &runs[0].execution, parent);
}

Answer put(jobs::Jobs& jobs, const Call& call, jobs::Jobs::Mode mode) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  auto job = jobs::job_from_json(*body);
  if (!job) return error_reply(job.error());
  const auto name = call.path.find("job");
  if (name != call.path.end() && name->second != job->name) {
    return error_reply(Error(Code::kInvalidArgument,
                             fmt::format("metadata.name: '{}' is not the job '{}' that the path "
                                         "names",
                                         job->name, name->second)));
  }
  const auto stored = jobs.put(*std::move(job), mode);
  if (!stored) return error_reply(stored.error());
  return json_reply(job_reply(jobs, *stored, parent_of(call)));
}

/// The value of "KEY = VALUE" for that key in the label selector; "" when it is not asked for.
std::string selected(const Call& call, std::string_view key) {
  std::string text;
  for (const char c : call.query("labelSelector")) {
    if (c != ' ') text += c;
  }
  const size_t at = text.find(std::string(key) + "=");
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size() + 1;
  return text.substr(begin, text.find(',', begin) - begin);
}

Answer run(jobs::Jobs& jobs, const Call& call) {
  Json request = Json::object();
  if (!call.request.body.empty()) {
    const auto body = Json::parse(call.request.body);
    if (!body) return error_reply(body.error());
    request = *body;
  }
  const auto view = jobs.run(call.path.at("job"), request);
  if (!view) return error_reply(view.error());
  return json_reply(execution_json(view->execution, view->core, parent_of(call)));
}

Answer list_executions(const jobs::Jobs& jobs, const Call& call) {
  Json::Array items;
  for (const auto& view : jobs.executions(selected(call, "run.googleapis.com/job"))) {
    items.push_back(execution_json(view.execution, view.core, parent_of(call)));
  }
  return json_reply(list_json("Execution", std::move(items)));
}

Answer list_tasks(const jobs::Jobs& jobs, const Call& call) {
  const auto view = jobs.execution(selected(call, "run.googleapis.com/execution"));
  if (!view) return error_reply(view.error());
  Json::Array items;
  for (size_t task = 0; task < view->core.tasks().size(); ++task) {
    items.push_back(
        task_json(view->execution, view->core, static_cast<int>(task), parent_of(call)));
  }
  return json_reply(list_json("Task", std::move(items)));
}

void answer_logs(const jobs::Jobs& jobs, const telemetry::Logs& logs, Followers& followers,
                 const Call& call, http::Responder responder) {
  const std::string& job = call.path.at("job");
  if (const auto known = jobs.get(job); !known) return responder.answer(error_reply(known.error()));
  telemetry::LogFilter filter;
  const std::string_view tail = call.query("tail");
  if (!tail.empty()) {
    size_t lines = 0;
    const auto read = std::from_chars(tail.data(), tail.data() + tail.size(), lines);
    if (read.ec != std::errc() || read.ptr != tail.data() + tail.size()) {
      return responder.answer(
          error_reply(Error(Code::kInvalidArgument, "tail: a number of lines is wanted")));
    }
    filter.tail = lines;
  }
  const Followers::Wanted wanted =
      [execution = std::string(call.query("execution"))](const telemetry::LogLine& line) {
        return execution.empty() || line.revision.str() == execution;
      };
  std::vector<telemetry::LogLine> lines = logs.read(log_of_job(job), filter);
  std::erase_if(lines, [&](const auto& line) { return !wanted(line); });
  if (call.query("follow") == "true") {
    return followers.add(log_of_job(job), lines, std::move(responder), wanted);
  }
  http::Response reply{200, {{"content-type", "application/x-ndjson"}}, {}};
  for (const telemetry::LogLine& line : lines) reply.body += to_json(line).dump() + "\n";
  responder.answer(std::move(reply));
}

void add_routes(std::vector<Route>& routes, const std::string& base, jobs::Jobs& jobs) {
  const auto add = [&](std::string method, const std::string& path, std::vector<std::string> query,
                       std::string help, std::function<Answer(const Call&)> make) {
    routes.push_back({std::move(method), base + path, std::move(query), std::move(help),
                      [make = std::move(make)](const Call& call, http::Responder responder) {
                        responder.answer(make(call));
                      }});
  };
  add("GET", "/jobs", {"labelSelector", "limit", "continue"}, "all jobs", [&](const Call& call) {
    Json::Array items;
    for (const jobs::Job& job : jobs.list()) {
      items.push_back(job_reply(jobs, job, parent_of(call)));
    }
    return json_reply(list_json("Job", std::move(items)));
  });
  add("POST", "/jobs", {}, "deploy a new job",
      [&](const Call& call) { return put(jobs, call, jobs::Jobs::Mode::kCreate); });
  add("GET", "/jobs/{job}", {}, "a job with its status", [&](const Call& call) {
    const auto job = jobs.get(call.path.at("job"));
    return job ? json_reply(job_reply(jobs, *job, parent_of(call))) : error_reply(job.error());
  });
  add("PUT", "/jobs/{job}", {}, "deploy over a job",
      [&](const Call& call) { return put(jobs, call, jobs::Jobs::Mode::kReplace); });
  add("DELETE", "/jobs/{job}", {"propagationPolicy"}, "delete a job with its executions",
      [&](const Call& call) {
        const Status done = jobs.remove(call.path.at("job"));
        return done ? deleted() : error_reply(done.error());
      });
  add("POST", "/jobs/{job}:run", {}, "run a job, with overrides or as it is",
      [&](const Call& call) { return run(jobs, call); });
  add("GET", "/executions", {"labelSelector", "limit", "continue"},
      "executions, newest first; labelSelector=run.googleapis.com/job=NAME",
      [&](const Call& call) { return list_executions(jobs, call); });
  add("GET", "/executions/{execution}", {}, "an execution and how far it is",
      [&](const Call& call) {
        const auto view = jobs.execution(call.path.at("execution"));
        if (!view) return error_reply(view.error());
        return json_reply(execution_json(view->execution, view->core, parent_of(call)));
      });
  add("POST", "/executions/{execution}:cancel", {}, "stop an execution", [&](const Call& call) {
    const auto view = jobs.cancel(call.path.at("execution"));
    if (!view) return error_reply(view.error());
    return json_reply(execution_json(view->execution, view->core, parent_of(call)));
  });
  add("DELETE", "/executions/{execution}", {"propagationPolicy"}, "forget an execution",
      [&](const Call& call) {
        const Status done = jobs.remove_execution(call.path.at("execution"));
        return done ? deleted() : error_reply(done.error());
      });
  add("GET", "/tasks", {"labelSelector", "limit", "continue"},
      "an execution's tasks; labelSelector=run.googleapis.com/execution=NAME",
      [&](const Call& call) { return list_tasks(jobs, call); });
}

}  // namespace

ServiceId log_of_job(const std::string& job) { return ServiceId("job." + job); }

std::vector<Route> jobs_v1_routes(jobs::Jobs& jobs, const telemetry::Logs& logs,
                                  Followers& followers) {
  std::vector<Route> routes;
  add_routes(routes, "/apis/run.googleapis.com/v1/namespaces/{namespace}", jobs);
  add_routes(routes, "/v1/projects/{project}/locations/{location}", jobs);
  routes.push_back({"GET",
                    "/thaw/v1/jobs/{job}/logs",
                    {"tail", "execution", "follow"},
                    "a job's log lines as JSON, one a line, oldest first; follow=true goes on",
                    [&](const Call& call, http::Responder responder) {
                      answer_logs(jobs, logs, followers, call, std::move(responder));
                    }});
  return routes;
}

}  // namespace thaw::api
