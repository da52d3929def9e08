// TriggerScaling: revisions whose instances follow a Redis stream, a Pub/Sub subscription or the
// CPU time they use: watches those, asks scaling/lag_scaler.h and scaling/cpu_scaler.h, and tells
// serving the bounds. Of several triggers the largest number holds.
//
// **Thread**: the loop's. **Owner**: everything given outlives it. **Limits**: one connection a
// revision that follows a stream; all is looked at once a second.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "messaging/lag_watch.h"
#include "scaling/cpu_scaler.h"
#include "scaling/lag_scaler.h"
#include "serving/serving.h"

namespace thaw::app {

class TriggerScaling {
 public:
  struct Parts {
    io::Net& net;
    io::Loop& loop;
    serving::Serving& serving;
    std::function<Result<std::string>(const messaging::RedisPlace&)> password;
    /// Messages of a subscription that are not acknowledged.
    std::function<Result<int64_t>(const std::string& subscription)> backlog;
    /// A sentence for the service's log.
    std::function<void(const std::string& service, const std::string& text)> tell;
  };
  explicit TriggerScaling(Parts parts) : parts_(std::move(parts)) {}

  /// Instead of Serving::set_revision.
  void run(const serving::RevisionConfig& config);
  void retire(const RevisionId& revision) { followed_.erase(revision); }
  void stop();

 private:
  /// A stream or a subscription.
  struct Queue {
    scaling::LagScaler scaler;
    const char* name;  // "stream"
    std::string (*words_of)(const scaling::LagReading& reading);
    scaling::LagScaler::Decision::Basis basis = scaling::LagScaler::Decision::Basis::kReading;
    int wanted = 0;
    std::string words;  // what the last reading was
  };
  struct Cpu {
    scaling::CpuScaler scaler;
    std::map<InstanceId, Duration> used;  // at the last look
    Instant looked;
    int wanted = 0;
    std::string words;
  };
  struct Followed {
    serving::RevisionConfig config;
    std::optional<Queue> stream;
    std::optional<Queue> subscription;
    std::optional<Cpu> cpu;
    std::unique_ptr<messaging::LagWatch> watch;
    int instances = -1;  // told to serving; negative: none yet
  };

  void follow_stream(const RevisionId& revision, Followed& followed);
  void take(Followed& followed, Queue& queue, const Result<scaling::LagReading>& reading);
  void look();
  void look_at_cpu(Followed& followed);
  void settle(Followed& followed);
  void apply(Followed& followed, int instances);

  Parts parts_;
  std::map<RevisionId, Followed> followed_;
  io::Timer look_;
};

}  // namespace thaw::app
