// check_shape: holds a tree to the table of fields: names, types, ranges, what is refused.
//
// Not the rules between fields (rules.h). Thread: any. Owner: values. Limits: those of node.h.
#pragma once

#include "spec/node.h"
#include "spec/report.h"

namespace thaw::spec {

void check_shape(const Node& service, Report& report);

}  // namespace thaw::spec
