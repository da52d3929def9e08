// Squeeze: makes the kernel drop pages that a group is charged with though no process has them.
//
// These are copies of what is in swap, kept for the case that it is wanted again (the swap cache),
// and unmapped pages of files beyond a share. The group's limit is set lower by that much and back
// at once, piece by piece; never by more than what can go, so a program that is woken meanwhile
// finds its room.
// **Thread**: one at a time, any; blocks for milliseconds. **Owner**: values. **Limits**: about as
// many pieces as there is to drop, and kMostWaits for a busy disk.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace thaw::sandbox {

/// A group's files. Empty names are left out.
struct SqueezeFiles {
  std::string stat;        // memory.stat, of either version of cgroups
  std::string usage;       // in bytes
  std::string limit;       // memory.limit_in_bytes, or memory.high in v2
  std::string swappiness;  // v1: what is to go, anonymous pages or files
};

class Squeeze {
 public:
  /// `kept_share`: unmapped pages of files up to this share of what the group has, in swap too, may
  /// stay.
  Squeeze(SqueezeFiles files, ByteCount piece, double kept_share);

  enum class Step { kMore, kDone };
  /// Drops the next piece. `mapped`: of what processes have and is to stay; all of it may count as
  /// swap cache, as a page that was read from swap and not written to is in both.
  Result<Step> step(ByteCount mapped = {});
  /// More was paged out: counts anew what there is to drop.
  void begin_again() { left_ = -1; }

 private:
  Result<Step> drop(int64_t bytes, int swappiness);
  Step after_refusal();

  SqueezeFiles files_;
  ByteCount piece_;
  int64_t may_stay_ = 0;
  int64_t left_ = -1;
  int waits_left_;
};

}  // namespace thaw::sandbox
