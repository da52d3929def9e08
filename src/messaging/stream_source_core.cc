#include "messaging/stream_source_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace thaw::messaging {
namespace {

bool read_number(std::string_view text, uint64_t& value) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  return fault == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string EntryId::str() const { return fmt::format("{}-{}", millis, number); }

std::optional<EntryId> EntryId::parse(std::string_view text) {
  EntryId id;
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  if (!read_number(text.substr(0, dash), id.millis)) return std::nullopt;
  if (!read_number(text.substr(dash + 1), id.number)) return std::nullopt;
  return id;
}

const std::vector<SourceAction>& StreamSourceCore::on_event(Instant now, const SourceEvent& event) {
  actions_.clear();
  std::visit([&](const auto& e) { on(now, e); }, event);
  next(now);
  return actions_;
}

void StreamSourceCore::on(Instant now, const source_event::Connected&) {
  connected_ = true;
  recovering_ = true;
  recovered_to_ = {};
  next_claim_ = now;
  next_hold_ = now + options_.claim_after / 3;
  settle_all(now);
}

/// What is under way with the service goes on; what was asked of Redis is asked again.
void StreamSourceCore::on(Instant, const source_event::Disconnected&) {
  connected_ = reading_ = claiming_ = false;
  for (auto& [id, held] : entries_) held.settling = false;
}

void StreamSourceCore::on(Instant now, const source_event::Read& event) {
  reading_ = false;
  take(now, event.entries);
}

void StreamSourceCore::on(Instant now, const source_event::Recovered& event) {
  const size_t taken = take(now, event.entries);
  for (const StreamEntry& entry : event.entries) {
    if (entries_.at(entry.id).state == State::kWaiting) hold(entry.id, entries_.at(entry.id));
  }
  const bool more = event.more == source_event::Recovered::More::kYes;
  if (recovering_) {
    reading_ = false;
    for (const StreamEntry& entry : event.entries) {
      recovered_to_ = std::max(recovered_to_, entry.id);
    }
    recovering_ = more;
    if (taken > 0) {
      actions_.emplace_back(source_action::Tell{
          fmt::format("{} entries that were under way before are delivered again.", taken)});
    }
    return;
  }
  claiming_ = false;
  counts_.claimed += taken;
  next_claim_ = more ? now : now + options_.claim_after / 3;
  if (taken > 0) {
    actions_.emplace_back(
        source_action::Tell{fmt::format("Took over {} entries that a consumer left.", taken)});
  }
}

/// Those that are not held already.
size_t StreamSourceCore::take(Instant now, const std::vector<StreamEntry>& entries) {
  size_t taken = 0;
  for (const StreamEntry& entry : entries) {
    Held held{.entry = entry, .ready_at = now};
    if (entry.attempts >= options_.max_attempts) {
      held.state = State::kBurying;
      held.reason = "its deliveries were begun and never ended: the service or Thaw was killed";
    }
    taken += entries_.emplace(entry.id, std::move(held)).second ? 1 : 0;
  }
  if (taken > 0) settle_all(now);
  return taken;
}

std::vector<EntryId> StreamSourceCore::take_delivery(uint64_t delivery) {
  const auto found = deliveries_.find(delivery);
  if (found == deliveries_.end()) return {};
  std::vector<EntryId> ids = std::move(found->second);
  deliveries_.erase(found);
  return ids;
}

void StreamSourceCore::on(Instant now, const source_event::Delivered& event) {
  refusals_ = 0;
  for (const EntryId id : take_delivery(event.delivery)) {
    entries_.at(id).state = State::kDone;
    ++counts_.delivered;
  }
  settle_all(now);
}

void StreamSourceCore::on(Instant now, const source_event::DeliveryFailed& event) {
  refusals_ = 0;
  ++counts_.failed;
  for (const EntryId id : take_delivery(event.delivery)) fail(now, id, event.reason);
  settle_all(now);
}

void StreamSourceCore::fail(Instant now, EntryId id, const std::string& reason) {
  Held& held = entries_.at(id);
  ++held.entry.attempts;
  held.reason = reason;
  if (held.entry.attempts >= options_.max_attempts) {
    held.state = State::kBurying;
    return;
  }
  held.state = State::kWaiting;
  held.ready_at = now + backoff(held.entry.attempts);
  hold(id, held);
}

void StreamSourceCore::hold(EntryId id, const Held& held) {
  const int begun = held.entry.attempts + (held.state == State::kInFlight ? 1 : 0);
  if (connected_) actions_.emplace_back(source_action::Hold{id, begun});
}

void StreamSourceCore::on(Instant now, const source_event::NotReached& event) {
  for (const EntryId id : take_delivery(event.delivery)) {
    entries_.at(id).state = State::kWaiting;
  }
  paused_until_ = now + backoff(++refusals_);
  if (refusals_ == 1) {
    actions_.emplace_back(
        source_action::Tell{"The service cannot take entries now, they wait: " + event.reason});
  }
}

void StreamSourceCore::on(Instant, const source_event::Settled& event) {
  for (const EntryId id : event.ids) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    if (found->second.state == State::kBurying) ++counts_.buried;
    entries_.erase(found);
  }
}

