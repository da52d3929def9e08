#include "messaging/subscription_core.h"

#include <algorithm>

#include "base/check.h"

namespace thaw::messaging {
namespace {

/// Where a dead message waits when its dead-letter topic takes nothing.
constexpr Duration kReviveAfter = seconds(10);

/// 0 to 9 %, so that what failed together does not come again together.
int64_t jitter_percent(MessageId message, int failures) {
  uint64_t mixed =
      static_cast<uint64_t>(message) * 0x9e3779b97f4a7c15 + static_cast<uint64_t>(failures);
  mixed ^= mixed >> 29;
  return static_cast<int64_t>(mixed % 10);
}

}  // namespace

SubscriptionCore::Key SubscriptionCore::key_of(std::string_view text) {
  if (text.empty() || rules_.order == DeliveryRules::Order::kNone) return 0;
  const auto [found, is_new] = keys_.try_emplace(std::string(text), last_key_ + 1);
  if (is_new) lanes_[++last_key_].key = text;
  return found->second;
}

void SubscriptionCore::add(const Message& message) {
  const Item item{message.id, message.size_bytes, key_of(message.ordering_key)};
  if (item.key != 0) lanes_[item.key].items.push_back(item);
  waiting_.push_back(item);
  if (message.failures > 0) failures_[message.id] = message.failures;
  ++backlog_;
}

void SubscriptionCore::clear() {
  const LeaseId last = last_lease_;
  Consumers consumers = std::move(consumers_);
  *this = SubscriptionCore(rules_);
  last_lease_ = last;
  consumers_ = std::move(consumers);
  consumers_.reset();
}

bool SubscriptionCore::is_open(const Lane& lane) const {
  return !lane.rests && (rules_.per_key == DeliveryRules::PerKey::kMany || lane.leased.empty());
}

/// Of a lane whose turns wait for this consumer alone.
std::optional<SubscriptionCore::Item> SubscriptionCore::next_held(ConsumerId consumer) {
  while (const auto key = consumers_.held(consumer)) {
    const auto found = lanes_.find(*key);
    Lane* const lane = found == lanes_.end() ? nullptr : &found->second;
    if (lane == nullptr || lane->turns == 0 || lane->owner != consumer || !is_open(*lane)) {
      consumers_.release(consumer, *key);
      continue;
    }
    --lane->turns;
    const Item item = lane->items.front();
    lane->items.pop_front();
    return item;
  }
  return std::nullopt;
}

/// Each message that waits has one turn in waiting_; a turn of a closed lane is kept by the lane.
std::optional<SubscriptionCore::Item> SubscriptionCore::next_waiting(ConsumerId consumer) {
  while (!waiting_.empty()) {
    const Item item = waiting_.front();
    waiting_.pop_front();
    if (item.key == 0) return item;
    Lane& lane = lanes_.at(item.key);
    if (!is_open(lane) || (lane.owner != 0 && lane.owner != consumer)) {
      ++lane.turns;
      if (lane.owner != 0) consumers_.hold(lane.owner, item.key);
      continue;
    }
    CHECK(!lane.items.empty());
    const Item first = lane.items.front();
    lane.items.pop_front();
    return first;
  }
  return std::nullopt;
}

std::optional<SubscriptionCore::Item> SubscriptionCore::next(ConsumerId consumer) {
  while (true) {
    auto item = next_held(consumer);
    if (!item) item = next_waiting(consumer);
    if (!item || !was_taken_away(item->id)) return item;
    came_back_.erase(item->id);
    forget(item->id);
    reopen(item->key);
  }
}

bool SubscriptionCore::was_taken_away(MessageId message) {
  return taken_away_.erase(message) > 0 || message <= taken_away_up_to_;
}

/// Those at the front go at once, so that a backlog that nobody reads does not grow for ever.
void SubscriptionCore::take_away_up_to(MessageId last) {
  taken_away_up_to_ = std::max(taken_away_up_to_, last);
  while (!waiting_.empty()) {
    Item item = waiting_.front();
    if (item.key != 0) {
      Lane& lane = lanes_.at(item.key);
      if (!is_open(lane) || lane.owner != 0) return;  // next() does it
      CHECK(!lane.items.empty());
      item = lane.items.front();
    }
    if (!was_taken_away(item.id)) return;
    waiting_.pop_front();
    if (item.key != 0) lanes_.at(item.key).items.pop_front();
    came_back_.erase(item.id);
    forget(item.id);
    reopen(item.key);
  }
}

SubscriptionCore::Lease SubscriptionCore::lease(Instant now, const Item& item, Duration deadline,
                                                ConsumerId consumer) {
  const LeaseId id = ++last_lease_;
  leases_[id] = {item, now + deadline, consumer};
  deadlines_.emplace(now + deadline, id);
  came_back_.erase(item.id);
  consumers_.leased(consumer, item.size_bytes);
  if (item.key != 0) {
    Lane& lane = lanes_.at(item.key);
    lane.leased.emplace(item.id, id);
    lane.owner = consumer;
  }
  return {id, item.id, failures_of(item.id) + 1};
}

std::vector<SubscriptionCore::Lease> SubscriptionCore::pull(Instant now, size_t most,
                                                            uint64_t most_bytes, Duration deadline,
                                                            ConsumerId consumer) {
  std::vector<Lease> leased;
  uint64_t bytes = 0;
  while (leased.size() < most && (consumer == 0 || consumers_.room(consumer) > 0)) {
    const auto item = next(consumer);
    if (!item) break;
    bytes += item->size_bytes;
    if (!leased.empty() && bytes > most_bytes) {
      if (item->key != 0) lanes_.at(item->key).items.push_front(*item);
      waiting_.push_front(*item);
      break;
    }
    leased.push_back(lease(now, *item, deadline, consumer));
  }
  return leased;
}

std::optional<SubscriptionCore::Item> SubscriptionCore::end_lease(LeaseId lease) {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return std::nullopt;
  const Item item = found->second.item;
  deadlines_.erase({found->second.deadline, lease});
  consumers_.ended(found->second.consumer, item.size_bytes);
  leases_.erase(found);
  if (item.key != 0) {
    Lane& lane = lanes_.at(item.key);
    lane.leased.erase(item.id);
    if (lane.leased.empty()) lane.owner = 0;
  }
  return item;
}

/// It is acknowledged or dead.
void SubscriptionCore::forget(MessageId message) {
  failures_.erase(message);
  --backlog_;
}

std::optional<MessageId> SubscriptionCore::ack(LeaseId lease, MessageId message) {
  const auto found = leases_.find(lease);
  if (found != leases_.end() && found->second.item.id == message) {
    const Item item = *end_lease(lease);
    forget(message);
    reopen(item.key);
    return message;
  }
  if (rules_.acks == DeliveryRules::Acks::kExactlyOnce) return std::nullopt;
  if (const auto rests = resting_.find(message); rests != resting_.end()) {
    rests_.erase({rests->second.until, message});
    resting_.erase(rests);
    forget(message);
    return message;
  }
  if (!came_back_.contains(message) || !taken_away_.insert(message).second) return std::nullopt;
  return message;
}

bool SubscriptionCore::extend(Instant now, LeaseId lease, Duration deadline) {
  const auto found = leases_.find(lease);
  if (found == leases_.end()) return false;
  deadlines_.erase({found->second.deadline, lease});
  found->second.deadline = now + deadline;
  deadlines_.emplace(found->second.deadline, lease);
  return true;
}

std::optional<SubscriptionCore::Failure> SubscriptionCore::nack(Instant now, LeaseId lease) {
  if (!leases_.contains(lease)) return std::nullopt;
  return fail(now, lease);
}

SubscriptionCore::Failure SubscriptionCore::fail(Instant now, LeaseId lease) {
  const Item item = *end_lease(lease);
  const int failures = ++failures_[item.id];
  const bool is_dead = rules_.max_attempts > 0 && failures >= rules_.max_attempts;
  const auto fate = is_dead ? Failure::Fate::kDead : Failure::Fate::kAgain;
  if (item.key != 0) {
    rest_lane(now, item, failures, fate);
  } else if (!is_dead) {
    rest(now, item, failures);
  }
  if (is_dead) forget(item.id);
  return {item.id, failures, fate};
}

void SubscriptionCore::rest(Instant now, const Item& item, int failures) {
  const Duration length = rest_of(failures, item.id);
  if (length > Duration(0)) {
    resting_[item.id] = {item, now + length};
    rests_.emplace(now + length, item.id);
    return;
  }
  waiting_.push_back(item);
  came_back_.insert(item.id);
}

/// The one that failed and those of its key that were leased after it come again, in order.
void SubscriptionCore::rest_lane(Instant now, const Item& item, int failures, Failure::Fate fate) {
  Lane& lane = lanes_.at(item.key);
  while (!lane.leased.empty() && lane.leased.rbegin()->first > item.id) {
    const Item later = *end_lease(lane.leased.rbegin()->second);
    lane.items.push_front(later);
    came_back_.insert(later.id);
    ++lane.turns;
  }
  if (fate == Failure::Fate::kAgain) {
    lane.items.push_front(item);
    came_back_.insert(item.id);
    ++lane.turns;
    const Duration length = rest_of(failures, item.id);
    if (length > Duration(0) && !lane.rests) {
      lane.rests = true;
      resting_lanes_.emplace(now + length, item.key);
    }
  }
  reopen(item.key);
}

/// After an ack or a rest: the turns that came up meanwhile; they are older than all that wait.
/// Those of a lane that is a consumer's wait for it.
void SubscriptionCore::reopen(Key key) {
  if (key == 0) return;
  Lane& lane = lanes_.at(key);
  if (lane.items.empty() && lane.leased.empty() && !lane.rests && lane.turns == 0) {
    keys_.erase(lane.key);
    lanes_.erase(key);
    return;
  }
  if (!is_open(lane)) return;
  if (lane.owner != 0) {
    if (lane.turns > 0) consumers_.hold(lane.owner, key);
    return;
  }
  const bool one = rules_.per_key == DeliveryRules::PerKey::kOne;
  const int turns = one ? std::min(lane.turns, 1) : lane.turns;
  lane.turns -= turns;
  for (int i = 0; i < turns; ++i) waiting_.push_front({0, 0, key});
}

std::vector<SubscriptionCore::Failure> SubscriptionCore::expire(Instant now) {
  std::vector<Failure> failures;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
    failures.push_back(fail(now, deadlines_.begin()->second));
  }
  while (!rests_.empty() && rests_.begin()->first <= now) {
    const auto rested = resting_.extract(rests_.begin()->second);
    rests_.erase(rests_.begin());
    waiting_.push_back(rested.mapped().item);
    came_back_.insert(rested.key());
  }
  while (!resting_lanes_.empty() && resting_lanes_.begin()->first <= now) {
    const Key key = resting_lanes_.begin()->second;
    resting_lanes_.erase(resting_lanes_.begin());
    lanes_.at(key).rests = false;
    reopen(key);
  }
  return failures;
}

