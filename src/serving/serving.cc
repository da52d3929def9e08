#include "serving/serving.h"

#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "serving/outbox.h"
#include "serving/request_table.h"
#include "serving/revision_pool.h"

namespace thaw::serving {
namespace {

constexpr Duration kLadderLook = seconds(1);  // at most this often
constexpr Duration kLadderLookAgain = seconds(10);
constexpr Duration kPricesDelay = seconds(10);

}  // namespace

class Serving::Impl {
 public:
  Impl(Serving& self, io::Clock& clock, io::Timers& timers, io::Entropy& entropy,
       sandbox::Sandbox& sandbox, Prober& prober, Observer& observer, const Options& options)
      : self_(self),
        options_(options),
        outbox_(clock, timers, observer),
        parts_{self,
               clock,
               timers,
               entropy,
               sandbox,
               prober,
               observer,
               outbox_,
               requests_,
               [this](uint64_t id) { grant(id); },
               [this](uint64_t id, const Refusal& refusal) { deny(id, refusal); },
               [this](const RevisionId& revision) { drop_later(revision); },
               [this] { look_at_ladder(kLadderLook); },
               [this] { tell_prices_later(); }} {}

  void set_revision(const RevisionConfig& config);
  void retire_revision(const RevisionId& revision);
  sandbox::TemplateState template_state(const RevisionId& revision) const {
    return parts_.sandbox.template_state(revision);
  }
  Acquired acquire(const Arrival& arrival, SlotWaiter& waiter);
  Wait explain(Slot slot, SlotWaiter& waiter);
  void shut_down(std::function<void()> done);
  std::vector<InstanceStatus> instances() const;
  std::vector<QueueStatus> queues() const;
  std::vector<InstanceStatus> instances(const RevisionId& revision) const;
  void set_prices(const RevisionId& revision, const scaling::PriceList& prices);
  const scaling::PriceList* prices(const RevisionId& revision) const;

  void release(uint64_t id) { request(id).pool->release(RequestTable::handle(id)); }
  void leave(uint64_t id) {
    // Once the waiter was called there is nothing to leave.
    if (requests_.is_current(id)) request(id).pool->leave(RequestTable::handle(id));
  }
  Request& request(uint64_t id) {
    CHECK(requests_.is_current(id));
    return requests_[RequestTable::handle(id)];
  }

 private:
  void grant(uint64_t id);
  void deny(uint64_t id, const Refusal& refusal);
  void drop_later(const RevisionId& revision);
  RevisionCore::Options core_options();
  void look_at_ladder(Duration within);
  void walk_down();
  void tell_prices_later();
  void tell_prices();

