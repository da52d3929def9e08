#include "gateway/exchange.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/check.h"
#include "gateway/client_connection.h"
#include "gateway/forwarding.h"

namespace thaw::gateway {
namespace {

constexpr int kMaxAttempts = 3;  // connections refused before the instance is asked after
constexpr size_t kNamesInReply = 20;
constexpr size_t kKept = 4 << 10;  // of a buffer, by an idle connection
constexpr std::string_view kChallengePath = "/.well-known/acme-challenge/";

/// RFC 9110, 9.2.2.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE" || method == "TRACE";
}

bool is_loopback(std::string_view ip) { return ip.substr(0, 4) == "127." || ip == "::1"; }

/// Whether a proxy brought the request here from somebody else, as far as proxies say so.
bool came_by_proxy(const http::RequestHead& head) {
  for (const char* name : {"x-forwarded-for", "forwarded", "via", "x-real-ip", "x-forwarded-host",
                           "x-forwarded-proto", "cf-connecting-ip", "true-client-ip"}) {
    if (head.find(name) != nullptr) return true;
  }
  return false;
}

}  // namespace

Exchange::~Exchange() { release(); }

void Exchange::reset(const http::RequestHead& head) {
  arrived_ = core_.loop.now();
  attempts_ = 0;
  request_head_.clear();
  request_body_ = http::BodyReader(head.framing, head.content_length);
  request_trailers_.clear();
  request_body_.keep_trailers(request_trailers_);
  head_sent_ = request_lost_ = asked_again_ = false;
  is_idempotent_ = is_idempotent(head.method);
  request_done_ = request_body_.is_done();
  request_chunked_ = head.framing == http::Framing::kChunked;
  wants_continue_ = head.expects_continue && !request_done_;
  wants_upgrade_ = wants_websocket(head);
  wants_trailers_ = wants_trailers(head);
  to_head_ = head.method == "HEAD";
  client_minor_version_ = head.minor_version;
  request_bytes_ = response_bytes_ = 0;
  response_parser_.reset();
  response_in_.clear();
  response_head_.clear();
  instance_spoke_ = response_begun_ = response_chunked_ = response_keeps_alive_ = tunnel_ = false;
  rest_ = Rest::kKeepAlive;
  status_ = 0;
  route_ = nullptr;
  target_ = nullptr;
  waited_for_start_ = false;
  instance_ = {};
  refusal_ = woken_from_ = {};
  response_head_bytes_ = 0;
  queued_ = Duration::zero();
  placed_.reset();
  answered_.reset();
}

void Exchange::begin(const http::RequestHead& head, size_t length, Body body) {
  reset(head);
  request_head_bytes_ = length;
  if (body == Body::kComing) wants_continue_ = false;
  TraceHeaders sent;
  if (const auto* header = head.find(http::HeaderId::kTraceparent))
    sent.traceparent = header->value;
  if (const auto* header = head.find(http::HeaderId::kXCloudTraceContext)) {
    sent.cloud_context = header->value;
  }
  trace_ =
      continue_trace(sent, {core_.random(), core_.random(), core_.random()}, core_.options.sampler);
  if (core_.observer != nullptr) remember_facts(head);
  if (!route(head)) return;
  const int64_t limit = core_.options.max_request.value;
  if (is_limited() && std::cmp_greater(head.content_length, limit)) {
    return fail(request_too_large(limit));
  }
  append_request_head(request_head_, head,
                      {.peer_ip = client_.peer_ip(),
                       .scheme = client_.scheme(),
                       .trace = trace_,
                       .signed_header = signed_header_});
  deadline_ = arrived_ + target_->timeout;
  client_.set_deadline(deadline_);
}

bool Exchange::answer_challenge(const http::RequestHead& head) {
  if (core_.options.challenges == nullptr) return false;
  const std::string_view target = head.origin_form();
  if (!target.starts_with(kChallengePath) || (head.method != "GET" && head.method != "HEAD"))
    return false;
  auto text = core_.options.challenges->answer(target.substr(kChallengePath.size()));
  if (!text) return false;
  fail({200, *std::move(text)});
  return true;
}

