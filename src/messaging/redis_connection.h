// RedisConnection: one pipelined connection to a Redis server, over the loop's ports.
//
// Commands are answered in the order of sending. When the connection breaks, whatever is pending is
// answered with kUnavailable and on_end says why, once; the owner makes a new one. The hiredis
// reader parses the answers; it is hidden in the .cc. Not for subscriptions (push messages).
//
// **Thread**: the loop's; no callback comes inside a call made here, but for the destructor's: none
// comes afterwards. It may be dropped inside its own callbacks.
// **Owner**: net and loop outlive it.
// **Limits**: kMostPending commands and kLargestReply bytes of answers at once; a command that is
// not answered within its timeout breaks the connection.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::messaging {

struct RedisReply {
  enum class Kind { kNil, kInteger, kText, kError, kArray };
  Kind kind = Kind::kNil;
  int64_t integer = 0;
  std::string text;  // kText, kError
  std::vector<RedisReply> items;

  bool is_error() const { return kind == Kind::kError; }
  bool is_array() const { return kind == Kind::kArray; }
};

/// Whom to speak to, and as whom. The password is never logged and never part of an error.
struct RedisLogin {
  io::SocketAddress address;
  int database = 0;
  std::string user;      // "": the server's default user
  std::string password;  // "": none is sent
};

class RedisConnection {
 public:
  static constexpr size_t kMostPending = 10'000;
  static constexpr size_t kLargestReply = size_t{64} << 20;

  using Words = std::vector<std::string>;
  /// An error reply of the server (-NOGROUP ...) is a RedisReply of kind kError, not an Error.
  using OnReply = std::function<void(Result<RedisReply>)>;

  /// Connects and signs in; commands may be sent at once. kUnavailable: retry with backoff;
  /// kUnauthenticated: the server refuses the password or user.
  RedisConnection(io::Net& net, io::Loop& loop, const RedisLogin& login,
                  std::function<void(Error)> on_end);
  ~RedisConnection();

  /// Precondition: `words` is not empty.
  void send(Words words, Duration timeout, OnReply on_reply);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace thaw::messaging
