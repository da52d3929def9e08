#include "messaging/bus.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "messaging/names.h"

namespace thaw::messaging {

/// One publish: what the journal's job reads and what it answers.
struct Bus::Publication {
  TopicNumber topic = 0;
  WallTime published{};
  std::vector<Message> messages;
  std::vector<std::vector<SubscriptionNumber>> wanted_by;  // of each message
  std::vector<MessageId> ids;                              // filled in by write()
};

Bus::Bus(io::Loop& loop, io::Entropy& entropy, io::Worker& worker, store::Database& database,
         store::Database& journal_database, Limits limits)
    : loop_(loop),
      limits_(limits),
      journal_(worker, journal_database),
      store_(database),
      epoch_(entropy.next() | 1) {}

Bus::~Bus() {
  for (auto& [name, sub] : subs_) {
    for (PullHandle* handle : sub->waiting) handle->sub_ = nullptr;
    for (const auto& [id, stream] : sub->streams) stream->sub_ = nullptr;
  }
}

Status Bus::load() {
  ASSIGN_OR_RETURN(MessageStore::Resources all, store_.load());
  for (auto& [number, topic] : all.topics) {
    const std::string name = topic.name;
    topics_[name] = {number, std::move(topic)};
  }
  for (auto& sub : all.subscriptions) {
    const std::string name = sub.subscription.name;
    auto state = std::make_unique<SubState>(sub.number, sub.topic, std::move(sub.subscription));
    state->idle = Idle(sub.idle);
    set_rules(*state);
    RETURN_IF_ERROR(reload(*state));
    by_number_[state->number] = state.get();
    const auto topic = topics_.find(state->settings.topic);
    if (topic != topics_.end()) topic->second.subs.push_back(state.get());
    subs_[name] = std::move(state);
  }
  for (auto& [number, snapshot] : all.snapshots) {
    const std::string name = snapshot.name;
    snapshots_[name] = std::move(snapshot);
  }
  ASSIGN_OR_RETURN(gone_, store_.orphans());
  upkeep();
  publish_posted();
  return {};
}

void Bus::drain(std::function<void()> done) {
  phase_ = Phase::kDraining;
  upkeep_timer_.cancel();
  for (auto& [name, sub] : subs_) {
    sub->timer.cancel();
    while (!sub->waiting.empty()) sub->waiting.front()->answer(std::vector<Received>());
    end_streams(*sub, Error(Code::kUnavailable, "Thaw is stopping"));
  }
  journal_.flush(std::move(done));
}

Status Bus::reload(SubState& sub) {
  sub.core.clear();
  return store_.backlog(sub.number, [&](const SubscriptionCore::Message& message) {
    sub.core.add(message);
    sub.loaded_up_to = message.id;
  });
}

// ---- publishing ----

std::shared_ptr<Bus::Publication> Bus::prepare(const TopicState& topic,
                                               std::vector<Message> messages) {
  auto publication = std::make_shared<Publication>();
  publication->topic = topic.number;
  publication->published = loop_.wall_now();
  publication->wanted_by.resize(messages.size());
  for (const SubState* sub : topic.subs) {
    if (sub->settings.state != Subscription::State::kActive) continue;
    for (size_t i = 0; i < messages.size(); ++i) {
      if (sub->settings.filter.wants(messages[i].attributes)) {
        publication->wanted_by[i].push_back(sub->number);
      }
    }
  }
  publication->messages = std::move(messages);
  return publication;
}

Status Bus::write(MessageStore store, Publication& publication) {
  for (size_t i = 0; i < publication.messages.size(); ++i) {
    ASSIGN_OR_RETURN(const MessageId id,
                     store.add(publication.topic, publication.published, publication.messages[i],
                               publication.wanted_by[i]));
    publication.ids.push_back(id);
  }
  return {};
}

void Bus::publish(const std::string& topic, std::vector<Message> messages, OnPublished done) {
  const auto found = find_topic(topic);
  if (!found) return done(found.error());
  if (messages.empty() || messages.size() > Message::kMostPerPublish) {
    return done(
        Error(Code::kInvalidArgument, fmt::format("messages: {} messages; a publish has 1 to {}",
                                                  messages.size(), Message::kMostPerPublish)));
  }
  size_t bytes = 0;
  for (const Message& message : messages) bytes += message.size_bytes();
  if (bytes > Message::kLargest) {
    return done(Error(Code::kInvalidArgument,
                      fmt::format("messages: {} bytes together, at most {} are allowed", bytes,
                                  Message::kLargest)));
  }
  const auto publication = prepare(**found, std::move(messages));
  journal_.submit(
      [publication](store::Database& db) { return write(MessageStore(db), *publication); },
      [this, publication, done = std::move(done)](const Status& status) {
        if (!status) return done(status.error());
        deliver(*publication);
        done(publication->ids);
      });
}

/// It is on the disk: to those who want it.
void Bus::deliver(const Publication& publication) {
  std::vector<SubState*> touched;
  for (size_t i = 0; i < publication.ids.size(); ++i) {
    const Message& message = publication.messages[i];
    if (publication.wanted_by[i].empty()) continue;
    for (const SubscriptionNumber number : publication.wanted_by[i]) {
      const auto found = by_number_.find(number);
      if (found == by_number_.end() || found->second->seeks > 0) continue;  // a seek reloads
      if (publication.ids[i] <= found->second->loaded_up_to) continue;
      found->second->core.add({publication.ids[i], static_cast<uint32_t>(message.size_bytes()),
                               message.ordering_key, 0});
      if (std::find(touched.begin(), touched.end(), found->second) == touched.end()) {
        touched.push_back(found->second);
      }
    }
    bodies_.add({publication.ids[i], publication.published, message});
  }
  for (SubState* sub : touched) serve(*sub);
}

void Bus::publish_posted() {
  if (posting_ != Again::kIdle) {
    posting_ = Again::kAgain;
    return;
  }
  constexpr int kAtOnce = 100;
  const auto posted = store_.posted(kAtOnce);
  if (!posted || posted->empty()) return;
  posting_ = Again::kUnderWay;
  auto publications =
      std::make_shared<std::vector<std::pair<int64_t, std::shared_ptr<Publication>>>>();
  for (const MessageStore::Posted& each : *posted) {
    const auto topic = find_topic(each.topic);
    publications->emplace_back(each.number, topic ? prepare(**topic, {each.message}) : nullptr);
  }
  journal_.submit(
      [publications](store::Database& db) -> Status {
        for (auto& [number, publication] : *publications) {
          if (publication) RETURN_IF_ERROR(write(MessageStore(db), *publication));
          RETURN_IF_ERROR(MessageStore(db).remove_posted(number));
        }
        return {};
      },
      [this, publications, full = posted->size() == kAtOnce](const Status& status) {
        const bool again = std::exchange(posting_, Again::kIdle) == Again::kAgain;
        if (!status) return;  // they stay posted; the next call or start tries again
        for (auto& [number, publication] : *publications) {
          if (publication) deliver(*publication);
        }
        if (again || full) publish_posted();
      });
}

// ---- delivering ----

/// Nothing: it was purged.
Result<std::optional<Stored>> Bus::body(MessageId message) {
  if (const Stored* kept = bodies_.find(message)) return std::optional(*kept);
  auto read = store_.read(message);
  if (!read) {
    log_error("a message cannot be read and waits to be delivered again",
              {{"message", static_cast<int64_t>(message)}, {"error", read.error().message()}});
  }
  return read;
}

std::vector<Received> Bus::take(SubState& sub, const PullOptions& options, ConsumerId consumer) {
  const Duration deadline =
      options.deadline > Duration(0) ? options.deadline : seconds(sub.settings.ack_deadline_s);
  std::vector<Received> received;
  if (sub.seeks > 0 || phase_ == Phase::kDraining) return received;
  const WallTime oldest = loop_.wall_now() - sub.settings.retention;
  bool were_any = true;
  while (received.empty() && were_any) {
    bool are_old = false, are_readable = true;
    const auto leases =
        sub.core.pull(loop_.now(), options.most, options.most_bytes, deadline, consumer);
    for (const auto& lease : leases) {
      auto read = body(lease.message);
      are_readable = are_readable && read;
      if (!read) continue;  // it is leased until its deadline
      std::optional<Stored>& stored = *read;
      if (!stored || stored->published < oldest) {  // it was purged meanwhile, or will be
        are_old = are_old || stored;
        sub.core.ack(lease.id, lease.message);
        continue;
      }
      received.push_back(
          {ack_id(lease), *std::move(stored), sub.settings.dead_letter ? lease.attempt : 0});
    }
    if (are_old) drop_old(sub);
    // What is behind many that are old comes when they are dropped: reading them takes long.
    were_any = are_readable && !leases.empty() && !sub.drops_old;
  }
  return received;
}

std::vector<Received> Bus::take(const std::string& subscription, const PullOptions& options) {
  const auto found = find_sub(subscription);
  if (!found) return {};
  expire(**found);
  std::vector<Received> received = take(**found, options);
  arm(**found);
  return received;
}

/// Gives what waits to those who wait for it.
void Bus::serve(SubState& sub) {
  expire(sub);
  while (!sub.waiting.empty() && sub.core.has_waiting()) {
    std::vector<Received> received = take(sub, sub.waiting.front()->options_);
    if (received.empty()) break;
    sub.waiting.front()->answer(std::move(received));
  }
  serve_streams(sub);
  arm(sub);
  if (!sub.settings.push || !sub.core.has_waiting() || phase_ == Phase::kDraining) return;
  const std::string name = sub.settings.name;
  for (Listener* listener : listeners_) listener->on_available(name);
}

void Bus::expire(SubState& sub) {
  for (const auto& failure : sub.core.expire(loop_.now())) failed(sub, failure);
}

void Bus::arm(SubState& sub) {
  const Instant when = sub.core.wake_at();
  if (when == sub.timer_at) return;
  sub.timer_at = when;
  sub.timer.cancel();
  if (when == Instant::max() || phase_ == Phase::kDraining) return;
  sub.timer = loop_.at(when, [this, number = sub.number] {
    const auto found = by_number_.find(number);
    if (found == by_number_.end()) return;
    found->second->timer_at = Instant::max();
    serve(*found->second);
  });
}

void Bus::failed(SubState& sub, const SubscriptionCore::Failure& failure) {
  if (failure.fate == SubscriptionCore::Failure::Fate::kDead) return dead_letter(sub, failure);
  if (!sub.settings.dead_letter) return;
  journal_.submit(
      [number = sub.number, failure](store::Database& db) {
        return MessageStore(db).set_failures(number, failure.message, failure.failures);
      },
      [](const Status&) {});
}

/// Moves it to the dead-letter topic: there and gone from here in one transaction.
void Bus::dead_letter(SubState& sub, const SubscriptionCore::Failure& failure) {
  auto read = body(failure.message);
  const auto topic = find_topic(sub.settings.dead_letter->topic);
  const auto revive = [this, number = sub.number, failure] {
    const auto found = by_number_.find(number);
    if (found == by_number_.end() || found->second->seeks > 0) return;
    found->second->core.revive(loop_.now(), {failure.message, 0, "", failure.failures - 1});
    arm(*found->second);
  };
  if (read && !*read) return;
  if (!read || !topic) return revive();
  Stored& stored = **read;
  Message message = std::move(stored.message);
  const auto note = [&](std::string_view what, std::string value) {
    message.attributes.emplace_back(fmt::format("CloudPubSubDeadLetterSource{}", what),
                                    std::move(value));
  };
  note("DeliveryCount", std::to_string(failure.failures));
  note("Subscription", std::string(id_of(sub.settings.name)));
  note("SubscriptionProject", std::string(project_of(sub.settings.name)));
  note("TopicPublishTime", format_rfc3339(stored.published));
  const auto publication = prepare(**topic, {std::move(message)});
  journal_.submit(
      [publication, number = sub.number, failure,
       acked = sub.settings.acked](store::Database& db) -> Status {
        RETURN_IF_ERROR(write(MessageStore(db), *publication));
        const auto taken = MessageStore(db).acknowledge(number, failure.message, acked);
        return taken ? Status() : Status(taken.error());
      },
      [this, publication, revive](const Status& status) {
        return status ? deliver(*publication) : revive();
      });
}

}  // namespace thaw::messaging
