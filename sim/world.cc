#include "world.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "spec/settings.h"

namespace thaw::sim {
namespace {

constexpr Duration kTrouble = std::chrono::minutes(10);
constexpr Duration kRequestTimeout = std::chrono::minutes(5);

Duration draw_idle(Random& random) {
  return random.one_of({seconds(60), seconds(60), seconds(5), seconds(0.5)});
}

/// One makes most requests, three others some each.
serving::CallerId draw_caller(size_t number) {
  Random apart(number);  // so that a seed's story stays what it was
  return {apart.chance(0.8) ? 1 : 2 + static_cast<uint64_t>(apart.below(3))};
}

}  // namespace

World::World(const WorldOptions& options)
    : options_(options),
      random_(options.seed),
      journal_(loop_, options.print),
      checks_(loop_, journal_,
              serving_options_.autoscaler.scale_to_zero_after = draw_idle(random_)),
      sandbox_(loop_, random_, journal_, checks_),
      prober_(loop_, sandbox_) {
  auto& autoscaler = serving_options_.autoscaler;
  if (random_.chance(0.25)) {
    const Duration idle = autoscaler.scale_to_zero_after;
    autoscaler = scaling::knative_defaults();
    autoscaler.scale_to_zero_after = idle;
  }
  if (random_.chance(0.2)) serving_options_.longest_queue = 20;
  // Drawn apart, so that a seed's story stays what it was.
  Random ladder(options.seed + 0x1add);
  using Hibernation = sandbox::Sandbox::Hibernation;
  sandbox_.set_hibernation(ladder.one_of({Hibernation::kNot, Hibernation::kFilesOnly,
                                          Hibernation::kEverything, Hibernation::kEverything}));
  serving_options_.ladder.hibernate_after = ladder.one_of({seconds(1), seconds(3), seconds(20)});
  serving_options_.ladder.budget = ladder.one_of({ByteCount{0}, mib(100), mib(600), gib(8)});
  idle_bound_ = autoscaler.scale_to_zero_after;
  Random keeping(options.seed + 0x4ee9);
  if (options_.mutation != Mutation::kLateZero && keeping.chance(0.2)) {
    auto& keep_warm = serving_options_.keep_warm.emplace();
    keep_warm.longest_hold = keeping.one_of({seconds(5), seconds(60), seconds(3600)});
    // The last stretch that a plan holds may begin when the longest gap that it knows ends.
    idle_bound_ = scaling::GapHistory::kLongest + keep_warm.longest_hold;
    checks_.set_idle(idle_bound_);
  }
  if (options_.mutation == Mutation::kLateZero) autoscaler.scale_to_zero_after += seconds(5);
  build();
}

World::~World() {
  for (const auto& caller : callers_) caller->end();
}

void World::build() {
  serving::Observer& observer = *this;
  control::Listener& listener = *this;
  serving_ = std::make_unique<serving::Serving>(loop_, loop_, random_, sandbox_, prober_, observer,
                                                serving_options_);
  controller_ =
      std::make_unique<control::Controller>(loop_, random_, catalog_, listener, control::Options{});
  CHECK(controller_->load().has_value());
}

Outcome World::run() {
  plan();
  loop_.run_until(Instant(kTrouble));
  heal_and_demand_progress();
  demand_zero_and_end();
  checks_.settle();
  Outcome outcome;
  outcome.violations = journal_.violations();
  outcome.hash = journal_.hash();
  outcome.steps = loop_.steps();
  outcome.instances = instances_;
  for (const auto& caller : callers_) ++outcome.answers[caller->status()];
  return outcome;
}

// ---- the plot ----

void World::at(Instant when, std::function<void()> act) {
  acts_.push_back(loop_.at(when, std::move(act)));
}

void World::plan() {
  const int services = 1 + random_.below(3);
  const auto some_time = [this] { return Instant(random_.between(Duration(0), kTrouble)); };
  for (int i = 0; i < services; ++i) {
    const std::string name = fmt::format("s{}", i);
    Shape& shape = shapes_[name];
    shape.concurrency = random_.one_of({1, 1, 2, 3, 4, 10, 80});
    shape.max_instances = random_.one_of({1, 2, 3, 3, 6, 20});
    shape.min_instances = random_.one_of({0, 0, 0, 1, 2});
    shape.service_max = random_.one_of({0, 0, 2, 10});
    if (random_.chance(0.3)) shape.cpu = serving::CpuAllocation::kInstanceBased;
    shape.probe_periods = random_.one_of({0, 1, 3, 12});
    shape.live_periods = random_.one_of({0, 0, 1, 3});
    shape.ready_periods = random_.one_of({0, 0, 1, 2});
    at(Instant(random_.between(Duration(0), seconds(20))),
       [this, name] { deploy(name, Health::kDrawn); });
    for (int n = random_.below(4); n > 0; --n) {
      at(some_time(), [this, name] { deploy(name, Health::kDrawn); });
    }
    for (int n = random_.below(3); n > 0; --n) {
      at(some_time(), [this, name] { split_traffic(name); });
    }
    if (random_.chance(0.3)) {
      at(some_time(), [this, name] { remove(name); });
    }
    for (int n = 1 + random_.below(4); n > 0; --n) {
      const Instant from = some_time();
      plan_traffic(name, from, from + random_.between(seconds(1), seconds(120)));
    }
  }
  if (random_.chance(0.2)) {
    at(some_time(), [this] { kill_and_restart(); });
  }
}

void World::plan_traffic(const std::string& service, Instant from, Instant until) {
  const auto one = [this, service] { request(service); };
  switch (random_.below(3)) {
    case 0:  // all at once
      for (int n = random_.one_of({1, 5, 50, 200}); n > 0; --n) at(from, one);
      return;
    case 1: {  // steady, perhaps too much
      const Duration gap = random_.one_of({milliseconds(100), milliseconds(500), seconds(2)});
      int most = 200;
      for (Instant t = from; t < until && most-- > 0; t += random_.between(Duration(0), 2 * gap)) {
        at(t, one);
      }
      return;
    }
    default:  // seldom, with gaps about as long as the idle time
      for (Instant t = from; t < Instant(kTrouble);) {
        at(t, one);
        const Duration idle = serving_options_.autoscaler.scale_to_zero_after;
        t += random_.between(idle / 2, idle * 3 / 2) + seconds(1);
      }
  }
}

/// All faults end: a good version of every service is ready soon and answers at once.
void World::heal_and_demand_progress() {
  journal_.line("healed");
  acts_.clear();
  sandbox_.heal();
  for (const auto& [name, shape] : shapes_) deploy(name, Health::kGood);
  loop_.run_until(loop_.now() + seconds(5));
  std::map<std::string, Caller*> probes;
  for (const auto& [name, shape] : shapes_) {
    const auto service = controller_->get(ServiceId(name));
    CHECK(service.has_value());
    const auto& status = service->status;
    const auto revision = choose(name);
    if (status.latest_ready_revision_name != status.latest_created_revision_name || !revision) {
      journal_.violation(fmt::format("{} is well and does not become ready", name));
      continue;
    }
    probes[name] = start_caller(*revision, milliseconds(10));
  }
  loop_.run_until(loop_.now() + seconds(20));
  for (const auto& [name, caller] : probes) {
    if (caller->status() == 200) continue;
    journal_.violation(fmt::format("{} is well and answers {}", name, caller->status()));
  }
}

void World::demand_zero_and_end() {
  // The longest request, startup probe and idle time are over after that.
  loop_.run_until(loop_.now() + idle_bound_ + std::chrono::minutes(20));
  for (const auto& caller : callers_) {
    if (!caller->done()) journal_.violation("a request is never answered");
  }
  size_t kept = 0;
  for (const auto& [name, shape] : shapes_) {
    const auto latest = controller_->get(ServiceId(name))->status.latest_ready_revision_name;
    const int living = checks_.living(RevisionId(latest));
    kept += static_cast<size_t>(living);
    if (living != shape.min_instances) {
      journal_.violation(
          fmt::format("{} idles with {} instances, minimum {}", name, living, shape.min_instances));
    }
  }
  if (sandbox_.living() != kept) {
    journal_.violation(fmt::format("{} containers live, {} should", sandbox_.living(), kept));
  }
  for (const auto& [name, shape] : shapes_) remove(name);
  loop_.run_until(loop_.now() + seconds(60));
  if (sandbox_.living() > 0) journal_.violation("containers of deleted services live");
  if (loop_.pending() > 0) {
    journal_.violation(fmt::format("{} timers tick at zero", loop_.pending()));
  }
  bool down = false;
  call([&] { serving_->shut_down([&down] { down = true; }); });
  loop_.run_until(loop_.now() + seconds(1));
  if (!down) journal_.violation("shutting down does not end");
}

// ---- acts ----

void World::deploy(const std::string& service, Health health) {
  Shape& shape = shapes_.at(service);
  const std::string behaviour_name = fmt::format("b{}", ++behaviours_);
  const Behaviour behaviour = health == Health::kGood ? good_behaviour() : draw_behaviour(random_);
  sandbox_.set_behaviour(behaviour_name, behaviour);
  shape.slowest_request = behaviour.slowest_request;
  if (shape.service_max > 0) {
    shape.max_instances = std::min(shape.max_instances, shape.service_max);
  }
  shape.min_instances = std::min(shape.min_instances, shape.max_instances);

  spec::Service wanted;
  wanted.metadata.name = service;
  if (shape.service_max > 0) wanted.scaling.max_instances = shape.service_max;
  spec::RevisionTemplate& revision = wanted.template_;
  revision.scaling.min_instances = shape.min_instances;
  revision.scaling.max_instances = shape.max_instances;
  if (shape.cpu == serving::CpuAllocation::kInstanceBased) {
    revision.cpu_allocation = spec::CpuAllocation::kInstanceBased;
  }
  revision.spec.container_concurrency = shape.concurrency;
  revision.spec.timeout = kRequestTimeout;
  spec::Container container;
  container.image = spec::kHostImage;
  container.command = {"/bin/program"};
  container.args = {behaviour_name};
  if (shape.probe_periods > 0) {
    spec::Probe probe;
    probe.period = seconds(10);
    probe.timeout = seconds(1);
    probe.failure_threshold = shape.probe_periods;
    container.startup_probe = probe;
  }
  const auto watched = [this](const char* path, int periods) {
    spec::Probe probe;
    probe.kind = spec::ProbeKind::kHttp;
    probe.http_path = path;
    probe.period = random_.one_of({seconds(1), seconds(3), seconds(10)});
    probe.failure_threshold = periods;
    return probe;
  };
  if (shape.live_periods > 0) container.liveness_probe = watched("/live", shape.live_periods);
  if (shape.ready_periods > 0) {
    container.readiness_probe = watched("/ready", shape.ready_periods);
    container.readiness_probe->success_threshold = 1 + random_.below(2);
    wanted.metadata.annotations["run.googleapis.com/launch-stage"] = "BETA";
  }
  revision.spec.containers = {container};
  journal_.line(fmt::format("deploy {} {}", service, behaviour_name));
  const auto applied = controller_->apply(wanted, control::ApplyMode::kUpsert);
  CHECK(applied.has_value(), applied ? "" : applied.error().message());
}

void World::remove(const std::string& service) {
  const bool known = controller_->get(ServiceId(service)).has_value();
  journal_.line(fmt::format("delete {}", service));
  const Status removed = controller_->remove(ServiceId(service));
  CHECK(removed.has_value() == known);
}

/// Some percent to a random revision, the rest to the latest.
void World::split_traffic(const std::string& service) {
  auto wanted = controller_->get(ServiceId(service));
  const auto revisions = controller_->revisions(ServiceId(service));
  if (!wanted || revisions.empty()) return;
  const auto& old =
      revisions[static_cast<size_t>(random_.below(static_cast<int>(revisions.size())))];
  const int percent = 1 + random_.below(99);
  spec::TrafficTarget to_old;
  to_old.revision_name = old.name.str();
  to_old.percent = percent;
  spec::TrafficTarget to_latest;
  to_latest.latest_revision = true;
  to_latest.percent = 100 - percent;
  wanted->traffic = {to_old, to_latest};
  journal_.line(fmt::format("split {}: {} % to {}", service, percent, old.name.str()));
  const auto applied = controller_->apply(*wanted, control::ApplyMode::kReplace);
  CHECK(applied.has_value(), applied ? "" : applied.error().message());
}

void World::kill_and_restart() {
  journal_.line("kill -9 and restart");
  for (const auto& caller : callers_) caller->end();
  controller_.reset();
  serving_.reset();
  checks_.platform_killed();
  routes_.clear();
  build();
}

std::optional<RevisionId> World::choose(const std::string& service) {
  for (const control::Route& route : routes_[service]) {
    if (!route.tag.empty()) continue;
    int point = random_.below(100);
    for (const control::Share& share : route.shares) {
      point -= share.percent;
      if (point < 0) return share.revision;
    }
  }
  return std::nullopt;
}

void World::request(const std::string& service) {
  const auto revision = choose(service);
  if (!revision) return journal_.line(fmt::format("no route to {}", service));
  const Duration slowest = shapes_.at(service).slowest_request;
  start_caller(*revision, random_.between(slowest / 100, slowest));
}

Caller* World::start_caller(const RevisionId& revision, Duration handling) {
  Caller::Plan plan;
  plan.revision = revision;
  plan.from = draw_caller(callers_.size());
  plan.handling = handling;
  plan.timeout = random_.chance(0.1) ? random_.between(seconds(1), seconds(20)) : kRequestTimeout;
  if (random_.chance(0.1)) plan.gives_up_after = random_.between(Duration(0), seconds(20));
  if (journal_.violations().empty() && loop_.now() >= Instant(kTrouble)) {
    plan.timeout = kRequestTimeout;
    plan.gives_up_after = Duration(-1);
  }
  plan.mutation = options_.mutation;
  const Caller::Parts parts{*serving_, loop_, sandbox_, checks_, turns_, journal_, inside_call_};
  callers_.push_back(std::make_unique<Caller>(static_cast<int>(callers_.size()), parts, plan));
  callers_.back()->begin();
  return callers_.back().get();
}

void World::not_inside(std::string_view what) {
  if (inside_call_ > 0) journal_.violation(fmt::format("{} comes inside a call", what));
}

// ---- control's word, serving's word ----

void World::on_run(const serving::RevisionConfig& config) {
  journal_.line(fmt::format("run {} min {} max {} reachable {}", config.instance.revision.str(),
                            config.min_instances, config.max_instances,
                            config.reachability == serving::Reachability::kReachable));
  checks_.promised(config);
  serving::RevisionConfig told = config;
  if (options_.mutation == Mutation::kOneMoreAtOnce) ++told.container_concurrency;
  if (options_.mutation == Mutation::kOneMoreInstance) ++told.max_instances;
  call([&] { serving_->set_revision(told); });
}

void World::on_retire(const RevisionId& revision) {
  journal_.line(fmt::format("retire {}", revision.str()));
  checks_.retired(revision);
  call([&] { serving_->retire_revision(revision); });
}

void World::on_event(const serving::InstanceEvent& event) {
  not_inside("an event");
  journal_.line(fmt::format("{}: {}", event.instance.str(), event.message));
}

void World::on_start(const serving::StartRecord& record) {
  not_inside("a start record");
  if (!record.first_byte) ++instances_;
  checks_.told_start(record);
}

void World::on_billable(const serving::BillableSpan& span) {
  not_inside("a bill");
  if (options_.mutation == Mutation::kLostBill && ++bills_ == 3) return;
  checks_.billed(span);
}

void World::on_revision_state(const RevisionId& revision, const serving::RevisionState& state) {
  not_inside("a revision's state");
  journal_.line(
      fmt::format("{} is {} {}", revision.str(), static_cast<int>(state.ready), state.reason));
  controller_->on_revision_state(revision, state);
}

void World::on_instance_frozen(const InstanceId&) { not_inside("an instance's freeze"); }

void World::on_instance_gone(const InstanceId& instance) {
  not_inside("the end of an instance");
  checks_.told_gone(instance);
}

}  // namespace thaw::sim