bool Exchange::route(const http::RequestHead& head) {
  if (answer_challenge(head)) return false;
  route_ = core_.routes.find(head.host);
  if (route_ == nullptr) {
    const bool may_know = is_loopback(client_.peer_ip()) && !came_by_proxy(head);
    fail(unknown_host(head.host,
                      may_know ? core_.routes.names(kNamesInReply) : std::vector<std::string>{}));
    return false;
  }
  // An ACME server that the service knows asks without TLS.
  if (route_->https_port != 0 && !client_.is_encrypted() &&
      !head.origin_form().starts_with(kChallengePath)) {
    fail(moved_to_https(head.method, normalize_host(head.host), route_->https_port,
                        head.origin_form()));
    return false;
  }
  if (!may_pass(head)) return false;
  target_ = target_of_session(head);
  if (target_ == nullptr) target_ = route_->choose(core_.random());
  if (target_ == nullptr) fail(nothing_ready(route_->service.str()));
  return target_ != nullptr;
}

/// Where a client with a session goes: to the revision that has its instance, while that revision
/// has a share of the traffic.
const Target* Exchange::target_of_session(const http::RequestHead& head) {
  preferred_.reset();
  if (core_.options.entropy == nullptr || !route_->has_affinity()) return nullptr;
  const Sessions::Place* const place = core_.sessions.find(head);
  if (place == nullptr) return nullptr;
  for (const Target& target : route_->targets) {
    if (target.affinity == Affinity::kNone || target.percent == 0) continue;
    if (target.revision != place->revision) continue;
    preferred_ = place->instance;
    return &target;
  }
  return nullptr;
}

/// Cloud Run's order: the token made for the platform first, so that the other stays the service's.
bool Exchange::may_pass(const http::RequestHead& head) {
  Door* const door = core_.options.door;
  signed_header_ = {};
  if (door == nullptr || door->is_open(route_->service)) return true;
  std::string_view authorization;
  for (const char* name : {"x-serverless-authorization", "authorization"}) {
    const auto* header = head.find(name);
    if (header == nullptr) continue;
    authorization = header->value;
    signed_header_ = name;
    break;
  }
  const std::string host = normalize_host(head.host);
  if (auto reply = door->refuse(route_->service, {host, authorization})) {
    fail(*reply);
    return false;
  }
  return true;
}

/// Contract 1.6: end-to-end HTTP/2 has no limits of size.
bool Exchange::is_limited() const {
  return client_.via() != GatewayCore::Via::kH2 || target_->protocol != Protocol::kH2c;
}

void Exchange::remember_facts(const http::RequestHead& head) {
  host_ = head.host;
  method_ = head.method;
  target_text_ = head.target;
  const auto* agent = head.find("user-agent");
  user_agent_ = agent != nullptr ? agent->value : "";
  const auto* referer = head.find("referer");
  referer_ = referer != nullptr ? referer->value : "";
}

void Exchange::find_slot() {
  auto acquired = core_.slots.acquire(
      {target_->revision, deadline_, client_.caller(), preferred_ ? &*preferred_ : nullptr}, *this);
  if (auto* slot = std::get_if<std::unique_ptr<Slot>>(&acquired)) return use(std::move(*slot));
  if (auto* refusal = std::get_if<serving::Refusal>(&acquired)) {
    return fail(from(*refusal));
  }
  queued_at_ = core_.loop.now();
  waiting_ = std::move(std::get<std::unique_ptr<Waiting>>(acquired));
  state_ = State::kQueued;
}

void Exchange::on_slot(std::unique_ptr<Slot> slot) {
  waiting_.reset();
  queued_ += core_.loop.now() - queued_at_;
  use(std::move(slot));
  client_.advance();
}

void Exchange::on_refused(const serving::Refusal& refusal) {
  waiting_.reset();
  fail(from(refusal));
  client_.advance();
}

