#include "behaviour.h"

namespace thaw::sim {

using Kind = sandbox::ExitReport::Kind;

Behaviour good_behaviour() { return Behaviour(); }

Behaviour draw_behaviour(Random& random) {
  Behaviour b;
  b.slowest_start = random.one_of({milliseconds(20), milliseconds(500), seconds(5), seconds(100)});
  b.slowest_request = random.one_of({milliseconds(5), milliseconds(300), seconds(8)});
  b.slowest_stop = random.one_of({milliseconds(1), milliseconds(500), seconds(9)});
  const auto fault = [&](double rare, double often) {
    if (random.chance(0.6)) return 0.0;
    return random.chance(0.7) ? rare : often;
  };
  b.fails_to_start = fault(0.1, 0.9);
  b.never_listens = fault(0.05, 0.5);
  b.crashes_when_idle = fault(0.1, 0.8);
  b.crashes_in_request = fault(0.01, 0.2);
  b.runs_out_of_memory = fault(0.01, 0.2);
  b.breaks_connection = fault(0.01, 0.2);
  b.ignores_sigterm = fault(0.1, 1.0);
  b.fails_check = fault(0.1, 0.7);
  return b;
}

Fate draw_fate(const Behaviour& behaviour, Random& random) {
  Fate fate;
  fate.sandbox = random.between(milliseconds(1), milliseconds(20));
  fate.exec = random.between(milliseconds(0), milliseconds(5));
  fate.start = random.between(behaviour.slowest_start / 10, behaviour.slowest_start);
  if (random.chance(behaviour.fails_to_start)) {
    fate.fails =
        random.one_of({Kind::kExited, Kind::kSignalled, Kind::kOutOfMemory, Kind::kNotStarted});
  }
  if (random.chance(behaviour.never_listens)) fate.listening = Listening::kNever;
  if (random.chance(behaviour.crashes_when_idle)) {
    fate.crashes_after = random.between(milliseconds(1), seconds(200));
  }
  if (random.chance(behaviour.ignores_sigterm)) fate.on_sigterm = OnSigterm::kIgnores;
  fate.stop = random.between(Duration(0), behaviour.slowest_stop);
  return fate;
}

CheckFate draw_check(const Behaviour& behaviour, Random& random) {
  return random.chance(behaviour.fails_check) ? CheckFate::kFails : CheckFate::kPasses;
}

RequestFate draw_request(const Behaviour& behaviour, Random& random) {
  if (random.chance(behaviour.crashes_in_request)) return RequestFate::kCrash;
  if (random.chance(behaviour.runs_out_of_memory)) return RequestFate::kOutOfMemory;
  if (random.chance(behaviour.breaks_connection)) return RequestFate::kBroken;
  return RequestFate::kAnswered;
}

}  // namespace thaw::sim
