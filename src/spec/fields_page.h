// The reference page of service files, written from the table of fields (fields.h).
//
// docs/reference/service-file.md is this text; a test holds the two together.
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>

namespace thaw::spec {

std::string service_file_page();

}  // namespace thaw::spec
