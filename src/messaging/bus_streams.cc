// The bus's streams: who of them gets what is decided by consumers.h.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "messaging/bus.h"

namespace thaw::messaging {
namespace {

constexpr size_t kMostAtOnce = 1000;
constexpr uint64_t kMostBytesAtOnce = 1 << 20;

}  // namespace

Result<std::unique_ptr<Bus::StreamHandle>> Bus::open_stream(const std::string& subscription,
                                                            const StreamOptions& options,
                                                            StreamSink& sink) {
  ASSIGN_OR_RETURN(SubState * sub, find_sub(subscription));
  RETURN_IF_ERROR(may_pull(*sub));
  sub->idle.used();
  if (phase_ == Phase::kDraining) return Error(Code::kUnavailable, "Thaw is stopping");
  if (sub->streams.size() >= limits_.streams) {
    return Error(Code::kResourceExhausted,
                 fmt::format("{}: has {} streams already, the most that are allowed", subscription,
                             limits_.streams));
  }
  return std::unique_ptr<StreamHandle>(new StreamHandle(*this, *sub, options, sink));
}

/// Gives what waits to the streams, a portion each.
void Bus::serve_streams(SubState& sub) {
  std::vector<ConsumerId> dry;
  while (const auto grant = sub.core.grant(dry)) {
    StreamHandle* const stream = sub.streams.at(grant->consumer);
    const size_t before = sub.core.backlog();
    std::vector<Received> received = take(sub,
                                          {.most = std::min(grant->most, kMostAtOnce),
                                           .most_bytes = kMostBytesAtOnce,
                                           .deadline = stream->options_.deadline},
                                          grant->consumer);
    if (received.empty()) {
      if (sub.core.backlog() == before || sub.drops_old) dry.push_back(grant->consumer);
      continue;
    }
    if (stream->sink_.on_messages(std::move(received)) == StreamSink::Flow::kGoOn) continue;
    sub.core.set_consumer_state(grant->consumer, Consumers::State::kPaused);
  }
}

void Bus::end_streams(SubState& sub, const Error& error) {
  const auto ended = std::exchange(sub.streams, {});
  for (const auto& [id, stream] : ended) {
    sub.core.remove_consumer(id);
    stream->sub_ = nullptr;
  }
  for (const auto& [id, stream] : ended) stream->sink_.on_end(error);
}

Bus::StreamHandle::StreamHandle(Bus& owner, SubState& sub, StreamOptions options, StreamSink& sink)
    : owner_(owner),
      sub_(&sub),
      options_(options),
      sink_(sink),
      id_(sub.core.add_consumer(options.limits)) {
  sub.core.set_consumer_state(id_, Consumers::State::kPaused);
  sub.streams[id_] = this;
}

Bus::StreamHandle::~StreamHandle() {
  if (sub_ == nullptr) return;
  sub_->streams.erase(id_);
  sub_->core.remove_consumer(id_);
}

void Bus::StreamHandle::resume() {
  if (sub_ == nullptr) return;
  sub_->core.set_consumer_state(id_, Consumers::State::kReady);
  owner_.serve(*sub_);
}

}  // namespace thaw::messaging
