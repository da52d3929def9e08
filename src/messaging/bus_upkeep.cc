// What the bus does when nobody asks: messages older than their subscription keeps them, what
// deleted subscriptions left, snapshots and subscriptions that expired.
#include <algorithm>
#include <memory>
#include <utility>

#include "base/log.h"
#include "messaging/bus.h"

namespace thaw::messaging {
namespace {

constexpr Duration kUpkeepEvery = seconds(60);
constexpr int kAtOnce = 1000;  // rows a transaction, so that publishes do not wait long

}  // namespace

void Bus::upkeep() {
  upkeep_timer_ = loop_.after(kUpkeepEvery, [this] { upkeep(); });
  const WallTime now = loop_.wall_now();
  const bool is_first = upkept_ == Instant::min();
  std::vector<std::string> expired;
  for (const auto& [name, snapshot] : snapshots_) {
    if (snapshot.expires <= now) expired.push_back(name);
  }
  for (const std::string& name : expired) (void)remove_snapshot(name);
  expire_unused();
  for (auto& [name, sub] : subs_) drop_old(*sub);
  drop_gone();
  const bool retains = std::any_of(topics_.begin(), topics_.end(), [](const auto& each) {
    return each.second.topic.retention.has_value();
  });
  if (retains || is_first) purge();  // first of what the last run had no time for
}

void Bus::expire_unused() {
  const Instant now = loop_.now();
  const Duration passed = upkept_ == Instant::min() ? Duration(0) : now - upkept_;
  upkept_ = now;
  std::vector<std::string> over;
  std::vector<std::pair<SubscriptionNumber, Duration>> to_keep;
  for (auto& [name, sub] : subs_) {
    const bool waits = !sub->waiting.empty() || !sub->streams.empty();
    sub->idle.tick(passed, waits ? Idle::Waits::kSomebody : Idle::Waits::kNobody);
    if (sub->idle.is_over(sub->settings.expires_after)) {
      over.push_back(name);
    } else if (const auto length = sub->idle.to_keep()) {
      to_keep.emplace_back(sub->number, *length);
      sub->idle.kept(*length);  // kept again in an hour, should it fail
    }
  }
  for (const std::string& name : over) {
    const Duration after = *subs_.at(name)->settings.expires_after;
    const Status removed = remove_subscription(name);
    log_warning("a subscription expired: nobody used it for as long as its expirationPolicy says",
                {{"subscription", name},
                 {"ttl", format_duration(after)},
                 {"removed", removed ? "yes" : removed.error().message()}});
  }
  if (to_keep.empty()) return;
  journal_.submit(
      [to_keep = std::move(to_keep)](store::Database& db) -> Status {
        for (const auto& [number, length] : to_keep) {
          RETURN_IF_ERROR(MessageStore(db).set_idle(number, length));
        }
        return {};
      },
      [](const Status&) {});
}

/// Goes on until there are none, a part at a time; what comes behind them is delivered meanwhile.
void Bus::drop_old(SubState& sub) {
  if (sub.drops_old || sub.seeks > 0 || phase_ == Phase::kDraining) return;
  const auto old = store_.older(sub.number, loop_.wall_now() - sub.settings.retention, kAtOnce);
  if (!old || old->messages.empty()) return;
  sub.drops_old = true;
  journal_.submit(
      [messages = old->messages, number = sub.number](store::Database& db) -> Status {
        for (const MessageId message : messages) {
          RETURN_IF_ERROR(MessageStore(db).drop(number, message));
        }
        return {};
      },
      [this, number = sub.number, up_to = old->all_up_to](const Status& status) {
        const auto found = by_number_.find(number);
        if (found == by_number_.end()) return;
        SubState& dropped = *found->second;
        dropped.drops_old = false;
        if (!status || dropped.seeks > 0) return;  // tried again a minute later
        dropped.core.take_away_up_to(up_to);
        drop_old(dropped);
        serve(dropped);
      });
}

void Bus::drop_gone() {
  if (gone_.empty()) return;
  auto dropped = std::make_shared<int>(0);
  journal_.submit(
      [number = gone_.back(), dropped](store::Database& db) -> Status {
        ASSIGN_OR_RETURN(*dropped, MessageStore(db).drop_backlog(number, kAtOnce));
        return {};
      },
      [this, dropped](const Status& status) {
        if (!status || gone_.empty()) return;  // tried again a minute later
        if (*dropped < kAtOnce) gone_.pop_back();
        drop_gone();
      });
}

/// Looks at all messages, a part at a time; again if more became unwanted meanwhile.
void Bus::purge() {
  if (purging_ != Again::kIdle) {
    purging_ = Again::kAgain;
    return;
  }
  purging_ = Again::kUnderWay;
  purge(0);
}

void Bus::purge(MessageId after) {
  auto retained = std::make_shared<std::vector<MessageStore::Retained>>();
  for (const auto& [name, topic] : topics_) {
    if (topic.topic.retention) {
      retained->push_back({topic.number, loop_.wall_now() - *topic.topic.retention});
    }
  }
  auto last = std::make_shared<std::optional<MessageId>>();
  journal_.submit(
      [after, retained, last](store::Database& db) -> Status {
        ASSIGN_OR_RETURN(*last, MessageStore(db).purge(after, kAtOnce, *retained));
        return {};
      },
      [this, last](const Status& status) {
        if (status && *last && phase_ == Phase::kServing) return purge(**last);
        const bool again = std::exchange(purging_, Again::kIdle) == Again::kAgain;
        if (again && status && phase_ == Phase::kServing) purge();
      });
}

}  // namespace thaw::messaging
