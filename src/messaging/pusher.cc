#include "messaging/pusher.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "http/text.h"
#include "messaging/cloud_event.h"
#include "messaging/hops.h"

namespace thaw::messaging {
namespace {

/// The lease outlives the wait for the answer, so that a late answer's fate is decided once.
constexpr Duration kLeaseSlack = seconds(5);
constexpr Duration kRetryAfter = seconds(60);  // when the endpoint leads nowhere
constexpr size_t kMostRead = 1 << 20;          // bytes of an answer's body, that are thrown away

bool may_be_header(std::string_view name, std::string_view value) {
  const auto is_token = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  };
  const auto is_text = [](char c) { return c == '\t' || (c >= ' ' && c <= '~'); };
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token) &&
         std::all_of(value.begin(), value.end(), is_text);
}

/// What an attribute must not be able to set.
bool is_ours(std::string_view name) {
  const std::string lower = http::lower_case(name);
  constexpr std::string_view kOurs[] = {
      "host",          "content-length",    "connection", "user-agent",
      "authorization", "transfer-encoding", "upgrade",    "te",
      "expect",        "trailer",           "keep-alive", "proxy-authorization"};
  return std::find(std::begin(kOurs), std::end(kOurs), lower) != std::end(kOurs);
}

}  // namespace

bool is_ack(int status) {
  return status == 102 || status == 200 || status == 201 || status == 202 || status == 204;
}

http::Request push_request(const Subscription& subscription, const Received& received) {
  http::Request request{.method = "POST"};
  request.headers.add("user-agent", "CloudPubSub-Google");
  const Stored& stored = received.stored;
  if (wants_cloud_events(subscription)) {
    const Json wrapped = Json::object(
        {{"message", to_json(stored, Spelling::kBoth)}, {"subscription", subscription.name}});
    return cloud_event(subscription, stored, wrapped.dump());
  }
  if (subscription.push->wrapping == PushConfig::Wrapping::kWrapped) {
    Json body = Json::object(
        {{"message", to_json(stored, Spelling::kBoth)}, {"subscription", subscription.name}});
    if (received.attempt > 0) body.set("deliveryAttempt", received.attempt);
    request.headers.add("content-type", "application/json");
    request.body = body.dump();
    return request;
  }
  request.body = stored.message.data;
  if (subscription.push->wrapping == PushConfig::Wrapping::kPlain) return request;
  request.headers.add("x-goog-pubsub-message-id", std::to_string(stored.id));
  request.headers.add("x-goog-pubsub-publish-time", format_rfc3339(stored.published));
  request.headers.add("x-goog-pubsub-subscription-name", subscription.name);
  if (may_be_header("x-goog-pubsub-ordering-key", stored.message.ordering_key) &&
      !stored.message.ordering_key.empty()) {
    request.headers.add("x-goog-pubsub-ordering-key", stored.message.ordering_key);
  }
  for (const auto& [key, value] : stored.message.attributes) {
    if (may_be_header(key, value) && !is_ours(key)) request.headers.add(key, value);
  }
  return request;
}

struct Pusher::Delivery {
  std::string ack_id;
  std::string host;
  int hops;
  int status = 0;  // 0: no answer yet
  size_t read = 0;
  io::Timer timer = {};  // of the whole answer
  std::unique_ptr<http::Call> call = nullptr;
};

Pusher::Pusher(Bus& bus, io::Loop& loop, io::Net& net, const PushTargets& targets)
    : bus_(bus), loop_(loop), client_(net, loop), targets_(targets) {
  bus_.add_listener(*this);
}

Pusher::~Pusher() { stop(); }

void Pusher::start() {
  phase_ = Phase::kRunning;
  for (const std::string& name : bus_.pushed()) pump(name);
}

void Pusher::stop() {
  phase_ = Phase::kStopped;
  states_.clear();
  under_way_ = 0;
}

void Pusher::on_changed(const std::string& subscription) {
  const auto known = bus_.subscription(subscription);
  const auto state = states_.find(subscription);
  if (known && known->push) {
    if (state != states_.end()) state->second.lost_until = Instant::min();
    return pump(subscription);
  }
  if (state == states_.end()) return;
  under_way_ -= state->second.deliveries.size();
  states_.erase(state);
}

