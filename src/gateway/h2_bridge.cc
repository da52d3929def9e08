#include "gateway/h2_bridge.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "http/trailers.h"
#include "io/flushing.h"

namespace thaw::gateway {
namespace {

constexpr size_t kReadSize = 32 << 10;
constexpr size_t kSendSize = 64 << 10;
constexpr size_t kMaxBacklog = 500;  // frames; over it nothing is read until some are sent
constexpr size_t kMaxLinger = 1 << 20;
constexpr Duration kLingerTime = seconds(2);
constexpr Duration kFlushTime = seconds(60);  // for a peer that does not take our last words
constexpr int kReadsPerTurn = 16;             // then other connections have theirs
constexpr size_t kKept = 4 << 10;

}  // namespace

H2Link::H2Link(io::Loop& loop, http::H2Session::Side side, http::H2Session::Options options,
               http::H2Events& events, std::unique_ptr<io::Stream> stream)
    : loop_(loop),
      stream_(std::move(stream)),
      peer_(stream_->peer()),
      is_encrypted_(io::is_encrypted(*stream_)),
      local_(stream_->local()),
      session_(side, options, events, loop.now()) {}

H2Link::~H2Link() { lose_all(); }

void H2Link::schedule() {
  if (advancing_ || dead_ || std::exchange(scheduled_, true)) return;
  again_ = loop_.after(Duration::zero(), [this] {
    scheduled_ = false;
    advance();
  });
}

void H2Link::begin(std::string_view bytes, std::string_view first_words) {
  out_.buffer() += first_words;
  if (!bytes.empty()) failed_ = !session_.receive(bytes, loop_.now());
  stream_->set_events(this);
  schedule();
}

void H2Link::end(http::H2Error why) {
  session_.fail(why);
  failed_ = true;
  schedule();
}

void H2Link::advance() {
  if (advancing_ || dead_) return;
  advancing_ = true;
  if (lingering_) {
    if (!linger()) die();
  } else {
    int reads = 0;
    bool more = true;
    while (!dead_ && more && reads++ < kReadsPerTurn) {
      more = receive();
      announce_all();
    }
    send();
    announce_all();
    if (!dead_ && !is_blocked()) send();
    if (more) {
      advancing_ = false;
      schedule();
    }
  }
  advancing_ = false;
  if (dead_) return over();  // destroys this
  if (!ready_.empty()) schedule();
  settle();
}

/// What is announced meanwhile has its turn too; a bridge is gone when its user dropped it.
void H2Link::announce_all() {
  for (size_t i = 0; i < ready_.size(); ++i) {
    const auto found = bridges_.find(ready_[i]);
    if (found != bridges_.end()) found->second->tell();
  }
  ready_.clear();
}

bool H2Link::receive() {
  if (failed_ || (is_blocked() && session_.backlog() > kMaxBacklog)) return false;
  std::array<char, kReadSize> buffer;
  const io::Transfer moved = stream_->read(buffer);
  switch (moved.state) {
    case io::Transfer::State::kMoved:
      failed_ = !session_.receive({buffer.data(), moved.bytes}, loop_.now());
      return !failed_;
    case io::Transfer::State::kWouldBlock:
      return false;
    case io::Transfer::State::kEnd:
    case io::Transfer::State::kBroken:
      die();
      return false;
  }
  return false;
}

void H2Link::send() {
  while (!dead_) {
    if (out_.empty()) session_.collect(out_.buffer(), kSendSize);
    if (out_.empty()) break;
    const size_t before = out_.size();
    const http::SendQueue::State state = out_.flush(*stream_);
    if (state == http::SendQueue::State::kBroken) return die();
    moved_ = moved_ || out_.size() != before;
    if (state == http::SendQueue::State::kBlocked) return;
  }
  if (dead_ || !(failed_ || session_.is_over())) return;
  lingering_ = true;
  stream_->shutdown_write();
  wait_for_end();
  lose_all();
  if (!linger()) die();
}

void H2Link::wait_for_end() {
  is_flushed_ = io::is_flushed(*stream_);
  linger_timer_ = loop_.after(is_flushed_ ? kLingerTime : kFlushTime, [this] {
    die();
    over();
  });
}

/// Waits until the peer has read our last word, so that closing does not take it away.
bool H2Link::linger() {
  if (!is_flushed_ && io::is_flushed(*stream_)) wait_for_end();
  std::array<char, kReadSize> buffer;
  for (;;) {
    const io::Transfer moved = stream_->read(buffer);
    if (moved.state == io::Transfer::State::kWouldBlock) return true;
    lingered_ += moved.bytes;
    if (moved.state != io::Transfer::State::kMoved || lingered_ > kMaxLinger) return false;
  }
}

void H2Link::die() {
  if (!std::exchange(dead_, true)) lose_all();
}

void H2Link::lose_all() {
  for (const auto& [id, bridge] : bridges_) bridge->lost();
  bridges_.clear();
}

H2Bridge::~H2Bridge() {
  if (link_ == nullptr) return;
  link_->remove(id_);
  if (done_) {
    link_->session().release(id_);
  } else if (cuts_) {
    link_->session().cut(id_);
  } else {
    link_->session().abandon(id_, http::H2Error::kCancel);
  }
  link_->schedule();
}

void H2Bridge::opened(int32_t stream) {
  id_ = stream;
  link_->add(stream, *this);
}

void H2Bridge::announce() {
  if (link_ != nullptr) link_->announce(id_);
}

void H2Bridge::set_events(io::StreamEvents* events) {
  events_ = events;
  if (events != nullptr && id_ != 0) announce();
}

/// The connection lets go of it: its user hears of it in a turn of its own.
void H2Bridge::lost() {
  broken_ = true;
  if (link_ == nullptr) return;
  goodbye_ = link_->loop().after(Duration::zero(), [this] { tell(); });
  link_ = nullptr;
}

void H2Bridge::tell() {
  if (events_ == nullptr) return;
  const bool writable = blocked_ && (broken_ || link_->session().unsent(id_) <= kHighMark);
  if (!writable) return events_->on_readable();
  blocked_ = false;
  // Reading first may destroy this; a writer reads as well.
  events_->on_writable();
}

io::Transfer H2Bridge::read(std::span<char> into) {
  const size_t size = std::min(into.size(), in_.size() - in_taken_);
  if (size == 0) {
    if (broken_) return {io::Transfer::State::kBroken, 0, ECONNRESET};
    return {read_ended_ ? io::Transfer::State::kEnd : io::Transfer::State::kWouldBlock};
  }
  std::copy_n(in_.data() + in_taken_, size, into.data());
  in_taken_ += size;
  if (in_taken_ == in_.size()) {
    if (in_.capacity() > kKept) std::string().swap(in_);
    in_.clear();
    in_taken_ = 0;
    if (owed_ > 0 && link_ != nullptr) {
      link_->session().consume(id_, std::exchange(owed_, 0));
      link_->schedule();
    }
  }
  return {io::Transfer::State::kMoved, size};
}

io::Transfer H2Bridge::write(std::span<const std::string_view> parts) {
  if (!broken_ && id_ != 0 && link_->session().unsent(id_) > kHighMark) {
    blocked_ = true;
    return {io::Transfer::State::kWouldBlock};
  }
  size_t size = 0;
  for (const std::string_view part : parts) {
    if (broken_) return {io::Transfer::State::kBroken, 0, EPIPE};
    size += part.size();
    if (has_head_) {
      take_body(part);
      continue;
    }
    head_ += part;
    take_heads();
  }
  if (broken_) return {io::Transfer::State::kBroken, 0, EPIPE};
  link_->schedule();
  return {size > 0 ? io::Transfer::State::kMoved : io::Transfer::State::kWouldBlock, size};
}

void H2Bridge::take_heads() {
  while (!has_head_ && !broken_) {
    size_t length = 0;
    switch (take_head(head_, length)) {
      case Taken::kMore:
        return;
      case Taken::kInterim:
        head_.erase(0, length);
        break;
      case Taken::kFinal: {
        has_head_ = true;
        out_body_.keep_trailers(out_trailers_);
        const std::string rest = std::exchange(head_, {}).substr(length);
        take_body(rest);
        break;
      }
      case Taken::kBad:
        broken_ = true;
        break;
    }
  }
}

void H2Bridge::take_body(std::string_view text) {
  while (!done_) {
    const http::BodyReader::Step step = out_body_.next(text);
    text.remove_prefix(step.consumed);
    switch (step.state) {
      case http::BodyReader::State::kContent:
        link_->session().send(id_, step.content);
        break;
      case http::BodyReader::State::kDone:
        done_ = true;
        link_->session().finish(id_, http::parse_trailers(out_trailers_).value_or(http::Headers{}));
        all_written();
        return;
      case http::BodyReader::State::kBad:
        broken_ = true;
        return;
      case http::BodyReader::State::kMore:
        return;
    }
  }
}

void H2Bridge::on_content(std::string_view content) {
  owed_ += content.size();
  if (in_chunked_) {
    http::append_chunk(in_, content);
  } else {
    in_ += content;
  }
  announce();
}

void H2Bridge::on_end(http::Headers trailers) {
  if (in_chunked_) http::append_last_chunk(in_, trailers);
  announce();
}

void H2Bridge::on_sent() {
  if (blocked_) announce();
}

void H2Bridge::on_closed(http::H2Error) {
  broken_ = broken_ || !is_whole();
  read_ended_ = true;
  announce();
}

}  // namespace thaw::gateway
