// Turns: those who wait for a place of one revision are served in turn.
//
// While a caller waits, no other one is given two places that came free: held against what callers
// are told, in the order in which they are told it.
//
// **Thread**: one. **Owner**: loop and journal outlive it. **Limits**: none.
#pragma once

#include <map>

#include "base/id.h"
#include "journal.h"
#include "serving/caller_id.h"
#include "sim_loop.h"

namespace thaw::sim {

class Turns {
 public:
  Turns(SimLoop& loop, Journal& journal) : loop_(loop), journal_(journal) {}

  void waits(const RevisionId& revision, serving::CallerId caller);
  /// One that waited was given a place.
  void placed(const RevisionId& revision, serving::CallerId caller);
  /// One that waited was refused, or left.
  void left(const RevisionId& revision, serving::CallerId caller);

 private:
  struct Line {
    int waiting = 0;
    Instant since;                              // when the first of them came
    std::map<serving::CallerId, int> overtook;  // since then, or since its last place
  };
  using Lines = std::map<serving::CallerId, Line>;
  static void one_less(Lines& lines, serving::CallerId caller);

  SimLoop& loop_;
  Journal& journal_;
  std::map<RevisionId, Lines> lines_;
};

}  // namespace thaw::sim
