// Behaviour: how a simulated revision's containers start, serve, fail and stop.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include "base/time.h"
#include "random.h"
#include "sandbox/sandbox.h"

namespace thaw::sim {

enum class Listening { kYes, kNever };
enum class OnSigterm { kEnds, kIgnores };

struct Behaviour {
  Duration slowest_start = milliseconds(200);  // of the program; uniform from a tenth of it
  double fails_to_start = 0;                   // probabilities of one start
  double never_listens = 0;
  double crashes_when_idle = 0;  // some time after it listens
  double crashes_in_request = 0;
  double runs_out_of_memory = 0;  // in a request
  double breaks_connection = 0;   // in a request; the container lives on
  double ignores_sigterm = 0;
  double fails_check = 0;  // one try of a liveness or readiness probe
  Duration slowest_request = milliseconds(300);
  Duration slowest_stop = milliseconds(500);
};

/// What is drawn for one container.
struct Fate {
  Duration sandbox;
  Duration exec;
  Duration start;
  sandbox::ExitReport::Kind fails = sandbox::ExitReport::Kind::kStopped;  // kStopped: does not
  Listening listening = Listening::kYes;
  Duration crashes_after{-1};  // negative: never
  OnSigterm on_sigterm = OnSigterm::kEnds;
  Duration stop;
};

enum class RequestFate { kAnswered, kCrash, kOutOfMemory, kBroken };

/// With many faults or with few: a seed has its own weather.
Behaviour draw_behaviour(Random& random);
/// Starts, serves and stops as it should.
Behaviour good_behaviour();
Fate draw_fate(const Behaviour& behaviour, Random& random);
enum class CheckFate { kPasses, kFails };
CheckFate draw_check(const Behaviour& behaviour, Random& random);
RequestFate draw_request(const Behaviour& behaviour, Random& random);

}  // namespace thaw::sim
