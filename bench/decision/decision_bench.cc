// What the autoscaler costs: many revisions under load, a simulated minute of their ticks, timed.
// One line of JSON: nanoseconds a tick, and how many there were.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <vector>

#include "base/json.h"
#include "serving/revision_core.h"

namespace {

using thaw::Instant;
using thaw::seconds;
using namespace thaw::serving;  // NOLINT(google-build-using-namespace)

/// Carries out what it is told at once: every instance is ready when it is started.
void send(RevisionCore& core, Instant now, const Event& first) {
  std::vector<Event> events{first};
  for (size_t i = 0; i < events.size(); ++i) {
    const Event event = events[i];
    for (const Action& action : core.on_event(now, event)) {
      const auto* start = std::get_if<action::StartInstance>(&action);
      if (start == nullptr) continue;
      events.push_back(event::Executed{start->instance});
      events.push_back(event::ProbePassed{start->instance});
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int revisions = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int requests = argc > 2 ? std::atoi(argv[2]) : 20;
  RevisionConfig config;
  config.container_concurrency = 4;
  config.max_instances = 100;
  config.initial_instances = 0;
  std::vector<RevisionCore> cores;
  cores.reserve(static_cast<size_t>(revisions));
  Instant now{};
  for (int i = 0; i < revisions; ++i) {
    RevisionCore& core = cores.emplace_back(config, RevisionCore::Options{}, now);
    send(core, now, event::Configured{&config});
    for (uint64_t r = 1; r <= static_cast<uint64_t>(requests); ++r) {
      send(core, now, event::RequestArrived{{r, 0}, now + seconds(3600)});
    }
  }
  // First until nothing is to be done any more: the load is steady.
  const Instant settled = now + seconds(180);
  const Instant end = settled + seconds(60);
  int64_t ticks = 0;
  std::chrono::nanoseconds spent{0};
  while (now < end) {
    Instant next = end;
    for (const RevisionCore& core : cores) next = std::min(next, core.wake_at());
    now = next;
    for (RevisionCore& core : cores) {
      if (core.wake_at() > now) continue;
      if (now < settled) {
        send(core, now, event::Wake{});
        continue;
      }
      const auto start = std::chrono::steady_clock::now();
      const bool acts = !core.on_event(now, event::Wake{}).empty();
      spent += std::chrono::steady_clock::now() - start;
      ++ticks;
      if (acts) {
        std::cerr << "an action under steady load\n";
        return 1;
      }
    }
  }
  if (ticks == 0) return 1;
  const double each = static_cast<double>(spent.count()) / static_cast<double>(ticks);
  std::cout << thaw::Json::object({{"ns", each}, {"ticks", ticks}}).dump() << '\n';
}