  Serving& self_;
  Options options_;
  RequestTable requests_;
  Outbox outbox_;
  PoolParts parts_;
  std::unordered_map<RevisionId, std::unique_ptr<RevisionPool>> pools_;
  std::unordered_map<RevisionId, scaling::PriceList> known_prices_;  // of pools to come
  Instant look_at_ = Instant::max();
  io::Timer ladder_timer_;
  io::Timer prices_timer_;
  bool prices_due_ = false;
  bool shutting_down_ = false;
  std::function<void()> when_down_;
};

RevisionCore::Options Serving::Impl::core_options() {
  RevisionCore::Options options;
  options.longest_queue = options_.longest_queue;
  options.shortest_queue_time = options_.shortest_queue_time;
  options.stop_grace = options_.stop_grace;
  options.freeze_after = options_.freeze_after;
  options.slow_start = options_.slow_start;
  options.autoscaler = options_.autoscaler;
  options.keep_warm = options_.keep_warm;
  options.seed = parts_.entropy.next();
  return options;
}

void Serving::Impl::set_revision(const RevisionConfig& config) {
  if (shutting_down_) return;
  auto& pool = pools_[config.instance.revision];
  if (!pool) {
    pool = std::make_unique<RevisionPool>(parts_, config, core_options());
    const auto known = known_prices_.find(config.instance.revision);
    if (known != known_prices_.end()) {
      pool->set_prices(known->second);
      known_prices_.erase(known);
    }
  }
  pool->configure(config);
}

void Serving::Impl::retire_revision(const RevisionId& revision) {
  const auto found = pools_.find(revision);
  if (found != pools_.end()) found->second->retire();
  parts_.sandbox.discard(revision);
}

Acquired Serving::Impl::acquire(const Arrival& arrival, SlotWaiter& waiter) {
  const auto found = pools_.find(arrival.revision);
  if (shutting_down_) return shutting_down();
  if (found == pools_.end()) return unknown_revision();
  const uint32_t handle = requests_.add(*found->second, waiter);
  if (const Refusal* refusal = found->second->arrive(handle, arrival)) {
    requests_.remove(handle);
    return *refusal;
  }
  const uint64_t id = requests_.id(handle);
  if (requests_[handle].state == Request::State::kActive) return Slot(self_, id);
  return Wait(self_, id);
}

void Serving::Impl::grant(uint64_t id) {
  if (!requests_.is_current(id)) return;  // the Wait was dropped
  Request& granted = requests_[RequestTable::handle(id)];
  granted.state = Request::State::kActive;
  const uint32_t handle = RequestTable::handle(id);
  requests_.renew(handle);  // the Wait means nothing any more
  granted.waiter->on_slot(Slot(self_, requests_.id(handle)));
}

void Serving::Impl::deny(uint64_t id, const Refusal& refusal) {
  if (!requests_.is_current(id)) return;
  SlotWaiter* waiter = request(id).waiter;
  requests_.remove(RequestTable::handle(id));
  waiter->on_refused(refusal);
}

Wait Serving::Impl::explain(Slot slot, SlotWaiter& waiter) {
  const uint64_t id = std::exchange(slot.request_, 0);
  slot.owner_ = nullptr;
  Request& broken = request(id);
  CHECK(broken.state == Request::State::kActive);
  broken.waiter = &waiter;
  broken.pool->explain(RequestTable::handle(id));
  return Wait(self_, id);
}

std::vector<InstanceStatus> Serving::Impl::instances() const {
  std::vector<InstanceStatus> all;
  for (const auto& [revision, pool] : pools_) pool->append_status(all);
  return all;
}

std::vector<Serving::QueueStatus> Serving::Impl::queues() const {
  std::vector<QueueStatus> all;
  for (const auto& [revision, pool] : pools_) {
    all.push_back({pool->service(), revision, pool->waiting()});
  }
  return all;
}

std::vector<InstanceStatus> Serving::Impl::instances(const RevisionId& revision) const {
  std::vector<InstanceStatus> its;
  const auto found = pools_.find(revision);
  if (found != pools_.end()) found->second->append_status(its);
  return its;
}

void Serving::Impl::shut_down(std::function<void()> done) {
  shutting_down_ = true;
  ladder_timer_.cancel();
  tell_prices();
  when_down_ = std::move(done);
  if (pools_.empty()) outbox_.post(std::exchange(when_down_, nullptr));
  for (const auto& [revision, pool] : pools_) pool->shut_down();
}

void Serving::Impl::drop_later(const RevisionId& revision) {
  outbox_.post([this, revision] {
    const auto found = pools_.find(revision);
    // It may have been set again meanwhile.
    if (found == pools_.end() || !found->second->finished()) return;
    pools_.erase(found);
    if (pools_.empty() && when_down_) std::exchange(when_down_, nullptr)();
  });
}

// ---- the ladder ----

/// Instances change together (a burst ends, all freeze): they are looked at together.
void Serving::Impl::look_at_ladder(Duration within) {
  const Instant at = parts_.clock.now() + within;
  if (at >= look_at_ || shutting_down_) return;
  look_at_ = at;
  ladder_timer_ = parts_.timers.at(at, [this] { walk_down(); });
}

void Serving::Impl::walk_down() {
  using Here = sandbox::Sandbox::Hibernation;
  look_at_ = Instant::max();
  scaling::LadderFacts facts;
  const Here here = parts_.sandbox.hibernation();
  facts.hibernation = here == Here::kEverything  ? scaling::Hibernation::kEverything
                      : here == Here::kFilesOnly ? scaling::Hibernation::kFilesOnly
                                                 : scaling::Hibernation::kNot;
  std::vector<std::pair<RevisionPool*, InstanceKey>> whose;
  for (const auto& [revision, pool] : pools_) {
    const size_t before = facts.idle.size();
    pool->append_idle(here, options_.ladder.hibernate_after, facts.idle, facts.held_by_all);
    for (size_t i = before; i < facts.idle.size(); ++i) {
      whose.emplace_back(pool.get(), static_cast<InstanceKey>(facts.idle[i].id));
      facts.idle[i].id = i;
    }
  }
  const scaling::LadderPlan plan = scaling::plan_ladder(options_.ladder, facts);
  for (const scaling::Descent& step : plan.steps) {
    whose[step.id].first->descend(whose[step.id].second, step);
  }
  if (plan.again_in) look_at_ladder(std::max(*plan.again_in, kLadderLook));
  // Busy ones grow without telling.
  if (!facts.idle.empty() && options_.ladder.budget.value > 0) look_at_ladder(kLadderLookAgain);
}

void Serving::Impl::tell_prices_later() {
  if (std::exchange(prices_due_, true)) return;
  prices_timer_ = parts_.timers.after(kPricesDelay, [this] { tell_prices(); });
}

void Serving::Impl::tell_prices() {
  prices_due_ = false;
  for (const auto& [revision, pool] : pools_) pool->tell_prices();
}

void Serving::Impl::set_prices(const RevisionId& revision, const scaling::PriceList& prices) {
  known_prices_[revision] = prices;
}

const scaling::PriceList* Serving::Impl::prices(const RevisionId& revision) const {
  const auto found = pools_.find(revision);
  return found == pools_.end() ? nullptr : &found->second->prices();
}

// ---- the handles ----

Slot::Slot(Serving& owner, uint64_t request) : owner_(&owner), request_(request) {}

Slot::Slot(Slot&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), request_(other.request_) {}

Slot& Slot::operator=(Slot&& other) noexcept {
  Slot old(std::move(*this));
  owner_ = std::exchange(other.owner_, nullptr);
  request_ = other.request_;
  return *this;
}

Slot::~Slot() {
  if (owner_ != nullptr) owner_->impl_->release(request_);
}

const InstanceId& Slot::instance() const {
  const Request& request = owner_->impl_->request(request_);
  return request.pool->run(request.instance).id();
}

const io::SocketAddress& Slot::address() const {
  const Request& request = owner_->impl_->request(request_);
  return request.pool->run(request.instance).address();
}

bool Slot::waited_for_start() const { return owner_->impl_->request(request_).waited_for_start; }

std::string_view Slot::woken_from() const {
  const Request& request = owner_->impl_->request(request_);
  return request.pool->woken_from(RequestTable::handle(request_));
}

void Slot::first_byte() {
  owner_->impl_->request(request_).pool->first_byte(RequestTable::handle(request_));
}

Wait::Wait(Serving& owner, uint64_t request) : owner_(&owner), request_(request) {}

Wait::Wait(Wait&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), request_(other.request_) {}

Wait& Wait::operator=(Wait&& other) noexcept {
  Wait old(std::move(*this));
  owner_ = std::exchange(other.owner_, nullptr);
  request_ = other.request_;
  return *this;
}

Wait::~Wait() {
  if (owner_ != nullptr) owner_->impl_->leave(request_);
}

Serving::Serving(io::Clock& clock, io::Timers& timers, io::Entropy& entropy,
                 sandbox::Sandbox& sandbox, Prober& prober, Observer& observer,
                 const Options& options)
    : impl_(std::make_unique<Impl>(*this, clock, timers, entropy, sandbox, prober, observer,
                                   options)) {}

Serving::~Serving() = default;

void Serving::set_revision(const RevisionConfig& config) { impl_->set_revision(config); }

void Serving::retire_revision(const RevisionId& revision) { impl_->retire_revision(revision); }
sandbox::TemplateState Serving::template_state(const RevisionId& revision) const {
  return impl_->template_state(revision);
}

Acquired Serving::acquire(const Arrival& arrival, SlotWaiter& waiter) {
  return impl_->acquire(arrival, waiter);
}

Wait Serving::explain(Slot slot, SlotWaiter& waiter) {
  return impl_->explain(std::move(slot), waiter);
}

void Serving::set_prices(const RevisionId& revision, const scaling::PriceList& prices) {
  impl_->set_prices(revision, prices);
}

const scaling::PriceList* Serving::prices(const RevisionId& revision) const {
  return impl_->prices(revision);
}

std::vector<InstanceStatus> Serving::instances() const { return impl_->instances(); }

std::vector<Serving::QueueStatus> Serving::queues() const { return impl_->queues(); }

std::vector<InstanceStatus> Serving::instances(const RevisionId& revision) const {
  return impl_->instances(revision);
}

void Serving::shut_down(std::function<void()> done) { impl_->shut_down(std::move(done)); }

}  // namespace thaw::serving
