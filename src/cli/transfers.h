// Transfers: many files to and from buckets at the same time, with one line of progress.
//
// Files of up to kSmall go kAtOnce at a time, each in one request that is tried again; larger ones
// after them, one by one and in pieces (buckets.h), since one of them fills the way already.
// Thread: the caller's of run(). Owner: the context outlives it. Limits: kAtOnce times kSmall of
// contents in memory; kAttempts a file. The first file that fails for good ends all.
#pragma once

#include <string>
#include <vector>

#include "cli/buckets.h"

namespace thaw::cli {

struct Transfer {
  std::string from;  // a file or gs://BUCKET/NAME
  std::string to;
  int64_t size = -1;  // bytes; -1: not known
};

/// Whole files only: a download appears under its name when it is complete.
Outcome<ExitCode> transfer_all(Context& context, Buckets& buckets,
                               const std::vector<Transfer>& transfers);

}  // namespace thaw::cli
