// Words: what users read about their containers and callers about their requests.
//
// Every way in which a container can fail has a message of its own: what happened, measured by
// what limit, and what to change. Decides nothing.
//
// **Thread**: any. **Owner**: values. **Limits**: a quoted line of output is cut at 200 bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"
#include "sandbox/sandbox.h"
#include "serving/refusal.h"
#include "serving/revision_config.h"

namespace thaw::serving {

/// `reason` is a RevisionState's. Callers are told the summary only: the advice is for the
/// service's owner and may quote what the container printed.
struct Words {
  Severity severity = Severity::kError;
  std::string reason;
  std::string summary;
  std::string advice;

  std::string message() const { return summary + " " + advice; }
};

enum class Phase { kStarting, kServing };

/// How an instance ended that was not told to.
struct Ending {
  Phase phase = Phase::kServing;
  sandbox::ExitReport report;
  Duration lived{0};             // since its program was executed
  std::string_view last_stderr;  // the last line it printed there, or empty
};

Words ended(const Ending& ending, const sandbox::InstanceSpec& spec);
/// It listens, but `took` is long. `probe` says what is allowed.
Words listens_late(Duration took, const sandbox::InstanceSpec& spec, const Probe& probe);
/// `why`: what the last try met, without a full stop; may be empty.
Words never_listens(const sandbox::InstanceSpec& spec, const Probe& probe,
                    std::string_view why = {});
/// Its liveness probe failed so often that it is killed; its readiness probe, that it rests.
Words fails_liveness(const sandbox::InstanceSpec& spec, const Probe& probe, std::string_view why);
Words not_ready(const Probe& probe, std::string_view why);
Words ignores_sigterm(Duration grace);

/// The longest time a start may take: initial delay + period x failure threshold (contract 1.2).
Duration allowed_start(const Probe& probe);

Refusal queue_is_full(int longest);
Refusal no_free_instance(Duration waited, int max_instances);
Refusal past_deadline();
Refusal unknown_revision();
Refusal shutting_down();
/// `why`: of the failure that keeps the container from starting.
Refusal cannot_start(const Words& why, Duration retry_after);
/// For a request whose instance ended, or broke the connection (`why` null) without an answer.
Refusal instance_died(const sandbox::ExitReport* report, const Words* why);

}  // namespace thaw::serving
