// find_loop(): whether what a file sets up would feed itself for ever. Pure.
//
// The ways that things take: a bucket's notification to its topic, a topic's push to a service, its
// dead letters to another topic, and a service's output to a bucket or topic. The last is known
// from what the service is told: the argument --output-bucket, and variables with OUTPUT in their
// name whose value is a bucket (gs://BUCKET/PREFIX or its name) or a topic of the file. What a
// service does without being told is seen at run time only (docs/decisions/0091).
//
// Thread: any. Owner: values. Limits: those of file.h.
#pragma once

#include <string>
#include <vector>

#include "pipeline/file.h"

namespace thaw::pipeline {

/// The stations of a loop, the first once more at the end; empty when there is none.
std::vector<std::string> find_loop(const File& file);

/// kFailedPrecondition with the loop in words, and what to change.
Status check_loops(const File& file);

}  // namespace thaw::pipeline