void SubscriptionCore::revive(Instant now, const Message& message) {
  ++backlog_;
  failures_[message.id] = message.failures;
  resting_[message.id] = {{message.id, message.size_bytes, 0}, now + kReviveAfter};
  rests_.emplace(now + kReviveAfter, message.id);
}

Instant SubscriptionCore::wake_at() const {
  Instant first = Instant::max();
  if (!deadlines_.empty()) first = std::min(first, deadlines_.begin()->first);
  if (!rests_.empty()) first = std::min(first, rests_.begin()->first);
  if (!resting_lanes_.empty()) first = std::min(first, resting_lanes_.begin()->first);
  return first;
}

Duration SubscriptionCore::rest_of(int failures, MessageId message) const {
  if (!rules_.retry) return Duration(0);
  constexpr int kMostDoublings = 20;  // 600 s is reached from 1 ms on
  const Duration doubled =
      rules_.retry->minimum * (int64_t{1} << std::min(failures - 1, kMostDoublings));
  const Duration length = std::min(doubled, rules_.retry->maximum);
  return length + length * jitter_percent(message, failures) / 100;
}

int SubscriptionCore::failures_of(MessageId message) const {
  const auto found = failures_.find(message);
  return found == failures_.end() ? 0 : found->second;
}

}  // namespace thaw::messaging
