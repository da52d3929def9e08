#include "http/server.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "http/server_connection.h"
#include "http/server_session.h"

namespace thaw::http {

Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder old(std::exchange(state_, std::move(other.state_)));
  return *this;
}

Responder::~Responder() {
  if (state_ == nullptr || state_->connection == nullptr) return;
  // To a client that sends no more it was told that it is gone: a fault would not be true.
  if (state_->started || state_->gone) {
    state_->connection->cut();
  } else {
    state_->connection->dropped();
  }
}

void Responder::answer(Response response) {
  if (state_ == nullptr || state_->connection == nullptr || state_->started) return;
  state_->connection->answer(std::move(response));
}

void Responder::start(Response head) {
  if (state_ == nullptr || state_->connection == nullptr || state_->started) return;
  state_->started = true;
  state_->connection->start(std::move(head));
}

Responder::Flow Responder::write(std::string_view content) {
  if (state_ == nullptr || state_->connection == nullptr || !state_->started) return Flow::kGone;
  return state_->connection->write(content);
}

void Responder::end(Headers trailers) {
  if (state_ == nullptr || state_->connection == nullptr || !state_->started) return;
  state_->connection->end(trailers);
}

void Responder::when_writable(std::function<void()> callback) {
  if (state_ == nullptr || state_->connection == nullptr) return;
  state_->on_writable = std::move(callback);
  state_->connection->tell_writable_soon();
}

void Responder::when_gone(std::function<void()> callback) {
  if (state_ != nullptr) state_->on_gone = std::move(callback);
}

bool Responder::is_gone() const { return state_ == nullptr || state_->gone; }

BodyStream::BodyStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
BodyStream::BodyStream(BodyStream&&) noexcept = default;

BodyStream& BodyStream::operator=(BodyStream&& other) noexcept {
  BodyStream old(std::exchange(state_, std::move(other.state_)));
  return *this;
}

BodyStream::~BodyStream() {
  if (state_ != nullptr) state_->on_piece = nullptr;
}

void BodyStream::next(OnPiece on_piece) {
  CHECK(state_ != nullptr && state_->on_piece == nullptr, "a piece is asked for once");
  state_->on_piece = std::move(on_piece);
  state_->loop.post([state = state_] {
    if (state->connection != nullptr) return state->connection->pull_body();
    state->give(state->whole ? Got::kEnd : Got::kBroken, "");
  });
}

const Headers& BodyStream::trailers() const {
  CHECK(state_ != nullptr, "a body that was moved away has no trailers");
  return state_->trailers;
}

Server::Server(io::Net& net, io::Loop& loop, Options options, Handler handler)
    : net_(net), shared_(std::make_unique<Shared>(loop, options, std::move(handler))) {}

Server::~Server() = default;

void Server::stream_bodies(Takes takes, StreamHandler handler) {
  shared_->takes_stream = std::move(takes);
  shared_->stream_handler = std::move(handler);
}

void Server::refuse_unsent(Refuses refuses) { shared_->refuses_unsent = std::move(refuses); }

void Server::hand_on_tunnels(TakesTunnel takes, TunnelHandler handler) {
  shared_->takes_tunnel = std::move(takes);
  shared_->tunnel_handler = std::move(handler);
}

Result<io::SocketAddress> Server::listen(const io::SocketAddress& address) {
  return listen(net_, address);
}

Result<io::SocketAddress> Server::listen(io::Net& net, const io::SocketAddress& address) {
  auto listener = net.listen(address, [this](auto stream) { accept(std::move(stream)); });
  if (!listener) return std::move(listener).error();
  listeners_.push_back(*std::move(listener));
  return listeners_.back()->address();
}

void Server::accept(std::unique_ptr<io::Stream> stream) {
  auto& sessions = shared_->sessions;
  const size_t most = shared_->options.max_connections;
  const bool is_full = sessions.size() >= most;
  // Being told so takes a place, too.
  if (sessions.size() >= most + std::max<size_t>(most / 8, 16)) return;
  auto connection = std::make_unique<ServerConnection>(*shared_, std::move(stream));
  ServerConnection& accepted = *connection;
  accepted.index = sessions.size();
  sessions.push_back(std::move(connection));
  if (is_full) accepted.refuse();
}

void Server::drain(std::function<void()> done) {
  listeners_.clear();
  shared_->draining = true;
  shared_->drained = std::move(done);
  // Backwards: an idle connection takes itself out and the last one takes its place.
  for (size_t i = shared_->sessions.size(); i-- > 0;) shared_->sessions[i]->drain();
  shared_->tell_when_drained();
}

size_t Server::connections() const { return shared_->sessions.size(); }

Response Server::Shared::fault(int status, std::string_view reason) const {
  Response response = options.fault ? options.fault(status, reason)
                                    : Response::text(status, std::string(reason) + "\n");
  if (status == 503) response.headers.add("retry-after", "1");
  return response;
}

std::shared_ptr<Holdings> Server::bodies() const { return shared_->bodies; }

void tell_lost(const std::shared_ptr<BodyStream::State>& body,
               const std::shared_ptr<Responder::State>& responder) {
  if (body != nullptr) body->connection = nullptr;
  if (responder != nullptr) {
    responder->connection = nullptr;
    responder->on_writable = nullptr;
  }
  if (body != nullptr) body->give(BodyStream::Got::kBroken, "");
  if (responder != nullptr) responder->tell_gone();
}

void Server::Shared::remove(ServerSession& session) {
  const size_t index = session.index;
  const auto gone = std::exchange(sessions[index], std::move(sessions.back()));
  sessions.pop_back();
  if (index < sessions.size()) sessions[index]->index = index;
  tell_when_drained();
}

void Server::Shared::replace(ServerSession& session, std::unique_ptr<ServerSession> by) {
  by->index = session.index;
  ServerSession& heir = *by;
  const auto gone = std::exchange(sessions[session.index], std::move(by));
  heir.take_over();  // may remove itself
}

void Server::Shared::tell_when_drained() {
  if (!draining || !sessions.empty() || !drained) return;
  drained_timer = loop.after(Duration::zero(), std::exchange(drained, nullptr));
}

}  // namespace thaw::http
