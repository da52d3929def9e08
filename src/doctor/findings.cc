#include "doctor/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "doctor/finding_kinds.h"

namespace thaw::doctor {

std::string_view severity_name(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      break;
  }
  return "error";
}

std::optional<Severity> severity_from(std::string_view name) {
  for (const Severity severity : {Severity::kInfo, Severity::kWarning, Severity::kError}) {
    if (severity_name(severity) == name) return severity;
  }
  return std::nullopt;
}

ByteCount recommended_memory(ByteCount peak) {
  const int64_t wanted = peak.value + peak.value / 4;
  for (const int64_t size : {128, 256, 512, 1024, 2048, 4096, 8192, 16384, 24576}) {
    if (mib(size).value >= wanted) return mib(size);
  }
  return gib(32);
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> all;
  for (const Rule rule : kRules) {
    if (std::optional<Finding> found = rule(facts)) all.push_back(*std::move(found));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return all;
}

}  // namespace thaw::doctor
