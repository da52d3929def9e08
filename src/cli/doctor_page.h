// The doctor's report: as a page for a terminal, and as JSON.
//
// Pure. Thread: any. Owner: values. Limits: a page of at most 100 columns.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "cli/text.h"
#include "doctor/findings.h"

namespace thaw::cli {

struct DoctorPage {
  size_t width = 80;
  Style style{Style::Colour::kOff};
};
std::string doctor_page(const doctor::Facts& facts, const std::vector<doctor::Finding>& findings,
                        const DoctorPage& page);

/// {"target", "command", "findings": [...], "measured": {...}, "notSeen": [...]}.
Json doctor_json(const doctor::Facts& facts, const std::vector<doctor::Finding>& findings);

}  // namespace thaw::cli
