#include "messaging/bus.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

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

struct Bus::AckId {
  uint64_t epoch;
  LeaseId lease;
  MessageId message;
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
  if (posting_ != Posting::kIdle) {
    posting_ = Posting::kAgain;
    return;
  }
  constexpr int kAtOnce = 100;
  const auto posted = store_.posted(kAtOnce);
  if (!posted || posted->empty()) return;
  posting_ = Posting::kUnderWay;
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
        const bool again = std::exchange(posting_, Posting::kIdle) == Posting::kAgain;
        if (!status) return;  // they stay posted; the next call or start tries again
        for (auto& [number, publication] : *publications) {
          if (publication) deliver(*publication);
        }
        if (again || full) publish_posted();
      });
}

// ---- delivering ----

std::string Bus::ack_id(const SubscriptionCore::Lease& lease) const {
  return fmt::format("{:x}-{:x}-{:x}", epoch_, lease.id, lease.message);
}

std::optional<Bus::AckId> Bus::parse_ack_id(const std::string& text) const {
  AckId id{};
  const char* at = text.data();
  const char* end = at + text.size();
  const auto number = [&](auto& value, bool last) {
    const auto [stop, fault] = std::from_chars(at, end, value, 16);
    if (fault != std::errc() || (last ? stop != end : stop == end || *stop != '-')) return false;
    at = stop + (last ? 0 : 1);
    return true;
  };
  const bool is_one =
      number(id.epoch, false) && number(id.lease, false) && number(id.message, true);
  return is_one ? std::optional(id) : std::nullopt;
}

std::optional<Stored> Bus::body(MessageId message) {
  if (const Stored* kept = bodies_.find(message)) return *kept;
  auto read = store_.read(message);
  return read ? *std::move(read) : std::nullopt;
}

std::vector<Received> Bus::take(SubState& sub, const PullOptions& options, ConsumerId consumer) {
  const Duration deadline =
      options.deadline > Duration(0) ? options.deadline : seconds(sub.settings.ack_deadline_s);
  std::vector<Received> received;
  if (sub.seeks > 0 || phase_ == Phase::kDraining) return received;
  for (const auto& lease :
       sub.core.pull(loop_.now(), options.most, options.most_bytes, deadline, consumer)) {
    auto stored = body(lease.message);
    if (!stored) {  // it was purged meanwhile
      sub.core.ack(lease.id, lease.message);
      continue;
    }
    received.push_back(
        {ack_id(lease), *std::move(stored), sub.settings.dead_letter ? lease.attempt : 0});
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
  auto stored = body(failure.message);
  const auto topic = find_topic(sub.settings.dead_letter->topic);
  const auto revive = [this, number = sub.number, failure] {
    const auto found = by_number_.find(number);
    if (found == by_number_.end() || found->second->seeks > 0) return;
    found->second->core.revive(loop_.now(), {failure.message, 0, "", failure.failures - 1});
    arm(*found->second);
  };
  if (!stored) return;
  if (!topic) return revive();
  Message message = std::move(stored->message);
  const auto note = [&](std::string_view what, std::string value) {
    message.attributes.emplace_back(fmt::format("CloudPubSubDeadLetterSource{}", what),
                                    std::move(value));
  };
  note("DeliveryCount", std::to_string(failure.failures));
  note("Subscription", std::string(id_of(sub.settings.name)));
  note("SubscriptionProject", std::string(project_of(sub.settings.name)));
  note("TopicPublishTime", format_rfc3339(stored->published));
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

// ---- pulling ----

std::unique_ptr<Bus::PullHandle> Bus::pull(const std::string& subscription,
                                           const PullOptions& options, OnPulled done) {
  std::unique_ptr<PullHandle> handle(new PullHandle(*this, options, std::move(done)));
  const auto found = find_sub(subscription);
  if (!found) {
    handle->answer(found.error());
    return handle;
  }
  SubState& sub = **found;
  if (const Status may = may_pull(sub); !may) {
    handle->answer(may.error());
    return handle;
  }
  expire(sub);
  std::vector<Received> received = take(sub, options);
  arm(sub);
  const bool waits = received.empty() && options.wait > Duration(0) && phase_ == Phase::kServing &&
                     sub.waiting.size() < limits_.waiting_pulls;
  if (!waits) {
    handle->answer(std::move(received));
    return handle;
  }
  handle->sub_ = &sub;
  handle->place_ = sub.waiting.insert(sub.waiting.end(), handle.get());
  handle->timer_ =
      loop_.after(options.wait, [h = handle.get()] { h->answer(std::vector<Received>()); });
  return handle;
}

Status Bus::may_pull(const SubState& sub) {
  if (sub.settings.state == Subscription::State::kDetached) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("{}: is detached from its topic", sub.settings.name));
  }
  if (sub.settings.push) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("{}: pushes to {}; take its pushConfig away to pull from it",
                             sub.settings.name, sub.settings.push->endpoint));
  }
  return {};
}