void Exchange::use(std::unique_ptr<Slot> slot) {
  slot_ = std::move(slot);
  if (core_.observer != nullptr) {
    instance_ = slot_->instance();
    woken_from_ = slot_->woken_from();
    placed_ = since_arrival();
  }
  waited_for_start_ = waited_for_start_ || slot_->waited_for_start();
  begin_session();
  if (target_->protocol == Protocol::kH2c) {
    auto stream = core_.h2_pool.open(slot_->instance());
    if (stream == nullptr) return connect();
    open(std::make_unique<Upstream>(core_.pool, slot_->instance(), std::move(stream)));
  } else if (auto upstream = core_.pool.take(slot_->instance())) {
    open(std::move(upstream));
  } else {
    connect();
  }
}

/// Unless the client has one with this instance. The instance lives as long as nobody has told
/// otherwise, so that no cookie is made for one that is gone.
void Exchange::begin_session() {
  session_cookie_.clear();
  if (core_.options.entropy == nullptr || target_->affinity == Affinity::kNone) return;
  if (preferred_ == slot_->instance()) return;
  const auto link = client_.is_encrypted() ? Sessions::Link::kTls : Sessions::Link::kPlain;
  session_cookie_ =
      core_.sessions.cookie({slot_->instance(), target_->revision}, link, *core_.options.entropy);
}

void Exchange::connect() {
  state_ = State::kConnecting;
  connecting_ = core_.net.connect(slot_->address(), [this](auto stream) {
    connecting_.reset();
    if (stream) {
      auto connection = *std::move(stream);
      if (target_->protocol == Protocol::kH2c) {
        connection = core_.h2_pool.adopt(slot_->instance(), std::move(connection));
      }
      open(std::make_unique<Upstream>(core_.pool, slot_->instance(), std::move(connection)));
    } else {
      connect_failed();
    }
    client_.advance();
  });
}

/// Nothing of the request was sent, so that it may go to another instance.
void Exchange::connect_failed() {
  if (asked_again_ || ++attempts_ >= kMaxAttempts) return explain();
  preferred_.reset();
  slot_.reset();
  find_slot();
}

void Exchange::explain() {
  upstream_.reset();
  upstream_out_.clear();
  state_ = State::kExplaining;
  waiting_ = core_.slots.explain(std::move(slot_), *this);
}

void Exchange::open(std::unique_ptr<Upstream> upstream) {
  upstream_ = std::move(upstream);
  upstream_->set_user(this);
  state_ = State::kOpen;
  if (std::exchange(wants_continue_, false) && client_.input().empty()) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    client_.send(std::span(&kContinue, 1));
  }
  pump_request();
}

void Exchange::on_upstream_readable() {
  pump_response();
  client_.advance();
}

void Exchange::on_upstream_writable() {
  if (!request_lost_) {
    request_lost_ = upstream_out_.flush(upstream_->stream()) == http::SendQueue::State::kBroken;
  }
  client_.advance();
}

void Exchange::pump() {
  if (state_ != State::kOpen) return;
  pump_request();
  pump_response();  // asks no kernel unless something came
}

void Exchange::pump_request() {
  for (int i = 0; i < kPiecesPerTurn; ++i) {
    if (state_ != State::kOpen || request_lost_ || !upstream_out_.empty()) return;
    if ((head_sent_ && request_done_) || !send_request_piece()) return;
  }
  client_.yield();
}

/// Sends the head if it was not sent, together with what is there of the body. False: no more now.
bool Exchange::send_request_piece() {
  std::string_view content;
  size_t consumed = 0;
  if (!request_done_) {
    if (head_sent_ && client_.input().empty() && client_.fill() != ClientConnection::Fill::kMore) {
      return false;
    }
    const auto step = request_body_.next(client_.input());
    content = step.content;
    if (step.state == http::BodyReader::State::kBad) {
      fail({400, "The request is refused: its chunked body is malformed."});
      return false;
    }
    request_bytes_ += content.size();
    const int64_t limit = core_.options.max_request.value;
    if (!tunnel_ && std::cmp_greater(request_bytes_, limit) && is_limited()) {
      fail(request_too_large(limit));
      return false;
    }
    request_done_ = request_body_.is_done();
    consumed = step.consumed;
  }
  send_to_instance(content);
  client_.take(consumed);
  return true;
}

