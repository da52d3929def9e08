#include "app/trigger_scaling.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::app {
namespace {

using Basis = scaling::LagScaler::Decision::Basis;

constexpr Duration kLookEvery = seconds(1);

scaling::LagTarget lag_target(const serving::RevisionConfig& config, int per, Duration window) {
  return {.entries_per_instance = per,
          .min_instances = config.min_instances,
          .max_instances = config.max_instances,
          .window = window};
}

std::string stream_words(const scaling::LagReading& reading) {
  return fmt::format("{} entries wait and {} are pending", reading.lag, reading.pending);
}

std::string subscription_words(const scaling::LagReading& reading) {
  return fmt::format("{} messages are not acknowledged", reading.lag);
}

}  // namespace

void TriggerScaling::run(const serving::RevisionConfig& config) {
  const RevisionId& revision = config.instance.revision;
  parts_.serving.set_revision(config);
  followed_.erase(revision);
  const bool any = config.stream || config.subscription || config.cpu_target;
  if (!any || config.reachability == serving::Reachability::kUnreachable) return;
  Followed& followed = followed_[revision];
  followed.config = config;
  const Instant now = parts_.loop.now();
  if (config.stream) {
    followed.stream.emplace(Queue{
        .scaler = scaling::LagScaler(
            lag_target(config, config.stream->entries_per_instance, config.stream->window), now),
        .name = "stream",
        .words_of = stream_words});
    follow_stream(revision, followed);
  }
  if (config.subscription) {
    followed.subscription.emplace(Queue{
        .scaler = scaling::LagScaler(lag_target(config, config.subscription->messages_per_instance,
                                                config.subscription->window),
                                     now),
        .name = "subscription",
        .words_of = subscription_words});
  }
  if (config.cpu_target) {
    // By CPU alone a worker would never come back from zero; a service comes by its requests.
    const bool alone = !config.stream && !config.subscription;
    const bool is_worker = config.workload == serving::Workload::kWorker;
    const int least = std::max(config.min_instances, alone && is_worker ? 1 : 0);
    followed.cpu.emplace(Cpu{.scaler = scaling::CpuScaler({.percent = config.cpu_target->percent,
                                                           .min_instances = least,
                                                           .max_instances = config.max_instances,
                                                           .window = config.cpu_target->window}),
                             .looked = now});
  }
  look_ = parts_.loop.after(Duration::zero(), [this] { look(); });
}

void TriggerScaling::stop() {
  look_.cancel();
  followed_.clear();
}

void TriggerScaling::follow_stream(const RevisionId& revision, Followed& followed) {
  const spec::StreamTrigger& trigger = *followed.config.stream;
  messaging::RedisPlace place;
  auto address = messaging::parse_redis_address(trigger.address);
  if (!address) {
    return parts_.tell(followed.config.instance.service.str(),
                       "thaw.local/stream-address: " + address.error().message());
  }
  place.address = *std::move(address);
  place.password_file = trigger.password_file;
  place.password_env = trigger.password_env;
  followed.watch = std::make_unique<messaging::LagWatch>(
      parts_.net, parts_.loop, std::move(place), trigger.stream, trigger.group, parts_.password,
      [this, revision](const Result<messaging::StreamLag>& lag) {
        Followed& its = followed_.at(revision);
        if (lag) {
          take(its, *its.stream, scaling::LagReading{lag->lag, lag->pending});
        } else {
          take(its, *its.stream, lag.error());
        }
      });
}

void TriggerScaling::take(Followed& followed, Queue& queue,
                          const Result<scaling::LagReading>& reading) {
  std::optional<scaling::LagReading> counts;
  if (reading) counts = *reading;
  const auto decision = queue.scaler.step(parts_.loop.now(), counts);
  if (decision.basis != queue.basis) {
    const std::string& service = followed.config.instance.service.str();
    if (decision.basis == Basis::kReading) {
      parts_.tell(service, fmt::format("The {} can be read again.", queue.name));
    } else {
      parts_.tell(
          service,
          fmt::format("The {} cannot be read; {} instances {}: {}", queue.name, decision.instances,
                      decision.basis == Basis::kHeld ? "stay for now" : "are the minimum",
                      reading ? "" : reading.error().message()));
    }
    queue.basis = decision.basis;
  }
  queue.wanted = decision.instances;
  queue.words = reading ? queue.words_of(*reading) : "";
  settle(followed);
}

void TriggerScaling::look() {
  bool any = false;
  for (auto& [revision, followed] : followed_) {
    if (followed.subscription) {
      const Result<int64_t> backlog = parts_.backlog(followed.config.subscription->subscription);
      if (backlog) {
        take(followed, *followed.subscription, scaling::LagReading{*backlog, 0});
      } else {
        take(followed, *followed.subscription, backlog.error());
      }
    }
    if (followed.cpu) look_at_cpu(followed);
    any |= followed.subscription || followed.cpu;
  }
  if (any) look_ = parts_.loop.after(kLookEvery, [this] { look(); });
}

void TriggerScaling::look_at_cpu(Followed& followed) {
  Cpu& cpu = *followed.cpu;
  const Instant now = parts_.loop.now();
  const double passed = to_seconds(now - cpu.looked);
  scaling::CpuReading reading;
  std::map<InstanceId, Duration> used;
  for (const auto& instance : parts_.serving.instances(followed.config.instance.revision)) {
    if (instance.state != serving::InstanceState::kReady) continue;
    used[instance.id] = instance.usage.cpu;
    ++reading.instances;
    const auto before = cpu.used.find(instance.id);
    // One that has just begun tells nothing yet.
    if (before == cpu.used.end() || passed <= 0) continue;
    const double cores = to_seconds(instance.usage.cpu - before->second) / passed;
    reading.used_limits += cores * 1000 / std::max(followed.config.instance.cpu_millis, 1);
  }
  cpu.used = std::move(used);
  cpu.looked = now;
  cpu.wanted = cpu.scaler.step(now, reading);
  cpu.words = fmt::format("{} instances use {:.0f} % of one's CPU limit", reading.instances,
                          reading.used_limits * 100);
  settle(followed);
}

void TriggerScaling::settle(Followed& followed) {
  int wanted = 0;
  const std::string* words = nullptr;
  const auto consider = [&](const auto& trigger) {
    if (!trigger || (words != nullptr && trigger->wanted <= wanted)) return;
    wanted = trigger->wanted;
    words = &trigger->words;
  };
  consider(followed.stream);
  consider(followed.subscription);
  consider(followed.cpu);
  if (wanted == followed.instances) return;
  if (words != nullptr && !words->empty() && followed.instances >= 0) {
    parts_.tell(followed.config.instance.service.str(),
                fmt::format("{}: {} instances, were {}.", *words, wanted, followed.instances));
  }
  followed.instances = wanted;
  apply(followed, wanted);
}

/// A worker runs exactly so many; a service at least, and more for its requests.
void TriggerScaling::apply(Followed& followed, int instances) {
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
