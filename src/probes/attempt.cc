#include "probes/attempt.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "probes/grpc_question.h"
#include "probes/http_question.h"

namespace thaw::probes {

std::unique_ptr<Question> make_question(const serving::Probe& probe, const std::string& host,
                                        Instant now) {
  switch (probe.kind) {
    case serving::Probe::Kind::kHttpGet:
      return std::make_unique<HttpQuestion>(probe, host);
    case serving::Probe::Kind::kGrpc:
      return std::make_unique<GrpcQuestion>(probe, host, now);
    case serving::Probe::Kind::kTcp:
    case serving::Probe::Kind::kAlive:
      break;
  }
  return nullptr;
}

Attempt::Attempt(io::Clock& clock, io::Timers& timers, io::Net& net,
                 const io::SocketAddress& address, const serving::Probe& probe,
                 std::function<void(const Verdict&)> done)
    : clock_(clock),
      probe_(probe),
      done_(std::move(done)),
      question_(make_question(probe, address.str(), clock.now())) {
  timeout_ = timers.after(probe.timeout, [this] {
    finish({fmt::format("no answer on port {} within {}", probe_.port,
                        format_duration(probe_.timeout))});
  });
  connecting_ = net.connect(address, [this](Result<std::unique_ptr<io::Stream>> stream) {
    connected(std::move(stream));
  });
}

void Attempt::connected(Result<std::unique_ptr<io::Stream>> stream) {
  if (!stream) return finish({fmt::format("nothing listens on port {}", probe_.port)});
  if (question_ == nullptr) return finish({});
  stream_ = *std::move(stream);
  stream_->set_events(this);
  on_writable();
}

void Attempt::on_writable() {
  while (stream_ != nullptr) {
    if (out_.empty()) question_->collect(out_.buffer());
    if (out_.empty()) return;
    switch (out_.flush(*stream_)) {
      case http::SendQueue::State::kEmpty:
        break;
      case http::SendQueue::State::kBlocked:
        return;
      case http::SendQueue::State::kBroken:
        return finish(question_->ended());
    }
  }
}

void Attempt::on_readable() {
  std::array<char, 4096> buffer;
  while (stream_ != nullptr) {
    const io::Transfer moved = stream_->read(buffer);
    if (moved.state == io::Transfer::State::kWouldBlock) break;
    if (moved.state != io::Transfer::State::kMoved) return finish(question_->ended());
    const auto verdict = question_->receive({buffer.data(), moved.bytes}, clock_.now());
    if (verdict) return finish(*verdict);
  }
  on_writable();  // HTTP/2 answers settings and pings
}

/// Last: this may be destroyed inside.
void Attempt::finish(const Verdict& verdict) {
  timeout_.cancel();
  connecting_.reset();
  stream_.reset();
  const auto done = std::move(done_);
  done(verdict);
}

}  // namespace thaw::probes
