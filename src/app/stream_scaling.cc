#include "app/stream_scaling.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::app {

using Basis = scaling::LagScaler::Decision::Basis;

void StreamScaling::run(const serving::RevisionConfig& config) {
  const RevisionId& revision = config.instance.revision;
  parts_.serving.set_revision(config);
  if (!config.stream || config.reachability == serving::Reachability::kUnreachable) {
    followed_.erase(revision);
    return;
  }
  const spec::StreamTrigger& trigger = *config.stream;
  messaging::RedisPlace place;
  auto address = messaging::parse_redis_address(trigger.address);
  if (!address) {
    return parts_.tell(config.instance.service.str(),
                       "thaw.local/stream-address: " + address.error().message());
  }
  place.address = *std::move(address);
  place.password_file = trigger.password_file;
  place.password_env = trigger.password_env;
  Followed& followed = followed_[revision];
  followed.config = config;
  followed.instances = -1;
  followed.scaler = std::make_unique<scaling::LagScaler>(
      scaling::LagTarget{.entries_per_instance = trigger.entries_per_instance,
                         .min_instances = config.min_instances,
                         .max_instances = config.max_instances,
                         .window = trigger.window},
      parts_.loop.now());
  followed.watch = std::make_unique<messaging::LagWatch>(
      parts_.net, parts_.loop, std::move(place), trigger.stream, trigger.group, parts_.password,
      [this, revision](const auto& reading) { on_reading(revision, reading); });
}

void StreamScaling::on_reading(const RevisionId& revision,
                               const Result<messaging::StreamLag>& reading) {
  Followed& followed = followed_.at(revision);
  std::optional<scaling::LagReading> counts;
  if (reading) counts = scaling::LagReading{reading->lag, reading->pending};
  const auto decision = followed.scaler->step(parts_.loop.now(), counts);
  const std::string& service = followed.config.instance.service.str();
  if (decision.basis != followed.basis) {
    if (decision.basis == Basis::kReading) {
      parts_.tell(service, "The stream can be read again.");
    } else {
      parts_.tell(service,
                  fmt::format("The stream cannot be read; {} instances {}: {}", decision.instances,
                              decision.basis == Basis::kHeld ? "stay for now" : "are the minimum",
                              reading ? "" : reading.error().message()));
    }
    followed.basis = decision.basis;
  }
  if (decision.instances == followed.instances) return;
  if (reading && followed.instances >= 0) {
    parts_.tell(service, fmt::format("{} entries wait and {} are pending: {} instances, were {}.",
                                     reading->lag, reading->pending, decision.instances,
                                     followed.instances));
  }
  followed.instances = decision.instances;
  apply(followed, decision.instances);
}

/// A worker runs exactly so many; a service at least, and more for its requests.
void StreamScaling::apply(Followed& followed, int instances) {
  serving::RevisionConfig config = followed.config;
  config.initial_instances = 0;
  config.min_instances = instances;
  if (config.workload == serving::Workload::kWorker) {
    // At least one place, so that a trial may end; it goes as soon as it is ready.
    config.max_instances = std::max(instances, 1);
    config.idle_before_zero = Duration(0);
  }
  parts_.serving.set_revision(config);
}

}  // namespace thaw::app
