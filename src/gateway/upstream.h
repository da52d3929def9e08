// Upstreams: connections to instances, kept open between requests.
//
// Thread: the loop's. Owner: the pool outlives the connections taken from it, the loop and the net
// all of them. Limits: 128 idle connections an instance, each for 60 s; what is over is closed.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::gateway {

class UpstreamPool;

/// Who uses an upstream for a request.
class UpstreamUser {
 public:
  virtual void on_upstream_readable() = 0;
  virtual void on_upstream_writable() = 0;

 protected:
  ~UpstreamUser() = default;
};

class Upstream final : public io::StreamEvents {
 public:
  Upstream(UpstreamPool& pool, const InstanceId& instance, std::unique_ptr<io::Stream> stream);

  io::Stream& stream() { return *stream_; }
  const InstanceId& instance() const { return instance_; }
  void set_user(UpstreamUser* user) { user_ = user; }
  /// Whether it has served a request before.
  bool is_reused() const { return served_ > 0; }
  void on_readable() override;
  void on_writable() override;

 private:
  friend class UpstreamPool;
  UpstreamPool& pool_;
  InstanceId instance_;
  std::unique_ptr<io::Stream> stream_;
  UpstreamUser* user_ = nullptr;  // null: idle in the pool
  int served_ = 0;                // requests
  Instant idle_since_{};
};

class UpstreamPool {
 public:
  explicit UpstreamPool(io::Loop& loop) : loop_(loop) {}

  /// An idle connection that can be trusted to be open; null when there is none.
  std::unique_ptr<Upstream> take(const InstanceId& instance);
  /// After a request that ended cleanly.
  void give_back(std::unique_ptr<Upstream> upstream);
  /// Closes the idle ones: the instance is gone, or about to be frozen.
  void drop(const InstanceId& instance) { idle_.erase(instance); }
  size_t idle() const;

 private:
  friend class Upstream;
  using Idle = std::vector<std::unique_ptr<Upstream>>;
  void remove(Upstream& upstream);
  void sweep();

  io::Loop& loop_;
  std::unordered_map<InstanceId, Idle> idle_;
  io::Timer sweep_timer_;
  bool sweeping_ = false;
};

}  // namespace thaw::gateway
