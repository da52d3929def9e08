// Pusher: posts the messages of push subscriptions to their endpoints.
//
// The body is Pub/Sub's (wrapped, or the data alone with metadata as headers); 102, 200, 201, 202
// and 204 acknowledge, everything else and no answer within the ack deadline is a failure. How many
// are under way: push_pace.h.
//
// **Thread**: the loop's. **Owner**: bus, client, loop and targets outlive it. **Limits**: 1000
// pushes of a subscription at once; 1 MiB of an answer is read, then the connection is closed.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "http/client.h"
#include "io/loop.h"
#include "messaging/bus.h"
#include "messaging/endpoint.h"
#include "messaging/push_pace.h"

namespace thaw::messaging {

/// Where endpoints are; the platform knows its own services.
class PushTargets {
 public:
  struct Target {
    io::SocketAddress address;
    int places = 0;  // requests that the service takes at once; 0: it is none of ours
  };
  virtual ~PushTargets() = default;
  /// kInvalidArgument: its name leads nowhere.
  virtual Result<Target> find(const Endpoint& endpoint) const = 0;
  /// An identity token of the account for the audience, for a subscription with an oidcToken.
  virtual Result<std::string> token(const std::string& account, const std::string& audience) const {
    static_cast<void>(audience);
    return Error(Code::kUnimplemented, "there are no identity tokens for " + account);
  }
};

class Pusher final : private Bus::Listener {
 public:
  Pusher(Bus& bus, io::Loop& loop, io::Net& net, const PushTargets& targets);
  ~Pusher();

  /// Begins with what waits already.
  void start();
  /// What is under way is cut off; its messages come again.
  void stop();
  size_t under_way() const { return under_way_; }

  /// Of the pushes under way to the host, or with "" to any: the hops of what they lead to
  /// (hops.h); 0 when there is none.
  int hops_beyond(std::string_view host) const;
  /// Told of each message that was acknowledged without a push, because it came round too often.
  using OnLoop = std::function<void(const Subscription& subscription, const Stored& stored)>;
  void on_loop(OnLoop tell) { on_loop_ = std::move(tell); }

 private:
  struct Delivery;
  struct State {
    PushPace pace;
    Instant lost_until = Instant::min();  // its endpoint leads nowhere, and that was told
    std::map<uint64_t, std::unique_ptr<Delivery>> deliveries;
    io::Timer timer;
  };
  void on_available(const std::string& subscription) override { pump(subscription); }
  void on_changed(const std::string& subscription) override;
  void pump(const std::string& subscription);
  void send(const Subscription& subscription, State& state, const Endpoint& endpoint,
            const PushTargets::Target& target, Received received);
  void finish(std::string subscription, uint64_t number);

  Bus& bus_;
  io::Loop& loop_;
  http::Client client_;
  const PushTargets& targets_;
  std::map<std::string, State> states_;
  uint64_t last_number_ = 0;
  size_t under_way_ = 0;
  OnLoop on_loop_ = [](const Subscription&, const Stored&) {};
  enum class Phase { kIdle, kRunning, kStopped } phase_ = Phase::kIdle;
};

/// The request that carries `received`, without Host and Authorization. Pure.
http::Request push_request(const Subscription& subscription, const Received& received);
/// Whether the endpoint's status acknowledges.
bool is_ack(int status);

}  // namespace thaw::messaging
