#include "control/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/nearest.h"
#include "spec/defaults.h"
#include "spec/emit.h"

namespace thaw::control {
namespace {

using serving::Reachability;
using Ready = serving::RevisionState::Ready;

constexpr std::string_view kLocationLabel = "cloud.googleapis.com/location";
constexpr int kSuffixLength = 3;

// " (did you mean 'demo'?)" or nothing.
template <class Map>
std::string suggestion(std::string_view word, const Map& names) {
  std::vector<std::string_view> candidates;
  for (const auto& [name, value] : names) candidates.push_back(name.str());
  const auto near = nearest(word, candidates);
  return near ? fmt::format(" (did you mean '{}'?)", *near) : std::string();
}

Error fault(std::string path, std::string description,
            std::vector<spec::FieldViolation>* violations) {
  Error error(Code::kInvalidArgument, path + ": " + description);
  if (violations) violations->push_back({std::move(path), 0, 0, std::move(description)});
  return error;
}

// Whether anything that a client decides differs.
bool same_wanted(const spec::Service& a, const spec::Service& b) {
  return a.kind == b.kind && a.scaling == b.scaling && a.description == b.description &&
         a.template_ == b.template_ && a.traffic == b.traffic &&
         a.metadata.labels == b.metadata.labels && a.metadata.annotations == b.metadata.annotations;
}

// Forgets where traffic went when one of those revisions could not be read.
void drop_lost_traffic(spec::Service& service, const RevisionTable& revisions) {
  std::vector<spec::TrafficTarget>& assigned = service.status.traffic;
  const bool lost = std::any_of(assigned.begin(), assigned.end(), [&](const auto& target) {
    return find_revision(revisions, target.revision_name) == nullptr;
  });
  if (lost) assigned.clear();
}

}  // namespace

Controller::Controller(io::Clock& clock, io::Entropy& entropy, Catalog& catalog, Listener& listener,
                       Options options)
    : clock_(clock),
      entropy_(entropy),
      catalog_(catalog),
      listener_(listener),
      options_(std::move(options)) {}

Result<LoadReport> Controller::load() {
  CHECK(entries_.empty(), "load() comes first");
  ASSIGN_OR_RETURN(Contents contents, catalog_.load());
  LoadReport report;
  for (ServiceRecord& record : contents.services) {
    const ServiceId id(record.service.metadata.name);
    entries_[id].record = std::move(record);
  }
  for (Revision& revision : contents.revisions) {
    const auto entry = entries_.find(revision.service);
    if (entry == entries_.end()) continue;
    owners_.emplace(revision.name, revision.service);
    ++report.revisions;
    const int64_t number = revision.number;
    // What went wrong later belonged to the run that has ended.
    if (revision.was_ready) revision.state = {Ready::kTrue, "", ""};
    entry->second.revisions.emplace(number, std::move(revision));
  }
  report.services = entries_.size();
  report.unreadable = std::move(contents.unreadable);
  for (const std::string& text : report.unreadable) log_error(text);
  for (auto& [id, entry] : entries_) {
    drop_lost_traffic(entry.record.service, entry.revisions);
    refresh(entry);
    tell_those(entry, Reachability::kReachable);
    publish_routes(entry);
  }
  return report;
}

Result<spec::Service> Controller::apply(spec::Service service, ApplyMode mode,
                                        Persistence persistence,
                                        std::vector<spec::FieldViolation>* violations) {
  spec::apply_defaults(service);
  RETURN_IF_ERROR(spec::validate(service, violations));
  const ServiceId id(service.metadata.name);
  const auto found = entries_.find(id);
  const Entry* old = found == entries_.end() ? nullptr : &found->second;
  RETURN_IF_ERROR(check_mode(service, mode, old));
  ASSIGN_OR_RETURN(Entry entry, next_entry(std::move(service), old));
  RETURN_IF_ERROR(check_traffic(entry, violations));
  refresh(entry);
  if (persistence == Persistence::kDryRun) return shown(entry);

  Change change;
  change.writes = old ? Change::Writes::kUpdate : Change::Writes::kNewService;
  const Revision* latest = latest_created(entry.revisions);
  const bool is_new = old == nullptr || !old->revisions.contains(latest->number);
  if (is_new) change.put_revisions.push_back(*latest);
  change.drop_revisions = trim(entry);
  change.put_service = entry.record;
  RETURN_IF_ERROR(catalog_.commit(change));
  install(id, std::move(entry), change.drop_revisions);
  return shown(entries_.at(id));
}

Status Controller::check_mode(const spec::Service& service, ApplyMode mode,
                              const Entry* old) const {
  const spec::Metadata& given = service.metadata;
  if (old == nullptr) {
    if (mode == ApplyMode::kReplace) {
      return Error(Code::kNotFound, fmt::format("service '{}' is not deployed{}", given.name,
                                                suggestion(given.name, entries_)));
    }
    if (entries_.size() >= options_.most_services) {
      return Error(Code::kResourceExhausted,
                   fmt::format("service '{}': {} services are deployed, which is the most; delete "
                               "one first",
                               given.name, entries_.size()));
    }
    return {};
  }
  if (old->record.service.kind != service.kind) {
    return Error(
        Code::kAlreadyExists,
        fmt::format("'{}' is the name of a {} already; choose another one", given.name,
                    service.kind == spec::ServiceKind::kService ? "worker pool" : "service"));
  }
  const spec::Metadata& now = old->record.service.metadata;
  if (mode == ApplyMode::kCreate) {
    return Error(Code::kAlreadyExists,
                 fmt::format("service '{}' is deployed already; replace it instead", given.name));
  }
  if (!given.resource_version.empty() && given.resource_version != now.resource_version) {
    return Error(Code::kAborted,
                 fmt::format("service '{}' was changed since it was read (resourceVersion {}, now "
                             "{}); read it again and repeat the change",
                             given.name, given.resource_version, now.resource_version));
  }
  if (!given.uid.empty() && given.uid != now.uid) {
    return Error(Code::kAborted,
                 fmt::format("service '{}' was deleted and deployed anew since it was read (uid "
                             "{}, now {}); read it again and repeat the change",
                             given.name, given.uid, now.uid));
  }
  return {};
}

Result<Controller::Entry> Controller::next_entry(spec::Service service, const Entry* old) {
  ASSIGN_OR_RETURN(const bool needs, needs_revision(service, old));
  spec::Metadata& metadata = service.metadata;
  if (!options_.region.empty()) {
    metadata.labels[std::string(kLocationLabel)] = options_.region;
  }
  Entry entry;
  bool changed = true;
  if (old != nullptr) {
    const spec::Service& before = old->record.service;
    metadata.uid = before.metadata.uid;
    metadata.creation_timestamp = before.metadata.creation_timestamp;
    metadata.generation = before.metadata.generation;
    metadata.resource_version = before.metadata.resource_version;
    service.status = before.status;
    changed = needs || !same_wanted(before, service);
    entry = *old;
  } else {
    metadata.uid = uuid_of(entropy_.next(), entropy_.next());
    metadata.creation_timestamp = now();
    metadata.generation = 0;
    service.status = {};
  }
  metadata.kept = {};
  if (changed) {
    ++metadata.generation;
    const int64_t micros = now().time_since_epoch() / std::chrono::microseconds(1);
    last_version_ = std::max(last_version_ + 1, micros);
    metadata.resource_version = std::to_string(last_version_);
  }
  entry.record.service = std::move(service);
  if (needs) RETURN_IF_ERROR(add_revision(entry));
  return entry;
}

// True when the template differs from the latest revision's, or that one never came up.
Result<bool> Controller::needs_revision(const spec::Service& service, const Entry* old) const {
  const std::string& name = service.template_.metadata.name;
  const Revision* latest = old ? latest_created(old->revisions) : nullptr;
  if (latest != nullptr && !latest->failed()) {
    spec::RevisionTemplate known = latest->template_;
    if (name.empty() || name == latest->name.str()) known.metadata.name = name;
    if (spec::template_equal(known, service.template_)) return false;
  }
  if (name.empty() || !owners_.contains(RevisionId(name))) return true;
  return Error(
      Code::kAlreadyExists,
      fmt::format(
          "spec.template.metadata.name: revision '{}' exists already{}; choose "
          "another name, or leave it out to get one",
          name, latest && latest->name.str() == name && latest->failed() ? " and has failed" : ""));
}

Status Controller::add_revision(Entry& entry) {
  const spec::Service& service = entry.record.service;
  Revision revision;
  revision.service = ServiceId(service.metadata.name);
  revision.number = entry.record.next_revision_number++;
  const std::string& own = service.template_.metadata.name;
  revision.name =
      own.empty() ? free_revision_name(revision.service, revision.number) : RevisionId(own);
  revision.uid = uuid_of(entropy_.next(), entropy_.next());
  revision.service_generation = service.metadata.generation;
  revision.created = now();
  revision.state_since = revision.created;
  revision.template_ = service.template_;
  // Where none may run there is nothing to try out.
  if (trial_of(revision.template_) == Trial::kNone || service.scaling.manual_instances == 0) {
    revision.was_ready = true;
    revision.state = {Ready::kTrue, "HealthCheckSkipped", ""};
  }
  const int64_t number = revision.number;
  entry.revisions.emplace(number, std::move(revision));
  return {};
}

RevisionId Controller::free_revision_name(const ServiceId& service, int64_t number) {
  while (true) {
    RevisionId name(revision_name(service.str(), number, entropy_.name(kSuffixLength)));
    if (!owners_.contains(name)) return name;
  }
}

Status Controller::check_traffic(const Entry& entry,
                                 std::vector<spec::FieldViolation>* violations) const {
  const auto& traffic = entry.record.service.traffic;
  for (size_t i = 0; i < traffic.size(); ++i) {
    const std::string& name = traffic[i].revision_name;
    if (traffic[i].latest_revision || find_revision(entry.revisions, name)) continue;
    std::map<RevisionId, int> known;
    for (const auto& [number, revision] : entry.revisions) known.emplace(revision.name, 0);
    return fault(fmt::format("spec.traffic[{}].revisionName", i),
                 fmt::format("service '{}' has no revision '{}'{}",
                             entry.record.service.metadata.name, name, suggestion(name, known)),
                 violations);
  }
  return {};
}

// The oldest beyond the limit that nothing leads to.
std::vector<RevisionId> Controller::trim(Entry& entry) const {
  std::vector<RevisionId> dropped;
  const Revision* ready = latest_ready(entry.revisions);
  const int64_t ready_number = ready ? ready->number : 0;
  const int64_t last = entry.revisions.rbegin()->first;
  for (auto it = entry.revisions.begin();
       it != entry.revisions.end() && entry.revisions.size() > options_.most_revisions;) {
    const RevisionId& name = it->second.name;
    const bool used = share_of(name, entry.record.service.status.traffic) ||
                      share_of(name, entry.record.service.traffic);
    if (used || it->first == ready_number || it->first == last) {
      ++it;
      continue;
    }
    dropped.push_back(name);
    it = entry.revisions.erase(it);
  }
  return dropped;
}

void Controller::refresh(Entry& entry) const {
  spec::Service& service = entry.record.service;
  spec::ServiceStatus& status = service.status;
  TrafficDecision traffic = decide_traffic(service.traffic, entry.revisions);
  if (traffic.assigned) status.traffic = *traffic.assigned;
  status.conditions = service_conditions(entry.revisions, traffic, status.conditions, now());
  const Revision* created = latest_created(entry.revisions);
  const Revision* ready = latest_ready(entry.revisions);
  status.latest_created_revision_name = created ? created->name.str() : "";
  status.latest_ready_revision_name = ready ? ready->name.str() : "";
  status.observed_generation = service.metadata.generation;
}

spec::Service Controller::shown(const Entry& entry) const {
  spec::Service service = entry.record.service;
  if (service.kind == spec::ServiceKind::kWorkerPool) return service;
  const std::string& name = service.metadata.name;
  service.status.url = service_url(options_.base_url, name, "");
  for (spec::TrafficTarget& target : service.status.traffic) {
    if (!target.tag.empty()) target.url = service_url(options_.base_url, name, target.tag);
  }
  return service;
}

Result<spec::Service> Controller::get(const ServiceId& service) const {
  const auto found = entries_.find(service);
  if (found == entries_.end()) {
    return Error(Code::kNotFound, fmt::format("service '{}' is not deployed{}", service.str(),
                                              suggestion(service.str(), entries_)));
  }
  return shown(found->second);
}

std::vector<spec::Service> Controller::list() const {
  std::vector<spec::Service> all;
  for (const auto& [id, entry] : entries_) all.push_back(shown(entry));
  return all;
}

Status Controller::remove(const ServiceId& service) {
  RETURN_IF_ERROR(get(service));
  Change change;
  change.drop_service = service;
  RETURN_IF_ERROR(catalog_.commit(change));
  const Entry entry = std::move(entries_.at(service));
  entries_.erase(service);
  if (!entry.routes.empty()) listener_.on_routes(service, {});
  for (const auto& [number, revision] : entry.revisions) {
    owners_.erase(revision.name);
    if (entry.told.contains(number)) listener_.on_retire(revision.name);
  }
  listener_.on_removed(service);
  return {};
}

Result<Revision> Controller::revision(const RevisionId& revision) const {
  const auto owner = owners_.find(revision);
  if (owner == owners_.end()) {
    return Error(Code::kNotFound, fmt::format("there is no revision '{}'{}", revision.str(),
                                              suggestion(revision.str(), owners_)));
  }
  return *find_revision(entries_.at(owner->second).revisions, revision.str());
}

std::vector<Revision> Controller::revisions(const ServiceId& service) const {
  std::vector<Revision> all;
  for (const auto& [id, entry] : entries_) {
    if (!service.empty() && id != service) continue;
    for (auto it = entry.revisions.rbegin(); it != entry.revisions.rend(); ++it) {
      all.push_back(it->second);
    }
  }
  return all;
}

Traffic Controller::traffic_of(const RevisionId& revision) const {
  const auto owner = owners_.find(revision);
  if (owner == owners_.end()) return Traffic::kNone;
  const spec::Service& service = entries_.at(owner->second).record.service;
  return share_of(revision, service.status.traffic) ? Traffic::kSome : Traffic::kNone;
}

Status Controller::remove_revision(const RevisionId& revision) {
  RETURN_IF_ERROR(this->revision(revision));
  const ServiceId id = owners_.at(revision);
  Entry& entry = entries_.at(id);
  const spec::Service& service = entry.record.service;
  if (share_of(revision, service.status.traffic) || share_of(revision, service.traffic)) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("revision '{}' has traffic or a tag; move the traffic of service "
                             "'{}' to another revision first",
                             revision.str(), id.str()));
  }
  const Revision* latest = latest_created(entry.revisions);
  if (latest->name == revision) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("revision '{}' is the latest of service '{}'; deploy another one "
                             "first, or delete the service",
                             revision.str(), id.str()));
  }
  const int64_t number = find_revision(entry.revisions, revision.str())->number;
  Change change;
  change.drop_revisions.push_back(revision);
  RETURN_IF_ERROR(catalog_.commit(change));
  entry.revisions.erase(number);
  owners_.erase(revision);
  refresh(entry);
  if (entry.told.erase(number) > 0) listener_.on_retire(revision);
  return {};
}

}  // namespace thaw::control
