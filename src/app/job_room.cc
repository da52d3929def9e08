#include "app/job_room.h"

#include "api/jobs_v1.h"
#include "base/log.h"

namespace thaw::app {
namespace {

/// "JOB-abcde" of "JOB-abcde-0-0-wxyz": an execution stands where a service's revision does.
RevisionId execution_of(const InstanceId& instance) {
  std::string name = instance.str();
  for (int part = 0; part < 3; ++part) name.resize(std::min(name.size(), name.rfind('-')));
  return RevisionId(name);
}

}  // namespace

JobRoom::JobRoom(const Parts& parts)
    : loop_(parts.loop),
      logs_(parts.logs),
      doors_(parts.doors),
      catalog_(parts.database),
      jobs_({.clock = parts.loop,
             .timers = parts.loop,
             .entropy = parts.entropy,
             .sandbox = parts.sandbox,
             .catalog = catalog_,
             .observer = *this,
             .serve_argv = parts.serve_argv,
             .instance_env = {{"STORAGE_EMULATOR_HOST", parts.object_store}}}) {}

Status JobRoom::load() {
  ASSIGN_OR_RETURN(const std::vector<std::string> unreadable, jobs_.load());
  for (const std::string& text : unreadable) log_error(text);
  return {};
}

void JobRoom::on_line(const std::string& job, const InstanceId& instance,
                      sandbox::OutputStream stream, std::string_view line) {
  telemetry::LogLine log = telemetry::line_of_output(
      line, stream == sandbox::OutputStream::kStdout ? telemetry::LogLine::Stream::kStdout
                                                     : telemetry::LogLine::Stream::kStderr);
  log.time = loop_.wall_now();
  log.service = api::log_of_job(job);
  log.revision = execution_of(instance);
  log.instance = instance;
  logs_.append(log);
}

void JobRoom::on_event(const std::string& job, const InstanceId& instance, Severity severity,
                       const std::string& message) {
  logs_.append({.time = loop_.wall_now(),
                .severity = severity == Severity::kError ? "ERROR" : "INFO",
                .service = api::log_of_job(job),
                .revision = instance.empty() ? RevisionId() : execution_of(instance),
                .instance = instance,
                .stream = telemetry::LogLine::Stream::kPlatform,
                .message = message});
  log_info(message, {{"job", job}});
}

void JobRoom::on_network(const InstanceId& instance, const io::SocketAddress& address,
                         const std::string& account) {
  doors_.open(instance, address, account);
}
void JobRoom::on_gone(const InstanceId& instance) { doors_.close(instance); }
void JobRoom::on_removed(const std::string& job) { logs_.remove(api::log_of_job(job)); }

}  // namespace thaw::app
