// JobRoom: jobs put together: their table, their runs, where their lines and doors go.
//
// **Thread**: the loop's. **Owner**: everything given outlives it. **Limits**: those of
// jobs/jobs.h.
#pragma once

#include <string>
#include <vector>

#include "app/instance_doors.h"
#include "jobs/jobs.h"
#include "telemetry/logs.h"

namespace thaw::app {

class JobRoom final : private jobs::Observer {
 public:
  struct Parts {
    io::Loop& loop;
    io::Entropy& entropy;
    sandbox::Sandbox& sandbox;
    store::Database& database;
    telemetry::Logs& logs;
    InstanceDoors& doors;
    std::vector<std::string> serve_argv;
    std::string object_store;  // where instances reach it
  };
  explicit JobRoom(const Parts& parts);

  /// Brings back what was deployed and goes on with what was under way.
  Status load();
  void stop() { jobs_.stop(); }
  jobs::Jobs& jobs() { return jobs_; }

 private:
  void on_line(const std::string& job, const InstanceId& instance, sandbox::OutputStream stream,
               std::string_view line) override;
  void on_event(const std::string& job, const InstanceId& instance, Severity severity,
                const std::string& message) override;
  void on_network(const InstanceId& instance, const io::SocketAddress& address,
                  const std::string& account) override;
  void on_gone(const InstanceId& instance) override;
  void on_removed(const std::string& job) override;

  io::Loop& loop_;
  telemetry::Logs& logs_;
  InstanceDoors& doors_;
  jobs::Catalog catalog_;
  jobs::Jobs jobs_;
};

}  // namespace thaw::app
