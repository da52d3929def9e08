// StreamSource: does with Redis and a courier what its StreamSourceCore decides.
//
// Two connections: one waits in XREADGROUP, the other acknowledges, claims and buries. Reconnects
// for ever, with growing pauses up to 1 s. A group that does not exist is made, from the stream's
// beginning.
//
// **Thread**: the loop's. **Owner**: everything given outlives it. **Limits**: those of the core.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/message.h"
#include "io/loop.h"
#include "io/net.h"
#include "messaging/redis_connection.h"
#include "messaging/source_config.h"
#include "messaging/stream_source_core.h"

namespace thaw::messaging {

/// A delivery that is under way; dropping it gives it up.
class Errand {
 public:
  virtual ~Errand() = default;
};

/// Brings a request to a service: waits for a free slot of its instances, which starts them, and
/// hands the request to that one. app/ has the real one.
class Courier {
 public:
  struct Outcome {
    enum class Kind { kDone, kFailed, kNotReached } kind = Kind::kDone;
    std::string reason;  // not of kDone
  };
  virtual ~Courier() = default;
  /// `done` is called once, never inside this call.
  virtual std::unique_ptr<Errand> deliver(const std::string& service, http::Request request,
                                          Duration timeout, std::function<void(Outcome)> done) = 0;
};

struct SourceStatus {
  enum class State { kConnecting, kReading } state = State::kConnecting;
  std::string trouble;  // why it is not reading, or what the last failure was
  StreamSourceCore::Counts counts;
  size_t held = 0;
  int in_flight = 0;
};

class StreamSource {
 public:
  struct Parts {
    io::Net& net;
    io::Loop& loop;
    Courier& courier;
    /// The password of a place, from its file or variable; "" without.
    std::function<Result<std::string>(const RedisPlace&)> password;
    /// A sentence for the service's log.
    std::function<void(const SourceConfig&, const std::string&)> tell;
  };

  /// `consumer`: our name in the group, the same after every restart.
  StreamSource(Parts& parts, SourceConfig config, std::string consumer);
  ~StreamSource();

  const SourceConfig& config() const { return config_; }
  SourceStatus status() const;

 private:
  void connect();
  void make_group();
  void lost(const Error& error);
  void send(const SourceEvent& event);
  void act(const source_action::ReadNew& action);
  void act(const source_action::ReadOwn& action);
  void act(const source_action::Claim& action);
  void act(const source_action::Deliver& action);
  void act(const source_action::Acknowledge& action);
  void act(const source_action::Bury& action);
  void act(const source_action::Hold& action);
  void act(const source_action::Tell& action);
  void recovered(std::vector<StreamEntry> entries, source_event::Recovered::More more);
  /// Entries of an answer; ids whose entry was deleted are acknowledged.
  std::vector<StreamEntry> entries_of(const RedisReply& list);
  bool broken(const Result<RedisReply>& reply, std::string_view command);
  void trouble(std::string text);

  Parts& parts_;
  SourceConfig config_;
  std::string consumer_;
  StreamSourceCore core_;
  std::unique_ptr<RedisConnection> reader_;
  std::unique_ptr<RedisConnection> writer_;
  std::vector<std::unique_ptr<RedisConnection>> old_;  // until the next attempt
  std::map<uint64_t, std::unique_ptr<Errand>> errands_;
  std::string claim_cursor_ = "0-0";
  bool reading_ = false;  // connected, and the group is there
  int failures_ = 0;      // to connect, in a row
  std::string trouble_;
  io::Timer retry_;
  io::Timer wake_;
};

}  // namespace thaw::messaging
