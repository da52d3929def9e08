// One function for each kind of finding: the facts in, the finding or nothing out.
//
// For findings.cc and its tests alone. Thread: any. Owner: values. Limits: none.
#pragma once

#include <array>
#include <optional>

#include "doctor/findings.h"

namespace thaw::doctor {

using Rule = std::optional<Finding> (*)(const Facts&);

// finding_start.cc
std::optional<Finding> does_not_start(const Facts& facts);
std::optional<Finding> exits_early(const Facts& facts);
std::optional<Finding> never_listens(const Facts& facts);
std::optional<Finding> listens_on_loopback(const Facts& facts);
std::optional<Finding> ignores_port(const Facts& facts);
std::optional<Finding> listens_late(const Facts& facts);
std::optional<Finding> fails_probe(const Facts& facts);
std::optional<Finding> calls_network(const Facts& facts);
std::optional<Finding> imports_slowly(const Facts& facts);
std::optional<Finding> lacks_byte_code(const Facts& facts);
// finding_run.cc
std::optional<Finding> runs_out_of_memory(const Facts& facts);
std::optional<Finding> is_tight_on_memory(const Facts& facts);
std::optional<Finding> does_not_answer(const Facts& facts);
std::optional<Finding> crashes_serving(const Facts& facts);
std::optional<Finding> serves_one_by_one(const Facts& facts);
std::optional<Finding> starves(const Facts& facts);
std::optional<Finding> has_too_many_threads(const Facts& facts);
// finding_disk.cc
std::optional<Finding> keeps_state(const Facts& facts);
std::optional<Finding> writes_outside_tmp(const Facts& facts);
std::optional<Finding> ignores_sigterm(const Facts& facts);
std::optional<Finding> does_not_forward_sigterm(const Facts& facts);
std::optional<Finding> is_heavy(const Facts& facts);

inline constexpr std::array<Rule, 22> kRules = {
    does_not_start,
    exits_early,
    never_listens,
    listens_on_loopback,
    ignores_port,
    listens_late,
    fails_probe,
    calls_network,
    imports_slowly,
    lacks_byte_code,
    runs_out_of_memory,
    is_tight_on_memory,
    does_not_answer,
    crashes_serving,
    serves_one_by_one,
    starves,
    has_too_many_threads,
    keeps_state,
    writes_outside_tmp,
    ignores_sigterm,
    does_not_forward_sigterm,
    is_heavy,
};

}  // namespace thaw::doctor