Bus::PullHandle::~PullHandle() {
  if (sub_ != nullptr) sub_->waiting.erase(place_);
}

void Bus::PullHandle::answer(Result<std::vector<Received>> received) {
  if (sub_ != nullptr) std::exchange(sub_, nullptr)->waiting.erase(place_);
  timer_.cancel();
  if (const OnPulled done = std::exchange(done_, nullptr)) done(std::move(received));
}

// ---- acknowledging ----

void Bus::acknowledge(const std::string& subscription, const std::vector<std::string>& ack_ids,
                      OnAcknowledged done) {
  const auto found = find_sub(subscription);
  if (!found) return done(found.error());
  SubState& sub = **found;
  Ignored ignored;
  std::vector<MessageId> messages;
  auto earlier = std::make_shared<std::vector<MessageId>>();  // leased before the last start
  const bool exact = sub.settings.acks == DeliveryRules::Acks::kExactlyOnce;
  for (const std::string& text : ack_ids) {
    const auto id = parse_ack_id(text);
    if (!id) {
      return done(Error(Code::kInvalidArgument,
                        fmt::format("ackIds: '{:.60}' is no ack ID of this server", text)));
    }
    if (id->epoch != epoch_ && !exact) {
      earlier->push_back(id->message);
    } else if (const auto message = sub.core.ack(id->lease, id->message);
               message && id->epoch == epoch_) {
      messages.push_back(*message);
    } else {
      ignored.ack_ids.push_back(text);
    }
  }
  serve(sub);  // of an ordering key the next may come
  if (messages.empty() && earlier->empty()) return done(std::move(ignored));
  journal_.submit(
      [messages, earlier, number = sub.number,
       acked = sub.settings.acked](store::Database& db) -> Status {
        for (const MessageId message : messages) {
          const auto known = MessageStore(db).acknowledge(number, message, acked);
          if (!known) return known.error();
        }
        std::vector<MessageId> waited;
        for (const MessageId message : *earlier) {
          ASSIGN_OR_RETURN(const bool did, MessageStore(db).acknowledge(number, message, acked));
          if (did) waited.push_back(message);
        }
        *earlier = std::move(waited);
        return {};
      },
      [this, number = sub.number, earlier, ignored = std::move(ignored),
       done = std::move(done)](const Status& status) {
        if (!status) return done(status.error());
        const auto sub_of = by_number_.find(number);
        for (const MessageId message : *earlier) {
          if (sub_of != by_number_.end()) sub_of->second->core.take_away(message);
        }
        done(ignored);
      });
}

Result<Bus::Ignored> Bus::modify(const std::string& subscription,
                                 const std::vector<std::string>& ack_ids, int seconds_left) {
  ASSIGN_OR_RETURN(SubState * sub, find_sub(subscription));
  if (seconds_left < 0 || seconds_left > 600) {
    return Error(Code::kInvalidArgument,
                 fmt::format("ackDeadlineSeconds: {} is not between 0 and 600", seconds_left));
  }
  Ignored ignored;
  for (const std::string& text : ack_ids) {
    const auto id = parse_ack_id(text);
    if (!id) {
      return Error(Code::kInvalidArgument,
                   fmt::format("ackIds: '{:.60}' is no ack ID of this server", text));
    }
    bool did = false;
    if (id->epoch == epoch_ && seconds_left > 0) {
      did = sub->core.extend(loop_.now(), id->lease, seconds(seconds_left));
    } else if (id->epoch == epoch_) {
      const auto failure = sub->core.nack(loop_.now(), id->lease);
      did = failure.has_value();
      if (failure) failed(*sub, *failure);
    }
    if (!did) ignored.ack_ids.push_back(text);
  }
  serve(*sub);
  return ignored;
}

}  // namespace thaw::messaging