/// `content`, framed for the instance, after the head if that was not sent yet.
void Exchange::send_to_instance(std::string_view content) {
  std::array<char, 24> size_line;
  std::array<std::string_view, 5> parts;
  size_t count = 0;
  if (!std::exchange(head_sent_, true)) parts[count++] = request_head_;
  if (request_chunked_ && !content.empty()) {
    const auto end =
        fmt::format_to_n(size_line.data(), size_line.size(), "{:x}\r\n", content.size());
    parts[count++] = {size_line.data(), end.size};
    parts[count++] = content;
    parts[count++] = "\r\n";
  } else if (!content.empty()) {
    parts[count++] = content;
  }
  std::string trailers;
  if (request_chunked_ && request_done_) parts[count++] = last_chunk(request_trailers_, trailers);
  if (count == 0) return;
  // When it is broken the instance may still have answered: reading will tell.
  request_lost_ = upstream_out_.send(upstream_->stream(), {parts.data(), count}) ==
                  http::SendQueue::State::kBroken;
}

void Exchange::on_deadline() {
  if (response_begun_) {
    client_.cut();
    finish();
  } else {
    fail(timed_out());
  }
}

void Exchange::client_gone() {
  if (state_ == State::kIdle) return;
  if (!response_begun_) status_ = 499;
  finish();
}

/// Answers with an error of ours, or cuts the connection when the answer has begun.
void Exchange::fail(const Reply& reply) {
  if (response_begun_) {
    client_.cut();
    return finish();
  }
  const Rest rest = request_done_ && !client_.will_close() ? Rest::kKeepAlive : Rest::kClose;
  const std::string text = write_reply(reply, rest, to_head_);
  const std::string_view part = text;
  status_ = reply.status;
  refusal_ = reply.reason;
  response_head_bytes_ = text.size();
  client_.send(std::span(&part, 1));
  finish();
  client_.exchange_done(rest);
}

void Exchange::finish() {
  release();
  if (response_chunks_.capacity() > kKept) std::string().swap(response_chunks_);
  report();
}

void Exchange::release() {
  if (state_ == State::kQueued) queued_ += core_.loop.now() - queued_at_;
  state_ = State::kIdle;
  waiting_.reset();
  connecting_.reset();
  upstream_.reset();
  upstream_out_.clear();
  slot_.reset();
}

std::string_view Exchange::protocol() const {
  if (client_.via() == GatewayCore::Via::kH2) return "HTTP/2";
  return client_minor_version_ == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

void Exchange::report() {
  if (core_.observer == nullptr) return;
  core_.observer->on_request({
      .service = route_ != nullptr ? &route_->service : nullptr,
      .revision = target_ != nullptr ? &target_->revision : nullptr,
      .instance = instance_.empty() ? nullptr : &instance_,
      .host = host_,
      .method = method_,
      .target = target_text_,
      .user_agent = user_agent_,
      .referer = referer_,
      .peer = client_.peer_ip(),
      .local = client_.local_ip(),
      .scheme = client_.scheme(),
      .protocol = protocol(),
      .trace = &trace_,
      .refusal = refusal_,
      .woken_from = woken_from_,
      .status = status_,
      .latency = since_arrival(),
      .queued = queued_,
      .placed = placed_,
      .answered = answered_,
      .request_head_bytes = request_head_bytes_,
      .response_head_bytes = response_head_bytes_,
      .request_bytes = request_bytes_,
      .response_bytes = response_bytes_,
      .waited_for_start = waited_for_start_,
  });
}

}  // namespace thaw::gateway
