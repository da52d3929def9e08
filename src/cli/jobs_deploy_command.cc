// `thaw jobs deploy FILE` and `thaw jobs deploy NAME`.
#include <fmt/format.h>

#include "cli/api.h"
#include "cli/flag_values.h"
#include "cli/jobs_handlers.h"
#include "spec/documents.h"

namespace thaw::cli {
namespace {

constexpr ByteCount kLargestFile = mib(1);

bool is_file(std::string_view argument) {
  return argument == "-" || argument.find_first_of("./") != std::string_view::npos;
}

Outcome<Json> job_of_file(const Context& context, const std::string& file) {
  auto text = file == "-" ? context.terminal.read_input(kLargestFile)
                          : context.ports.disk().read_file(file, kLargestFile);
  if (!text) return Failure(ExitCode::kFailed, std::move(text).error());
  ASSIGN_OR_RETURN(const auto documents,
                   spec::read_documents(*text, file == "-" ? "standard input" : file));
  if (documents.size() != 1) {
    return Failure(
        Error(Code::kInvalidArgument,
              fmt::format("{}: {} documents; a job's file has one", file, documents.size())));
  }
  Json job = spec::node_to_json(documents[0]);
  if (job.string_or("kind") == "Job") return job;
  return Failure(Error(Code::kInvalidArgument, file + ": kind: 'Job' is wanted"));
}

Json strings(std::string_view list) {
  Json all = Json::array();
  for (const std::string_view each : split(list, ',')) all.push_back(each);
  return all;
}

/// KEY=VALUE,KEY=VALUE over what is there.
Outcome<Json> variables(const Words& words, const Json& before) {
  Json env = before.is_array() ? before : Json::array();
  for (const std::string_view list : words.values("set-env-vars")) {
    for (const std::string_view pair : split(list, ',')) {
      const size_t equals = pair.find('=');
      if (equals == 0 || equals == std::string_view::npos) {
        return usage_failure(fmt::format("--set-env-vars {}: KEY=VALUE is wanted", pair));
      }
      const std::string name(pair.substr(0, equals));
      std::erase_if(env.as_array(),
                    [&](const Json& each) { return each.string_or("name") == name; });
      env.push_back(Json::object({{"name", name}, {"value", pair.substr(equals + 1)}}));
    }
  }
  return env;
}

/// The job as it is, or an empty one, with the flags over it.
Outcome<Json> job_of_flags(const Words& words, const std::string& name, const Json& before) {
  Json execution = before["spec"]["template"]["spec"];
  Json task = execution["template"]["spec"];
  Json container = task["containers"].is_array() && !task["containers"].as_array().empty()
                       ? task["containers"].as_array()[0]
                       : Json::object();
  if (const auto image = words.value("image")) container.set("image", *image);
  if (container["image"].is_null()) container.set("image", "thaw.local/host");
  if (const auto command = words.value("command")) container.set("command", strings(*command));
  if (const auto args = words.value("args")) container.set("args", strings(*args));
  ASSIGN_OR_RETURN(Json env, variables(words, container["env"]));
  if (!env.as_array().empty()) container.set("env", std::move(env));
  Json limits = container["resources"]["limits"];
  if (const auto memory = words.value("memory")) limits.set("memory", *memory);
  if (const auto cpu = words.value("cpu")) limits.set("cpu", *cpu);
  if (!limits.is_null()) container.set("resources", Json::object({{"limits", limits}}));
  ASSIGN_OR_RETURN(const auto tasks, words.integer("tasks", {1, 10'000}));
  ASSIGN_OR_RETURN(const auto parallelism, words.integer("parallelism", {0, 10'000}));
  ASSIGN_OR_RETURN(const auto retries, words.integer("max-retries", {0, 10}));
  ASSIGN_OR_RETURN(const auto timeout, words.duration("task-timeout"));
  if (tasks) execution.set("taskCount", *tasks);
  if (parallelism) execution.set("parallelism", *parallelism);
  if (retries) task.set("maxRetries", *retries);
  if (timeout) {
    task.set("timeoutSeconds", std::to_string(static_cast<int64_t>(to_seconds(*timeout))));
  }
  task.set("containers", Json(Json::Array{container}));
  execution.set("template", Json::object({{"spec", task}}));
  return Json::object(
      {{"apiVersion", "run.googleapis.com/v1"},
       {"kind", "Job"},
       {"metadata", Json::object({{"name", name}})},
       {"spec", Json::object({{"template", Json::object({{"spec", execution}})}})}});
}

}  // namespace

Outcome<ExitCode> jobs_deploy_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  const std::string argument(words.arguments()[0]);
  Json job;
  std::string name = argument;
  if (is_file(argument)) {
    ASSIGN_OR_RETURN(job, job_of_file(context, argument));
    name = job["metadata"].string_or("name");
  }
  const auto known = api.get(jobs_path(name));
  if (!known && known.error().exit != ExitCode::kNotFound) return known.error();
  if (job.is_null()) {
    ASSIGN_OR_RETURN(job, job_of_flags(words, name, known ? *known : Json()));
  }
  ASSIGN_OR_RETURN(const Json stored,
                   known ? api.put(jobs_path(name), job) : api.post(jobs_path(), job));
  if (context.json()) return context.print_json(stored);
  return context.print(fmt::format("Job [{}] has been {}; run it with 'thaw jobs run {}'.\n", name,
                                   known ? "changed" : "deployed", name));
}

}  // namespace thaw::cli
