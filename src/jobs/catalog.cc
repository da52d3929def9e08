#include "jobs/catalog.h"

#include <fmt/format.h>

namespace thaw::jobs {
namespace {

Json rest_of(const Execution& execution, const ExecutionCore& core) {
  const Json kept = core.to_json();
  Json json = Json::object({{"job", execution.job},
                            {"uid", execution.uid},
                            {"created", format_rfc3339(execution.created)},
                            {"of", to_store(execution.of)},
                            {"fault", kept["fault"]},
                            {"cancelled", kept["cancelled"]}});
  if (execution.completed) json.set("completed", format_rfc3339(*execution.completed));
  return json;
}

}  // namespace

Status Catalog::put(const Job& job) {
  return database_.query("INSERT OR REPLACE INTO jobs(name, job) VALUES(?,?)")
      .bind(job.name)
      .bind(to_store(job).dump())
      .run();
}

Status Catalog::remove(const std::string& job) {
  RETURN_IF_ERROR(
      database_
          .query("DELETE FROM job_tasks WHERE execution IN (SELECT name FROM job_executions "
                 "WHERE job=?)")
          .bind(job)
          .run());
  RETURN_IF_ERROR(database_.query("DELETE FROM job_executions WHERE job=?").bind(job).run());
  return database_.query("DELETE FROM jobs WHERE name=?").bind(job).run();
}

Status Catalog::put(const Execution& execution, const ExecutionCore& core) {
  return database_
      .query(
          "INSERT INTO job_executions(name, job, execution) VALUES(?,?,?) "
          "ON CONFLICT(name) DO UPDATE SET execution=excluded.execution")
      .bind(execution.name)
      .bind(execution.job)
      .bind(rest_of(execution, core).dump())
      .run();
}

Status Catalog::put_task(const Execution& execution, const ExecutionCore& core, int task) {
  const Json kept = core.task_json(task);
  return database_
      .query("INSERT OR REPLACE INTO job_tasks(execution, task, state, attempt) VALUES(?,?,?,?)")
      .bind(execution.name)
      .bind(int64_t{task})
      .bind(kept.string_or("state"))
      .bind(kept.int_or("attempt", 0))
      .run();
}

Status Catalog::remove_execution(const std::string& name) {
  RETURN_IF_ERROR(database_.query("DELETE FROM job_tasks WHERE execution=?").bind(name).run());
  return database_.query("DELETE FROM job_executions WHERE name=?").bind(name).run();
}

Result<std::vector<Job>> Catalog::jobs(std::vector<std::string>& unreadable) {
  std::vector<Job> all;
  store::Query rows = database_.query("SELECT name, job FROM jobs ORDER BY name");
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.next());
    if (!row) return all;
    const auto json = Json::parse(rows.text(1));
    auto job = json ? job_from_store(*json) : Result<Job>(json.error());
    if (job) {
      all.push_back(*std::move(job));
    } else {
      unreadable.push_back(fmt::format("{}: job '{}' cannot be read and is left out: {}",
                                       database_.path(), rows.text(0), job.error().message()));
    }
  }
}

Result<std::vector<StoredExecution>> Catalog::executions(std::vector<std::string>& unreadable) {
  std::vector<StoredExecution> all;
  store::Query rows = database_.query("SELECT name, execution FROM job_executions ORDER BY number");
  const auto read = [&](const std::string& name, const Json& json) -> Result<StoredExecution> {
    ASSIGN_OR_RETURN(Job of, job_from_store(json["of"]));
    Execution execution{.name = name, .job = json.string_or("job"), .uid = json.string_or("uid")};
    execution.created = parse_rfc3339(json.string_or("created")).value_or(WallTime{});
    execution.completed = parse_rfc3339(json.string_or("completed"));
    execution.of = std::move(of);
    Json tasks = ExecutionCore(execution.of.settings).to_json()["tasks"];
    store::Query states =
        database_.query("SELECT task, state, attempt FROM job_tasks WHERE execution=?");
    states.bind(name);
    while (true) {
      ASSIGN_OR_RETURN(const bool more, states.next());
      if (!more) break;
      const auto at = static_cast<size_t>(states.integer(0));
      if (at >= tasks.as_array().size()) return Error(Code::kDataLoss, "a task too many");
      tasks.as_array()[at] =
          Json::object({{"state", states.text(1)}, {"attempt", states.integer(2)}});
    }
    const Json kept = Json::object(
        {{"tasks", tasks}, {"fault", json["fault"]}, {"cancelled", json["cancelled"]}});
    ASSIGN_OR_RETURN(ExecutionCore core, ExecutionCore::from_json(execution.of.settings, kept));
    return StoredExecution{std::move(execution), std::move(core)};
  };
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.next());
    if (!row) return all;
    const std::string name(rows.text(0));
    const auto json = Json::parse(rows.text(1));
    auto stored = json ? read(name, *json) : Result<StoredExecution>(json.error());
    if (stored) {
      all.push_back(*std::move(stored));
    } else {
      unreadable.push_back(fmt::format("{}: execution '{}' cannot be read and is left out: {}",
                                       database_.path(), name, stored.error().message()));
    }
  }
}

}  // namespace thaw::jobs
