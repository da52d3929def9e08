#include "serving/instance_run.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace thaw::serving {
namespace {

constexpr size_t kMostWords = 500;  // kept of how it started

}  // namespace

InstanceRun::InstanceRun(InstanceRunOwner& owner, InstanceKey key, const InstanceId& id,
                         const RevisionConfig& config, Instant requested)
    : owner_(owner), key_(key), cpu_millis_(config.instance.cpu_millis) {
  const sandbox::InstanceSpec& spec = config.instance;
  const Instant now = owner.now();
  record_.instance = status_.id = id;
  record_.revision = status_.revision = spec.revision;
  record_.service = status_.service = spec.service;
  record_.requested = requested;
  record_.decided = status_.created = now;
  status_.memory_limit = spec.memory;
  BillableSpan label;
  label.instance = id;
  label.revision = spec.revision;
  label.service = spec.service;
  label.cpu_millis = std::max(spec.cpu_millis, spec.boost_millis);
  label.memory = spec.memory;
  label_ = std::make_shared<const BillableSpan>(std::move(label));
  meter_.enter(now);  // starting, or with instance-based CPU: living
}

void InstanceRun::start(sandbox::Sandbox& sandbox, const sandbox::InstanceSpec& spec) {
  instance_ = sandbox.start(record_.instance, spec, *this);
}

void InstanceRun::probe(Prober& prober, const Probe& probe, uint16_t instance_port) {
  probing_ = prober.probe(address_of(probe, instance_port), probe,
                          [this](Prober::Outcome outcome, std::string_view why) {
                            const std::unique_ptr<Probing> done = std::move(probing_);
                            owner_.on_probe(key_, outcome, why);
                          });
}

void InstanceRun::check(Prober& prober, Health health, const Probe& probe, uint16_t instance_port) {
  auto& check = checks_[static_cast<size_t>(health)];
  check = prober.check(address_of(probe, instance_port), probe,
                       [this, &check, health](Prober::Outcome outcome, std::string_view why) {
                         const std::unique_ptr<Probing> done = std::move(check);
                         owner_.on_checked(key_, health, outcome, why);
                       });
}

/// The container's own port is reached at the sandbox's address; another one beside it.
io::SocketAddress InstanceRun::address_of(const Probe& probe, uint16_t instance_port) const {
  io::SocketAddress at = address_;
  if (probe.port != instance_port) at.port = probe.port;
  return at;
}

void InstanceRun::stop_probing() {
  probing_.reset();
  for (auto& check : checks_) check.reset();
}

void InstanceRun::freeze() {
  if (!instance_) return;
  idle_usage_.reset();
  if (const Status frozen = instance_->freeze(); !frozen) {
    log_warning("an idle instance could not be frozen and keeps its CPU",
                {{"instance", id().str()}, {"error", frozen.error().message()}});
  }
}

void InstanceRun::thaw() {
  idle_usage_.reset();
  is_hibernating_ = false;
  if (instance_) instance_->thaw();
}

void InstanceRun::hibernate() {
  if (!instance_) return;
  is_hibernating_ = true;
  if (const Status asked = instance_->hibernate(); !asked) {
    is_hibernating_ = false;
    log_warning("a frozen instance could not be hibernated and keeps its memory",
                {{"instance", id().str()}, {"error", asked.error().message()}});
  }
}

void InstanceRun::wake_served() {
  if (instance_) instance_->wake_served();
}

void InstanceRun::end_boost() {
  auto label = std::make_shared<BillableSpan>(*label_);
  label->cpu_millis = cpu_millis_;
  label_ = std::move(label);
  if (instance_) instance_->end_boost();
}

void InstanceRun::terminate() {
  stop_probing();
  if (instance_) instance_->terminate();
}

void InstanceRun::kill() {
  stop_probing();
  if (instance_) instance_->kill();
}

void InstanceRun::gone() {
  stop_probing();
  instance_.reset();
}

sandbox::Usage InstanceRun::usage() const {
  return instance_ ? instance_->usage() : sandbox::Usage();
}

Duration InstanceRun::cpu_since_last_asked() {
  const Duration all = usage().cpu;
  const Duration before = cpu_asked_.value_or(all);
  cpu_asked_ = all;
  return std::max(all - before, Duration(0));
}

sandbox::Usage InstanceRun::idle_usage() {
  if (!idle_usage_) idle_usage_ = usage();
  return *idle_usage_;
}

void InstanceRun::on_rung(Rung rung, std::string_view words) {
  status_.from_template = rung == Rung::kTemplated;
  if (rung == Rung::kTemplated) record_.from = scaling::Rung::kTemplated;
  record_.how.insert(0,
                     std::string(words.substr(0, kMostWords)) + (record_.how.empty() ? "" : "; "));
  owner_.on_rung(key_, words);
}

void InstanceRun::on_hibernated(const sandbox::Usage& usage, std::string_view left_because) {
  is_hibernating_ = false;
  idle_usage_ = usage;
  owner_.on_hibernated(key_, usage, left_because);
}

void InstanceRun::on_read_ahead(ByteCount size) {
  if (!record_.how.empty()) record_.how += "; ";
  record_.how += format_bytes(size) + " of its files were read ahead";
}

void InstanceRun::on_network(const io::SocketAddress& address) { owner_.on_network(key_, address); }

void InstanceRun::on_sandbox_ready() { record_.sandbox_ready = owner_.now(); }

void InstanceRun::on_executed() {
  record_.executed = owner_.now();
  address_ = instance_->address();
  owner_.on_executed(key_);
}

void InstanceRun::on_output(sandbox::OutputStream stream, std::string_view line) {
  constexpr size_t kKept = 256;
  if (stream == sandbox::OutputStream::kStderr && !line.empty()) {
    last_stderr_.assign(line.substr(0, kKept));
  }
  owner_.on_line(key_, stream, line);
}

void InstanceRun::on_exit(const sandbox::ExitReport& report) { owner_.on_exit(key_, report); }

}  // namespace thaw::serving