void Pusher::pump(const std::string& name) {
  if (phase_ != Phase::kRunning) return;
  const auto subscription = bus_.subscription(name);
  if (!subscription || !subscription->push) return;
  State& state = states_[name];
  const Instant now = loop_.now();
  if (now < state.lost_until) return;
  const auto endpoint = parse_endpoint(subscription->push->endpoint);
  const auto target =
      endpoint ? targets_.find(*endpoint) : Result<PushTargets::Target>(endpoint.error());
  if (!target) {
    log_warning("cannot push", {{"subscription", name}, {"why", target.error().message()}});
    state.lost_until = now + kRetryAfter;
    state.timer = loop_.at(state.lost_until, [this, name] { pump(name); });
    return;
  }
  const int room = state.pace.room(now, static_cast<int>(state.deliveries.size()), target->places);
  if (room == 0) {
    if (state.deliveries.empty()) {
      state.timer = loop_.at(state.pace.paused_until(), [this, name] { pump(name); });
    }
    return;
  }
  const Bus::PullOptions options{.most = static_cast<size_t>(room),
                                 .deadline = seconds(subscription->ack_deadline_s) + kLeaseSlack};
  for (Received& received : bus_.take(name, options)) {
    send(*subscription, state, *endpoint, *target, std::move(received));
  }
}

void Pusher::send(const Subscription& subscription, State& state, const Endpoint& endpoint,
                  const PushTargets::Target& target, Received received) {
  const int hops = hops_of(received.stored.message);
  if (hops >= kMostHops) {
    on_loop_(subscription, received.stored);
    bus_.acknowledge(subscription.name, {std::move(received.ack_id)}, [](const auto&) {});
    state.timer = loop_.after(Duration(0), [this, name = subscription.name] { pump(name); });
    return;
  }
  http::Request request = push_request(subscription, received);
  request.target = endpoint.target;
  request.headers.add("host", endpoint.authority());
  if (const auto& oidc = subscription.push->oidc) {
    // Without an audience it is the endpoint's URL (Pub/Sub's PushConfig.OidcToken).
    const std::string& audience =
        oidc->audience.empty() ? subscription.push->endpoint : oidc->audience;
    const auto token = targets_.token(oidc->service_account_email, audience);
    if (token) {
      request.headers.add("authorization", "Bearer " + *token);
    } else {  // the endpoint decides
      log_warning("a push goes without its identity token",
                  {{"subscription", subscription.name}, {"why", token.error().message()}});
    }
  }
  const uint64_t number = ++last_number_;
  Delivery& delivery =
      *(state.deliveries[number] = std::make_unique<Delivery>(
            Delivery{.ack_id = std::move(received.ack_id), .host = endpoint.host, .hops = hops}));
  ++under_way_;
  const Duration deadline = seconds(subscription.ack_deadline_s);
  const auto end = [this, name = subscription.name, number] { finish(name, number); };
  delivery.timer = loop_.after(deadline, end);
  delivery.call = client_.stream(
      target.address, std::move(request), deadline,
      {.on_head = [&delivery](const http::Response& head) { delivery.status = head.status; },
       .on_content =
           [&delivery, end](std::string_view content) {
             delivery.read += content.size();
             if (delivery.read > kMostRead) end();
           },
       .on_end = [end](const Status&) { end(); }});
}

int Pusher::hops_beyond(std::string_view host) const {
  int most = 0;
  for (const auto& [name, state] : states_) {
    for (const auto& [number, delivery] : state.deliveries) {
      if (host.empty() || delivery->host == host) most = std::max(most, delivery->hops + 1);
    }
  }
  return most;
}

/// The status decides, whatever becomes of the body behind it.
void Pusher::finish(std::string name, uint64_t number) {
  const auto found = states_.find(name);
  if (found == states_.end()) return;
  // The call is under way still: it must not be destroyed inside its callback before this returns.
  const auto done = found->second.deliveries.extract(number);
  if (done.empty()) return;
  --under_way_;
  Delivery& delivery = *done.mapped();
  if (is_ack(delivery.status)) {
    found->second.pace.succeeded();
    bus_.acknowledge(name, {std::move(delivery.ack_id)}, [](const auto&) {});
  } else {
    found->second.pace.failed(loop_.now());
    (void)bus_.modify(name, {delivery.ack_id}, 0);
  }
  pump(name);
}

}  // namespace thaw::messaging
