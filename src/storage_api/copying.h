// Copying: one object's content under another name, as the JSON and the XML API ask for it.
//
// **Thread**: copy() runs where the catalog's changes do; reading a call is pure. **Owner**:
// values.
// **Limits**: none; both objects share one content.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "storage_api/call.h"

namespace thaw::storage_api {

struct Copy {
  Target target;  // from bucket and object to to_bucket and to_object
  std::optional<int64_t> generation;
  objects::Preconditions source_conditions;
  objects::Preconditions conditions;
  Json sent;  // settings; when there are none the source's are taken
  std::string hops;
};
Result<objects::Object> copy(objects::Catalog& catalog, const Copy& what);

/// Whether a PUT of the XML API names an object to copy, so that its body is no content.
bool names_copy_source(const http::Headers& headers);
/// Whether a header that x-amz- begins, in small letters, says what is copied or how; those that
/// x-goog- begins are all to be signed anyway.
bool is_amazons_copy_header(std::string_view name);
/// kInvalidArgument names the header and its value; kUnimplemented: a header that is not known
/// here.
Result<Copy> read_xml_copy(const Call& call);

}  // namespace thaw::storage_api
