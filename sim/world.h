// World: one simulated run: real control and serving, simulated containers, callers and clock.
//
// Ten minutes of deploys, redeploys, deletes, traffic of several kinds, faults and perhaps a
// kill -9; then everything is well again and progress is demanded: a good version of each service
// becomes ready and answers, then everything goes to zero and no timer is left.
//
// **Thread**: one. **Owner**: none. **Limits**: about 3000 requests a run.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "caller.h"
#include "checks.h"
#include "control/control.h"
#include "journal.h"
#include "memory_catalog.h"
#include "random.h"
#include "serving/serving.h"
#include "sim_loop.h"
#include "sim_sandbox.h"
#include "turns.h"

namespace thaw::sim {

struct WorldOptions {
  uint64_t seed = 1;
  Journal::Print print = Journal::Print::kNo;
  Mutation mutation = Mutation::kNone;
};

struct Outcome {
  std::vector<std::string> violations;
  uint64_t hash = 0;
  uint64_t steps = 0;
  int instances = 0;
  std::map<int, int> answers;  // by status; 0: gave up
};

class World final : private control::Listener, private serving::Observer {
 public:
  explicit World(const WorldOptions& options);
  ~World();

  Outcome run();

 private:
  enum class Health { kDrawn, kGood };
  struct Shape {
    int concurrency = 1;
    int max_instances = 1;
    int min_instances = 0;
    int service_max = 0;  // 0: not given
    serving::CpuAllocation cpu = serving::CpuAllocation::kRequestBased;
    int probe_periods = 0;  // of 10 s; 0: the default probe
    int live_periods = 0;   // of 1 to 10 s; 0: no liveness probe
    int ready_periods = 0;  // likewise, readiness
    Duration slowest_request{0};
  };

  // The plot (world.cc).
  void plan();
  void plan_traffic(const std::string& service, Instant from, Instant until);
  void heal_and_demand_progress();
  void demand_zero_and_end();

  // Acts (world.cc).
  void build();
  void deploy(const std::string& service, Health health);
  void remove(const std::string& service);
  void split_traffic(const std::string& service);
  void kill_and_restart();
  void request(const std::string& service);
  Caller* start_caller(const RevisionId& revision, Duration handling);
  std::optional<RevisionId> choose(const std::string& service);
  void at(Instant when, std::function<void()> act);
  template <class Work>
  void call(Work work) {
    ++inside_call_;
    work();
    --inside_call_;
  }
  void not_inside(std::string_view what);

  // control::Listener
  void on_run(const serving::RevisionConfig& config) override;
  void on_retire(const RevisionId& revision) override;
  void on_routes(const ServiceId& service, const control::Routes& routes) override {
    routes_[service.str()] = routes;
  }

  // serving::Observer
  void on_output(const serving::InstanceStatus&, sandbox::OutputStream, std::string_view) override {
  }
  void on_event(const serving::InstanceEvent& event) override;
  void on_start(const serving::StartRecord& record) override;
  void on_billable(const serving::BillableSpan& span) override;
  void on_revision_state(const RevisionId& revision, const serving::RevisionState& state) override;
  void on_instance_network(const serving::InstanceStatus&, const io::SocketAddress&) override {}
  void on_instance_frozen(const InstanceId& instance) override;
  void on_instance_gone(const InstanceId& instance) override;

  WorldOptions options_;
  Random random_;
  SimLoop loop_{random_};
  Journal journal_;
  serving::Serving::Options serving_options_;
  Checks checks_;
  Turns turns_{loop_, journal_};
  SimSandbox sandbox_;
  SimProber prober_;
  MemoryCatalog catalog_;
  std::unique_ptr<serving::Serving> serving_;
  std::unique_ptr<control::Controller> controller_;
  std::map<std::string, control::Routes> routes_;  // by service
  std::map<std::string, Shape> shapes_;
  std::vector<std::unique_ptr<Caller>> callers_;
  std::vector<io::Timer> acts_;
  Duration idle_bound_{0};  // after that an instance without a request is gone
  int inside_call_ = 0;
  int behaviours_ = 0;
  int bills_ = 0;
  int instances_ = 0;
};

}  // namespace thaw::sim
