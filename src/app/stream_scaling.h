// StreamScaling: revisions whose instances follow a Redis stream: watches the stream, asks
// scaling/lag_scaler.h, tells serving the bounds.
//
// **Thread**: the loop's. **Owner**: everything given outlives it. **Limits**: one connection a
// revision.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "messaging/lag_watch.h"
#include "scaling/lag_scaler.h"
#include "serving/serving.h"

namespace thaw::app {

class StreamScaling {
 public:
  struct Parts {
    io::Net& net;
    io::Loop& loop;
    serving::Serving& serving;
    std::function<Result<std::string>(const messaging::RedisPlace&)> password;
    /// A sentence for the service's log.
    std::function<void(const std::string& service, const std::string& text)> tell;
  };
  explicit StreamScaling(Parts parts) : parts_(std::move(parts)) {}

  /// Instead of Serving::set_revision.
  void run(const serving::RevisionConfig& config);
  void retire(const RevisionId& revision) { followed_.erase(revision); }
  void stop() { followed_.clear(); }

 private:
  struct Followed {
    serving::RevisionConfig config;
    std::unique_ptr<scaling::LagScaler> scaler;
    std::unique_ptr<messaging::LagWatch> watch;
    int instances = -1;
    scaling::LagScaler::Decision::Basis basis = scaling::LagScaler::Decision::Basis::kReading;
  };
  void on_reading(const RevisionId& revision, const Result<messaging::StreamLag>& reading);
  void apply(Followed& followed, int instances);

  Parts parts_;
  std::map<RevisionId, Followed> followed_;
};

}  // namespace thaw::app