void StreamSourceCore::on(Instant now, const source_event::NotSettled& event) {
  for (const EntryId id : event.ids) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) continue;
    found->second.settling = false;
    found->second.ready_at = now + options_.max_backoff / 10;
  }
}

void StreamSourceCore::on(Instant now, const source_event::Wake&) {
  if (connected_ && next_hold_ <= now) {
    next_hold_ = now + options_.claim_after / 3;
    for (const auto& [id, held] : entries_) {
      if (!held.settling) hold(id, held);
    }
  }
  settle_all(now);
}

/// Acknowledges what is done and buries what is given up, unless that is under way.
void StreamSourceCore::settle_all(Instant now) {
  if (!connected_) return;
  std::vector<EntryId> done;
  for (auto& [id, held] : entries_) {
    const bool waits = held.state == State::kDone || held.state == State::kBurying;
    if (!waits || held.settling || held.ready_at > now) continue;
    held.settling = true;
    if (held.state == State::kDone) {
      done.push_back(id);
    } else {
      actions_.emplace_back(source_action::Bury{&held.entry, held.entry.attempts, held.reason});
    }
  }
  if (!done.empty()) actions_.emplace_back(source_action::Acknowledge{std::move(done)});
}

void StreamSourceCore::next(Instant now) {
  read();
  if (connected_ && !recovering_ && !claiming_ && next_claim_ <= now && room() > 0) {
    claiming_ = true;
    actions_.emplace_back(source_action::Claim{std::min(room(), 100)});
  }
  deliver(now);
  plan_wake(now);
}

void StreamSourceCore::read() {
  if (!connected_ || reading_ || room() <= 0) return;
  reading_ = true;
  const int count = std::min(room(), std::max(options_.batch, 100));
  if (recovering_) {
    actions_.emplace_back(source_action::ReadOwn{recovered_to_, count});
  } else {
    actions_.emplace_back(source_action::ReadNew{count});
  }
}

void StreamSourceCore::deliver(Instant now) {
  if (paused_until_ > now) return;
  // After a refusal one delivery tries whether the service is there again.
  const int most = refusals_ > 0 ? 1 : options_.most_in_flight;
  while (in_flight() < most) {
    std::vector<EntryId> ids = pick(now);
    if (ids.empty()) return;
    source_action::Deliver action{.delivery = ++last_delivery_, .entries = {}, .attempt = 1};
    for (const EntryId id : ids) {
      Held& held = entries_.at(id);
      held.state = State::kInFlight;
      action.entries.push_back(&held.entry);
      action.attempt = held.entry.attempts + 1;
    }
    deliveries_.emplace(last_delivery_, std::move(ids));
    actions_.emplace_back(std::move(action));
  }
}

/// The entries of the next delivery: the oldest that may go, one that failed before alone.
std::vector<EntryId> StreamSourceCore::pick(Instant now) const {
  std::vector<EntryId> ids;
  std::set<std::string_view> busy;  // keys with an earlier entry that is not done
  for (const auto& [id, held] : entries_) {
    const bool keyed = options_.ordering == Ordering::kPerKey && !held.entry.key.empty();
    const bool settled = held.state == State::kDone || held.state == State::kBurying;
    const bool ready = held.state == State::kWaiting && held.ready_at <= now &&
                       !(keyed && busy.contains(held.entry.key));
    if (ready && (ids.empty() || held.entry.attempts == 0)) {
      ids.push_back(id);
      if (held.entry.attempts > 0 || static_cast<int>(ids.size()) >= options_.batch) return ids;
    } else if (keyed && !settled) {
      busy.insert(held.entry.key);
    }
  }
  return ids;
}

Duration StreamSourceCore::backoff(int failures) const {
  Duration pause = options_.min_backoff;
  for (int i = 1; i < failures && pause < options_.max_backoff; ++i) pause *= 2;
  return std::min(pause, options_.max_backoff);
}

void StreamSourceCore::plan_wake(Instant now) {
  wake_at_ = Instant::max();
  const auto want = [&](Instant at) {
    if (at > now) wake_at_ = std::min(wake_at_, at);
  };
  if (connected_) want(next_claim_);
  if (connected_ && !entries_.empty()) want(next_hold_);
  want(paused_until_);
  for (const auto& [id, held] : entries_) {
    if (held.state != State::kInFlight && !held.settling) want(held.ready_at);
  }
}

}  // namespace thaw::messaging
