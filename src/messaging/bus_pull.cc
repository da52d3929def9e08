// What subscribers do with the bus: pulling, acknowledging, changing deadlines.
#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "messaging/bus.h"

namespace thaw::messaging {

struct Bus::AckId {
  uint64_t epoch;
  LeaseId lease;
  MessageId message;
};

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
  sub.idle.used();
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
  sub.idle.used();
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
  sub->idle.used();
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
