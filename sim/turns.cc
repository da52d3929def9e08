#include "turns.h"

#include <fmt/format.h>

namespace thaw::sim {

void Turns::waits(const RevisionId& revision, serving::CallerId caller) {
  Line& line = lines_[revision][caller];
  if (line.waiting++ == 0) line.since = loop_.now();
}

void Turns::placed(const RevisionId& revision, serving::CallerId caller) {
  Lines& lines = lines_[revision];
  one_less(lines, caller);
  for (auto& [other, line] : lines) {
    // What is told at the instant in which it came may have been decided before.
    if (other == caller || line.since == loop_.now()) continue;
    if (++line.overtook[caller] < 2) continue;
    journal_.violation(fmt::format("caller {} of {} is served twice while {} waits", caller.value,
                                   revision.str(), other.value));
  }
}

void Turns::left(const RevisionId& revision, serving::CallerId caller) {
  one_less(lines_[revision], caller);
}

/// It may have had its turn even if it left: who leaves may just have been given a place.
void Turns::one_less(Lines& lines, serving::CallerId caller) {
  Line& line = lines.at(caller);
  line.overtook.clear();
  if (--line.waiting == 0) lines.erase(caller);
}

}  // namespace thaw::sim
