#include "pubsub_api/streaming_pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace thaw::pubsub_api {
namespace {

using messaging::Bus;
using messaging::DeliveryRules;

constexpr int64_t kShortestDeadline = 10, kLongestDeadline = 600;  // seconds

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Status check_deadline(int64_t deadline_s) {
  if (deadline_s >= kShortestDeadline && deadline_s <= kLongestDeadline) return {};
  return invalid(fmt::format("stream_ack_deadline_seconds: {} is not between {} and {}", deadline_s,
                             kShortestDeadline, kLongestDeadline));
}

Bus::StreamOptions options_of(const StreamRequest& request) {
  Bus::StreamOptions options{.deadline = seconds(request.stream_deadline_s)};
  if (request.most_messages > 0) {
    options.limits.messages = static_cast<size_t>(request.most_messages);
  }
  if (request.most_bytes > 0) options.limits.bytes = static_cast<uint64_t>(request.most_bytes);
  return options;
}

/// Which of `asked` took effect and which did not.
StreamResponse::Confirmation confirmation(const std::vector<std::string>& asked,
                                          const std::vector<std::string>& ignored) {
  StreamResponse::Confirmation told;
  for (const std::string& id : asked) {
    const bool failed = std::find(ignored.begin(), ignored.end(), id) != ignored.end();
    (failed ? told.invalid : told.done).push_back(id);
  }
  return told;
}

}  // namespace

StreamingPull::StreamingPull(Service& service, io::Loop& loop, Wire& wire)
    : service_(service), loop_(loop), wire_(wire) {}

void StreamingPull::on_request(std::string_view bytes) {
  if (phase_ == Phase::kEnded) return;
  const auto request = read_stream_request(bytes);
  if (!request) return end(request.error());
  const Status taken = subscription_.empty() ? open(*request) : change(*request);
  if (!taken) return end(taken);
  acknowledge(*request);
  modify(*request);
}

Status StreamingPull::open(const StreamRequest& request) {
  if (request.subscription.empty()) {
    return invalid("subscription: the first request of a stream must name it");
  }
  RETURN_IF_ERROR(check_deadline(request.stream_deadline_s));
  ASSIGN_OR_RETURN(stream_,
                   service_.bus().open_stream(request.subscription, options_of(request), *this));
  subscription_ = request.subscription;
  closing_ = loop_.after(kLongest, [this] {
    end(Error(Code::kUnavailable, "the stream was open for long and is closed: open it again"));
  });
  stream_->resume();
  return {};
}

Status StreamingPull::change(const StreamRequest& request) {
  if (!request.subscription.empty() && request.subscription != subscription_) {
    return invalid("subscription: only the first request of a stream may name it");
  }
  if (request.most_messages != 0 || request.most_bytes != 0) {
    return invalid(
        "max_outstanding_messages, max_outstanding_bytes: only the first request of a stream may "
        "set them");
  }
  if (request.stream_deadline_s == 0) return {};
  RETURN_IF_ERROR(check_deadline(request.stream_deadline_s));
  stream_->set_deadline(seconds(request.stream_deadline_s));
  return {};
}

void StreamingPull::acknowledge(const StreamRequest& request) {
  if (request.ack_ids.empty() || phase_ == Phase::kEnded) return;
  service_.acknowledge(
      subscription_, request.ack_ids,
      [this, alive = std::weak_ptr(alive_), asked = request.ack_ids](const Answer<void>& effect) {
        if (alive.expired() || phase_ == Phase::kEnded) return;
        if (!effect && effect.error().ack_ids.empty()) return end(effect.error().error);
        StreamResponse response = blank();
        response.acknowledged =
            confirmation(asked, effect ? std::vector<std::string>() : effect.error().ack_ids);
        confirm(std::move(response));
      });
}

/// Deadlines of the same length go together.
void StreamingPull::modify(const StreamRequest& request) {
  std::map<int64_t, std::vector<std::string>> by_length;
  for (const auto& [id, length] : request.deadlines) by_length[length].push_back(id);
  StreamResponse response = blank();
  for (const auto& [length, ids] : by_length) {
    if (phase_ == Phase::kEnded) return;
    const Answer<void> effect = service_.modify_deadline(subscription_, ids, length);
    if (!effect && effect.error().ack_ids.empty()) return end(effect.error().error);
    auto told = confirmation(ids, effect ? std::vector<std::string>() : effect.error().ack_ids);
    std::move(told.done.begin(), told.done.end(), std::back_inserter(response.modified.done));
    std::move(told.invalid.begin(), told.invalid.end(),
              std::back_inserter(response.modified.invalid));
  }
  confirm(std::move(response));
}

/// A response that has the subscription's properties only.
StreamResponse StreamingPull::blank() const {
  StreamResponse response;
  const auto flags = service_.bus().flags(subscription_);
  if (flags.acks == DeliveryRules::Acks::kExactlyOnce) {
    response.acks = StreamResponse::Acks::kExactlyOnce;
  }
  if (flags.order == DeliveryRules::Order::kByKey) response.order = StreamResponse::Order::kByKey;
  return response;
}

void StreamingPull::confirm(StreamResponse response) {
  if (phase_ == Phase::kEnded || response.acks != StreamResponse::Acks::kExactlyOnce) return;
  if (response.acknowledged.empty() && response.modified.empty()) return;
  (void)wire_.send(write_stream_response(response));
}

StreamingPull::Flow StreamingPull::on_messages(std::vector<messaging::Received> received) {
  StreamResponse response = blank();
  response.received = std::move(received);
  return wire_.send(write_stream_response(response));
}

void StreamingPull::on_writable() {
  if (phase_ == Phase::kOpen && stream_ != nullptr) stream_->resume();
}

void StreamingPull::on_half_close() { end({}); }

void StreamingPull::end(const Status& status) {
  if (std::exchange(phase_, Phase::kEnded) == Phase::kEnded) return;
  closing_.cancel();
  stream_.reset();
  wire_.on_end(status);
}

}  // namespace thaw::pubsub_api
