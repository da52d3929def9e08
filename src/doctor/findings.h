// Findings: what facts mean on Cloud Run, and what to change. Pure.
//
// Each kind of finding has an id that never changes; docs/reference/doctor.md has one section for
// each. The thresholds stand in findings.cc and on that page.
// Thread: any. Owner: values. Limits: one finding of a kind, as many as there are kinds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "doctor/facts.h"

namespace thaw::doctor {

/// kError: it does not serve there. kWarning: it serves badly, loses something or costs more.
/// kInfo: worth knowing.
enum class Severity { kInfo, kWarning, kError };
std::string_view severity_name(Severity severity);
std::optional<Severity> severity_from(std::string_view name);

struct Finding {
  std::string id;
  Severity severity = Severity::kWarning;
  std::string what;                   // one sentence
  std::vector<std::string> evidence;  // numbers, lines of output, files
  std::string fix;                    // one sentence
  std::string command;                // a command or an edit; may have several lines
};

/// The worst first, else in the order of an instance's life.
std::vector<Finding> find(const Facts& facts);

/// A memory limit with room for `peak`: a quarter more, rounded up to a usual size.
ByteCount recommended_memory(ByteCount peak);

}  // namespace thaw::doctor
