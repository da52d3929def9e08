// decode_service: the typed Service of a tree that check_shape has seen.
//
// What check_shape has found wrong is left out, so that the rules can go on and find more.
// Thread: any. Owner: values. Limits: those of node.h.
#pragma once

#include "spec/node.h"
#include "spec/service.h"

namespace thaw::spec {

Service decode_service(const Node& root);

}  // namespace thaw::spec
