#include "messaging/redis_connection.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include <array>
#include <deque>
#include <utility>

#include "base/check.h"

namespace thaw::messaging {
namespace {

constexpr Duration kSignInTimeout = seconds(5);
constexpr size_t kReadSize = 64 << 10;
constexpr int kDeepest = 8;  // arrays in arrays; what streams answer has four

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};

std::string command_text(const RedisConnection::Words& words) {
  std::string text = fmt::format("*{}\r\n", words.size());
  for (const std::string& word : words) {
    text += fmt::format("${}\r\n", word.size());
    text += word;
    text += "\r\n";
  }
  return text;
}

RedisReply converted(const redisReply& from, int depth) {
  using Kind = RedisReply::Kind;
  RedisReply reply;
  switch (from.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      reply.kind = Kind::kText;
      reply.text.assign(from.str, static_cast<size_t>(from.len));
      break;
    case REDIS_REPLY_ERROR:
      reply.kind = Kind::kError;
      reply.text.assign(from.str, static_cast<size_t>(from.len));
      break;
    case REDIS_REPLY_INTEGER:
      reply.kind = Kind::kInteger;
      reply.integer = from.integer;
      break;
    case REDIS_REPLY_ARRAY:
      reply.kind = Kind::kArray;
      if (depth == 0) break;
      for (size_t i = 0; i < from.elements; ++i) {
        reply.items.push_back(converted(*from.element[i], depth - 1));
      }
      break;
    default:
      break;
  }
  return reply;
}

}  // namespace

