// LagWatch: asks a Redis once a second how much of a stream waits for a group.
//
// **Thread**: the loop's. **Owner**: everything given outlives it. **Limits**: one command at a
// time; where Redis cannot tell the lag (entries were deleted), at most kMostCounted are counted.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/loop.h"
#include "io/net.h"
#include "messaging/redis_connection.h"
#include "messaging/source_config.h"

namespace thaw::messaging {

struct StreamLag {
  int64_t lag = 0;      // entries that nobody has read; all of them where the group is missing
  int64_t pending = 0;  // read, not acknowledged
};

/// Of an answer to XINFO GROUPS. `lag` is negative when Redis does not know it; `known` is false
/// when there is no such group. Pure.
struct GroupFacts {
  StreamLag counts;
  std::string last_delivered;
  bool known = false;
};
GroupFacts group_facts(const RedisReply& groups, const std::string& group);

class LagWatch {
 public:
  static constexpr Duration kPeriod = seconds(1);
  static constexpr int kMostCounted = 10'000;

  /// `on_reading` is called once a second with a reading or why there is none.
  LagWatch(io::Net& net, io::Loop& loop, RedisPlace place, std::string stream, std::string group,
           std::function<Result<std::string>(const RedisPlace&)> password,
           std::function<void(const Result<StreamLag>&)> on_reading);

 private:
  void ask();
  void take(const RedisReply& groups);
  void count(RedisConnection::Words words, int64_t pending);
  void report(const Result<StreamLag>& reading);

  io::Net& net_;
  io::Loop& loop_;
  RedisPlace place_;
  std::string stream_;
  std::string group_;
  std::function<Result<std::string>(const RedisPlace&)> password_;
  std::function<void(const Result<StreamLag>&)> on_reading_;
  std::unique_ptr<RedisConnection> connection_;
  bool broken_ = false;
  io::Timer timer_;
};

}  // namespace thaw::messaging
