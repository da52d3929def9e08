// Controller: what is deployed: services, their revisions and where traffic goes.
//
// It keeps what is wanted (in a Catalog), tells serving which revisions to run and the gateway
// which host leads where (through a Listener), and learns from serving how revisions fare. A new
// revision takes traffic once it is ready; one that fails leaves the old ones serving.
// The decisions are pure functions in policy.h. It runs nothing itself.
//
// **Thread**: the loop's; every change blocks for one commit of the catalog.
// **Owner**: clock, entropy, catalog and listener outlive it.
// **Limits**: Options::most_services; most_revisions per service, beyond which the oldest without
// traffic go.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "control/catalog.h"
#include "control/policy.h"
#include "control/revision.h"
#include "control/routes.h"
#include "control/runtime_config.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "serving/events.h"
#include "serving/revision_config.h"
#include "spec/parse.h"
#include "spec/service.h"

namespace thaw::control {

/// Called inside the Controller's calls, after the change was committed. Must not call back into
/// the Controller at once.
class Listener {
 public:
  /// Run this revision, or change its bounds and reachability: serving's set_revision.
  virtual void on_run(const serving::RevisionConfig& config) = 0;
  /// Gone for good: serving's retire_revision.
  virtual void on_retire(const RevisionId& revision) = 0;
  /// The routes of one service have changed; these are all that it has, none if it was removed.
  virtual void on_routes(const ServiceId& service, const Routes& routes) = 0;
  /// The service was removed; its revisions were retired before.
  virtual void on_removed(const ServiceId&) {}

 protected:
  ~Listener() = default;
};

/// How Controller::apply treats a name that is, or is not, deployed already.
enum class ApplyMode {
  kCreate,   // kAlreadyExists when the name is taken
  kReplace,  // kNotFound when it is not deployed
  kUpsert,
};
enum class Persistence { kKeep, kDryRun };

struct Options {
  std::string base_url = "http://localhost:8080";  // a service is at http://NAME.localhost:8080
  std::vector<std::string> serve_argv;  // what runs image thaw.local/serve: our program, "serve"
  std::vector<Variable> instance_env;   // for every instance that does not set them itself
  std::string region = "local";         // label cloud.googleapis.com/location
  size_t most_services = 20'000;
  size_t most_revisions = 1000;  // per service
};

struct LoadReport {
  size_t services = 0;
  size_t revisions = 0;
  std::vector<std::string> unreadable;  // one sentence each; also logged
};

class Controller {
 public:
  Controller(io::Clock& clock, io::Entropy& entropy, Catalog& catalog, Listener& listener,
             Options options);

  /// Brings back everything that was deployed. Call once, first. Revisions that were ready are
  /// not tried out again.
  Result<LoadReport> load();

  /// Deploys. `service` may be incomplete (defaults are filled in); its status is ignored.
  /// A new revision is made when the template differs from the latest revision's, or when that
  /// one failed. Returns the service as get() would.
  /// kInvalidArgument: against the contract's rules (`violations` names the fields).
  /// kAborted: metadata.resource_version is not the current one; read again and repeat.
  /// kAlreadyExists, kNotFound: see ApplyMode; also a taken revision name.
  /// kResourceExhausted: most_services. Errors of the catalog: nothing was changed.
  Result<spec::Service> apply(spec::Service service, ApplyMode mode,
                              Persistence persistence = Persistence::kKeep,
                              std::vector<spec::FieldViolation>* violations = nullptr);

  /// With status filled in; kNotFound names the nearest service.
  Result<spec::Service> get(const ServiceId& service) const;
  std::vector<spec::Service> list() const;  // by name
  /// The name leads nowhere at once; requests under way finish, then its instances stop.
  Status remove(const ServiceId& service);

  Result<Revision> revision(const RevisionId& revision) const;
  /// Newest first; of all services (by name) when `service` is empty.
  std::vector<Revision> revisions(const ServiceId& service = {}) const;
  /// kFailedPrecondition while traffic or a tag leads to it, or when it is the latest.
  Status remove_revision(const RevisionId& revision);
  Traffic traffic_of(const RevisionId& revision) const;

  /// From serving's Observer. Unknown revisions are ignored.
  void on_revision_state(const RevisionId& revision, const serving::RevisionState& state);

  /// Of all services, by name and tag.
  Routes routes() const;

 private:
  /// What serving was told last of a revision.
  struct Told {
    Bounds bounds;
    serving::Reachability reachability;

    bool operator==(const Told&) const = default;
  };
  struct Entry {
    ServiceRecord record;
    RevisionTable revisions;
    std::map<int64_t, Told> told;  // by revision number
    Routes routes;                 // as the listener was told
  };

  Result<Entry> next_entry(spec::Service service, const Entry* old);
  Status check_mode(const spec::Service& service, ApplyMode mode, const Entry* old) const;
  Result<bool> needs_revision(const spec::Service& service, const Entry* old) const;
  Status add_revision(Entry& entry);
  RevisionId free_revision_name(const ServiceId& service, int64_t number);
  Status check_traffic(const Entry& entry, std::vector<spec::FieldViolation>* violations) const;
  std::vector<RevisionId> trim(Entry& entry) const;
  void refresh(Entry& entry) const;
  Told wanted_of(const Entry& entry, const Revision& revision) const;
  void tell(Entry& entry);
  void tell_those(Entry& entry, serving::Reachability which);
  void publish_routes(Entry& entry);
  void install(const ServiceId& service, Entry entry, const std::vector<RevisionId>& dropped);
  spec::Service shown(const Entry& entry) const;
  WallTime now() const { return clock_.wall_now(); }

  io::Clock& clock_;
  io::Entropy& entropy_;
  Catalog& catalog_;
  Listener& listener_;
  Options options_;
  std::map<ServiceId, Entry> entries_;
  std::map<RevisionId, ServiceId> owners_;
  int64_t last_version_ = 0;  // of resource versions
};

}  // namespace thaw::control
