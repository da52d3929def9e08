// The defaults Cloud Run's server fills in. Thread: any. Owner: values. Limits: none.
#pragma once

#include "spec/service.h"

namespace thaw::spec {

/// Requests at once in one instance when the file does not say: 80 per vCPU, at most 1000, and 1
/// below one vCPU (contract 1.6).
int32_t default_concurrency(Cpu cpu);

/// Fills in what is absent: port 8080 http1, 1000m CPU, 512Mi, timeout 300 s, concurrency, the TCP
/// startup probe of 240 s, maxScale 100, all traffic to the latest revision. Doing it twice
/// changes nothing.
void apply_defaults(Service& service);
void apply_defaults(RevisionTemplate& revision);

}  // namespace thaw::spec