class RedisConnection::Impl final : public io::StreamEvents,
                                    public std::enable_shared_from_this<Impl> {
 public:
  Impl(io::Net& net, io::Loop& loop, const RedisLogin& login, std::function<void(Error)> on_end)
      : net_(net),
        loop_(loop),
        login_(login),
        on_end_(std::move(on_end)),
        reader_(redisReaderCreate()) {
    CHECK(reader_ != nullptr);
  }

  void begin() {
    sign_in();
    connecting_ = net_.connect(login_.address, [this](auto stream) {
      const auto self = shared_from_this();
      if (!stream) return end(std::move(stream).error());
      stream_ = *std::move(stream);
      stream_->set_events(this);
      flush();
    });
  }

  void send(Words words, Duration timeout, OnReply on_reply) {
    if (ended_ || pending_.size() >= kMostPending) {
      const char* const why = ended_ ? "the connection is gone" : "too many commands are pending";
      const std::weak_ptr<Impl> alive = weak_from_this();
      loop_.post([alive, why, on_reply = std::move(on_reply), this] {
        if (const auto self = alive.lock()) on_reply(unavailable(why));
      });
      return;
    }
    pending_.push_back({std::move(on_reply), loop_.now() + timeout, words.front()});
    out_ += command_text(words);
    if (pending_.size() == 1) watch_oldest();
    if (stream_ != nullptr) flush();
  }

  /// Its owner is gone: no callback any more.
  void drop() {
    ended_ = true;
    pending_.clear();
    on_end_ = nullptr;
    close();
  }

  void on_writable() override {
    const auto self = shared_from_this();
    flush();
  }

  void on_readable() override {
    const auto self = shared_from_this();
    std::array<char, kReadSize> buffer;
    while (stream_ != nullptr) {
      const io::Transfer moved = stream_->read(buffer);
      switch (moved.state) {
        case io::Transfer::State::kWouldBlock:
          return;
        case io::Transfer::State::kEnd:
          return end(unavailable("it closed the connection"));
        case io::Transfer::State::kBroken:
          return end(errno_error("read from Redis at " + login_.address.str(), moved.error));
        case io::Transfer::State::kMoved:
          take(buffer.data(), moved.bytes);
      }
    }
  }

 private:
  struct Pending {
    OnReply on_reply;
    Instant deadline;
    std::string command;
  };

  Error unavailable(std::string_view why) const {
    return {Code::kUnavailable, fmt::format("Redis at {}: {}", login_.address.str(), why)};
  }

  void sign_in() {
    const auto expect_ok = [this](std::string_view what) {
      return [this, what](const Result<RedisReply>& reply) {
        if (!reply || !reply->is_error()) return;
        end(Error(Code::kUnauthenticated, fmt::format("Redis at {} refuses {}: {}",
                                                      login_.address.str(), what, reply->text)));
      };
    };
    if (!login_.password.empty()) {
      Words words{"AUTH"};
      if (!login_.user.empty()) words.push_back(login_.user);
      words.push_back(login_.password);
      send(std::move(words), kSignInTimeout, expect_ok("to sign us in"));
    }
    if (login_.database != 0) {
      send({"SELECT", std::to_string(login_.database)}, kSignInTimeout,
           expect_ok(fmt::format("database {}", login_.database)));
    }
  }

  void flush() {
    while (stream_ != nullptr && sent_ < out_.size()) {
      const std::string_view rest = std::string_view(out_).substr(sent_);
      const io::Transfer moved = stream_->write(std::span(&rest, 1));
      if (moved.state == io::Transfer::State::kWouldBlock) return;
      if (moved.state != io::Transfer::State::kMoved) {
        return end(errno_error("write to Redis at " + login_.address.str(), moved.error));
      }
      sent_ += moved.bytes;
    }
    if (stream_ == nullptr) return;
    out_.clear();
    sent_ = 0;
  }

  void take(const char* bytes, size_t count) {
    in_reader_ += count;
    if (in_reader_ > kLargestReply) return end(unavailable("its answer is larger than 64 MiB"));
    if (redisReaderFeed(reader_.get(), bytes, count) != REDIS_OK) return end(bad_answer());
    while (stream_ != nullptr) {
      void* raw = nullptr;
      if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) return end(bad_answer());
      if (raw == nullptr) return;
      const std::unique_ptr<void, FreeReply> owned(raw);
      in_reader_ = 0;
      if (pending_.empty()) return end(unavailable("it answers what nobody asked"));
      const Pending first = std::move(pending_.front());
      pending_.pop_front();
      watch_oldest();
      first.on_reply(converted(*static_cast<const redisReply*>(raw), kDeepest));
    }
  }

  Error bad_answer() const {
    return {Code::kUnavailable, fmt::format("{} does not answer as Redis does: {}",
                                            login_.address.str(), reader_->errstr)};
  }

  void watch_oldest() {
    timer_.cancel();
    if (pending_.empty()) return;
    timer_ = loop_.at(pending_.front().deadline, [this] {
      const auto self = shared_from_this();
      if (pending_.empty() || pending_.front().deadline > loop_.now()) return watch_oldest();
      end(unavailable(fmt::format("no answer to {} in time", pending_.front().command)));
    });
  }

  void close() {
    timer_.cancel();
    connecting_.reset();
    stream_.reset();
  }

  void end(const Error& error) {
    if (std::exchange(ended_, true)) return;
    const auto self = shared_from_this();
    close();
    std::deque<Pending> left = std::exchange(pending_, {});
    for (Pending& each : left) {
      if (on_end_ == nullptr) return;  // dropped inside a callback
      each.on_reply(error);
    }
    if (const auto tell = std::exchange(on_end_, nullptr)) tell(error);
  }

  io::Net& net_;
  io::Loop& loop_;
  RedisLogin login_;
  std::function<void(Error)> on_end_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  std::unique_ptr<io::Connecting> connecting_;
  std::unique_ptr<io::Stream> stream_;
  std::deque<Pending> pending_;
  io::Timer timer_;
  std::string out_;
  size_t sent_ = 0;
  size_t in_reader_ = 0;
  bool ended_ = false;
};

RedisConnection::RedisConnection(io::Net& net, io::Loop& loop, const RedisLogin& login,
                                 std::function<void(Error)> on_end)
    : impl_(std::make_shared<Impl>(net, loop, login, std::move(on_end))) {
  impl_->begin();
}

RedisConnection::~RedisConnection() { impl_->drop(); }

void RedisConnection::send(Words words, Duration timeout, OnReply on_reply) {
  CHECK(!words.empty());
  impl_->send(std::move(words), timeout, std::move(on_reply));
}

}  // namespace thaw::messaging
