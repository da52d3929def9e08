#include "pubsub_api/grpc.h"

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "pubsub_api/methods.h"
#include "pubsub_api/streaming_pull.h"
#include "rpc/status.h"

namespace thaw::pubsub_api {
namespace {

constexpr Duration kBeforeDeadline = milliseconds(500);
constexpr std::string_view kStreamingPull = "/google.pubsub.v1.Subscriber/StreamingPull";

/// A unary call that waits for its answer.
struct Waiting {
  explicit Waiting(rpc::Unary u) : unary(std::move(u)) {}
  rpc::Unary unary;
  Service::Pending pending;
  enum class Phase { kOpen, kAnswered } phase = Phase::kOpen;
};

}  // namespace

/// One StreamingPull and its call.
class Grpc::Stream final : public StreamingPull::Wire {
 public:
  Stream(Grpc& owner, uint64_t number, rpc::Call call)
      : owner_(owner),
        number_(number),
        call_(std::move(call)),
        pull_(owner.service_, owner.loop_, *this) {}

  void begin() {
    call_.when_gone([this] { owner_.drop_later(number_); });
    call_.send_metadata();
    read();
  }

 private:
  void read() {
    call_.next([this](rpc::Call::Got got, const std::string& request) {
      if (got == rpc::Call::Got::kEnd) return pull_.on_half_close();
      if (got != rpc::Call::Got::kMessage) return;
      pull_.on_request(request);
      if (phase_ == Phase::kOpen) read();
    });
  }

  Flow send(std::string response) override {
    if (call_.send(response) == rpc::Call::Flow::kGoOn) return Flow::kGoOn;
    call_.when_writable([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) pull_.on_writable();
    });
    return Flow::kWait;
  }

  void on_end(const Status& status) override {
    phase_ = Phase::kEnded;
    call_.finish(status);
    owner_.drop_later(number_);
  }

  Grpc& owner_;
  uint64_t number_;
  rpc::Call call_;
  StreamingPull pull_;
  enum class Phase { kOpen, kEnded } phase_ = Phase::kOpen;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

Grpc::Grpc(Service& service, io::Loop& loop, rpc::Router& router)
    : service_(service), loop_(loop), calls_(service) {
  for (const std::string& path : grpc_paths()) {
    router.add_unary(path, [this](rpc::Unary unary) { answer(std::move(unary)); });
  }
  router.add(std::string(kStreamingPull), [this](rpc::Call call) { open(std::move(call)); });
}

Grpc::~Grpc() = default;

Service::Context Grpc::context_of(const rpc::Unary& unary) const {
  const auto deadline = unary.deadline();
  if (!deadline) return {};
  return {.longest_wait = std::max(*deadline - loop_.now() - kBeforeDeadline, Duration(0))};
}

void Grpc::answer(rpc::Unary unary) {
  auto waiting = std::make_shared<Waiting>(std::move(unary));
  waiting->unary.when_gone([weak = std::weak_ptr(waiting)] {
    if (const auto gone = weak.lock()) gone->pending.reset();
  });
  auto pending = calls_.call(
      waiting->unary.method(), waiting->unary.message(), context_of(waiting->unary),
      [this, waiting](Answer<std::string> answer) {
        waiting->phase = Waiting::Phase::kAnswered;
        if (answer) {
          waiting->unary.answer(*std::move(answer));
        } else {
          const Fault& fault = answer.error();
          http::Headers trailing;
          const std::string details = calls_.details(fault, rpc::status_number(fault.error.code()));
          if (!details.empty()) trailing.add("grpc-status-details-bin", base64(details));
          waiting->unary.answer(fault.error, std::move(trailing));
        }
        waiting->pending.reset();
      });
  if (waiting->phase == Waiting::Phase::kOpen) waiting->pending = std::move(pending);
}

void Grpc::open(rpc::Call call) {
  const uint64_t number = ++last_number_;
  auto& stream = streams_[number] = std::make_unique<Stream>(*this, number, std::move(call));
  stream->begin();
}

/// A stream must not be destroyed inside what it called.
void Grpc::drop_later(uint64_t number) {
  loop_.post([this, number, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) streams_.erase(number);
  });
}

}  // namespace thaw::pubsub_api
