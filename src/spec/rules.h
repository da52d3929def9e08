// check_rules: the rules of a service that no single field can tell: what is required, what
// excludes what, CPU against memory, the probes' ranges, traffic's sum.
//
// Ranges of single fields are in the table (fields.h). Thread: any. Owner: values. Limits: none.
#pragma once

#include "spec/node.h"
#include "spec/report.h"
#include "spec/service.h"

namespace thaw::spec {

/// `root` is the tree that `service` was decoded from; it gives the places of faults. A rule about
/// a value that `report` already covers is left out.
void check_rules(const Service& service, const Node& root, Report& report);

/// Part of check_rules, in container_rules.cc: the one container, whose path is given, with the
/// template's defaults applied.
void check_container(const Container& container, const RevisionTemplate& revision,
                     std::string_view launch_stage, const Node& root, Report& report);

/// Adds a fault at `path` unless one is there already.
void add_fault(Report& report, const Node& root, std::string_view path, std::string description);

}  // namespace thaw::spec
