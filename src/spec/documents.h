// Reading a text with several documents, of which some are services: pipeline files.
//
// Thread: any. Owner: values. Limits: a text of at most 1 MiB, 200 documents, those of node.h.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "spec/node.h"
#include "spec/service.h"

namespace thaw::spec {

/// The documents, held to no rule yet but those of reading. kInvalidArgument with the place.
Result<std::vector<Node>> read_documents(std::string_view text, std::string_view file_name);
/// A document of it that is a service. Messages as parse_service's (parse.h).
Result<Service> service_from_node(const Node& document, std::string_view file_name);

}  // namespace thaw::spec
