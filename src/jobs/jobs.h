// Jobs: what is deployed, and the executions under way: the rim around ExecutionCore.
//
// A task's attempt is an instance of its own, in the sandbox that services have. What was
// acknowledged (a job, a run, a cancel, a task's end) is in the state database; after kill -9 the
// executions go on where they were.
//
// **Thread**: the loop's. **Owner**: ports, sandbox, catalog and observer outlive it.
// **Limits**: kMostJobs jobs; kMostRunning tasks of an execution at the same time, whatever its
// parallelism; kMostUnderWay executions at the same time (kResourceExhausted).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/runtime_config.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/timers.h"
#include "jobs/catalog.h"
#include "sandbox/sandbox.h"

namespace thaw::jobs {

inline constexpr size_t kMostJobs = 1000;
inline constexpr int kMostRunning = 100;
inline constexpr size_t kMostUnderWay = 100;
/// From SIGTERM to SIGKILL, when an attempt is stopped.
inline constexpr Duration kGrace = seconds(10);

/// What an attempt's instance does, for those who want to know.
class Observer {
 public:
  enum class Severity { kInfo, kError };
  virtual void on_line(const std::string& job, const InstanceId& instance,
                       sandbox::OutputStream stream, std::string_view line) = 0;
  /// In words, for the job's log.
  virtual void on_event(const std::string& job, const InstanceId& instance, Severity severity,
                        const std::string& message) = 0;
  /// `account`: whom it speaks for, as the job's file names it; empty: the default one.
  /// It has a network of its own, and its program comes next: what it is to find there must listen
  /// when this returns. Jobs must not be called from here.
  virtual void on_network(const InstanceId& instance, const io::SocketAddress& address,
                          const std::string& account) = 0;
  virtual void on_gone(const InstanceId& instance) = 0;
  virtual void on_removed(const std::string& job) = 0;

 protected:
  ~Observer() = default;
};

class Jobs {
 public:
  struct Parts {
    io::Clock& clock;
    io::Timers& timers;
    io::Entropy& entropy;
    sandbox::Sandbox& sandbox;
    Catalog& catalog;
    Observer& observer;
    /// Of thaw.local/serve, and what every instance has in its environment.
    std::vector<std::string> serve_argv;
    std::vector<control::Variable> instance_env;
  };
  explicit Jobs(Parts parts);
  ~Jobs();

  /// Brings back what the catalog has and goes on with it. Answers what cannot be read.
  Result<std::vector<std::string>> load();
  /// Nothing is started any more; what runs is cut off and goes on after the next load().
  void stop();

  enum class Mode { kCreate, kReplace };
  /// kAlreadyExists, kNotFound.
  Result<Job> put(Job job, Mode mode);
  Result<Job> get(const std::string& name) const;
  std::vector<Job> list() const;
  /// Its executions are cancelled and forgotten.
  Status remove(const std::string& name);

  struct View {
    const Execution& execution;
    const ExecutionCore& core;
  };
  /// `request`: the body of :run, with overrides or empty.
  Result<View> run(const std::string& job, const Json& request);
  Result<View> execution(const std::string& name) const;
  /// Newest first; of one job, or of all with "".
  std::vector<View> executions(const std::string& job) const;
  Result<View> cancel(const std::string& execution);
  Status remove_execution(const std::string& name);

 private:
  class Attempt;
  struct Run;
  void carry_out(Run& run, const ExecutionCore::Actions& actions);
  void start(Run& run, int task, int attempt);
  void ended(const std::string& execution, int task, const sandbox::ExitReport& report);
  void finish(Run& run);
  void arm(Run& run);
  void forget_old(const std::string& job);
  Run* find(const std::string& name) const;
  sandbox::InstanceSpec spec_of(const Run& run, int task, int attempt) const;
  void kept(const Status& status) const;
  size_t under_way() const;

  Parts parts_;
  std::map<std::string, Job> jobs_;
  std::map<std::string, std::unique_ptr<Run>> runs_;
  int64_t last_order_ = 0;
  bool stopped_ = false;
};

}  // namespace thaw::jobs
