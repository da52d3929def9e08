#include "http/server.h"

#include <utility>

#include "base/check.h"
#include "http/server_connection.h"

namespace thaw::http {

Responder::Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}
Responder::Responder(Responder&&) noexcept = default;

Responder& Responder::operator=(Responder&& other) noexcept {
  Responder old(std::exchange(state_, std::move(other.state_)));
  return *this;
}

Responder::~Responder() {
  if (state_ == nullptr || state_->connection == nullptr) return;
  if (state_->started) {
    state_->connection->cut();
  } else {
    state_->connection->answer(Response::text(500, "the server dropped this request\n"));
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

void Responder::end() {
  if (state_ == nullptr || state_->connection == nullptr || !state_->started) return;
  state_->connection->end();
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

Server::Server(io::Net& net, io::Loop& loop, Options options, Handler handler)
    : net_(net), shared_(std::make_unique<Shared>(loop, options, std::move(handler))) {}

Server::~Server() = default;

void Server::stream_bodies(Takes takes, StreamHandler handler) {
  shared_->takes_stream = std::move(takes);
  shared_->stream_handler = std::move(handler);
}

Result<io::SocketAddress> Server::listen(const io::SocketAddress& address) {
  auto listener = net_.listen(address, [this](auto stream) { accept(std::move(stream)); });
  if (!listener) return std::move(listener).error();
  listeners_.push_back(*std::move(listener));
  return listeners_.back()->address();
}

void Server::accept(std::unique_ptr<io::Stream> stream) {
  auto& connections = shared_->connections;
  const bool is_full = connections.size() >= shared_->options.max_connections;
  connections.push_back(std::make_unique<ServerConnection>(*shared_, std::move(stream)));
  connections.back()->index = connections.size() - 1;
  if (is_full) connections.back()->refuse();
}

void Server::drain(std::function<void()> done) {
  listeners_.clear();
  shared_->draining = true;
  shared_->drained = std::move(done);
  // Backwards: an idle connection takes itself out and the last one takes its place.
  for (size_t i = shared_->connections.size(); i-- > 0;) shared_->connections[i]->drain();
  shared_->tell_when_drained();
}

size_t Server::connections() const { return shared_->connections.size(); }

void Server::Shared::remove(ServerConnection& connection) {
  const size_t index = connection.index;
  const auto gone = std::exchange(connections[index], std::move(connections.back()));
  connections.pop_back();
  if (index < connections.size()) connections[index]->index = index;
  tell_when_drained();
}

void Server::Shared::tell_when_drained() {
  if (!draining || !connections.empty() || !drained) return;
  drained_timer = loop.after(Duration::zero(), std::exchange(drained, nullptr));
}

}  // namespace thaw::http
