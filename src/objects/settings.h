// Settings: the fields of bucket and object resources that callers may set. Pure.
//
// Everything else in a resource is the store's and is ignored when sent, because clients echo whole
// resources. **Thread**: any. **Owner**: values.
// **Limits**: settings 64 KiB as JSON; custom metadata 8 KiB; strings that become headers hold no
// control characters.
#pragma once

#include "base/json.h"
#include "base/result.h"

namespace thaw::objects {

enum class Merge {
  kPatch,    // what is not named stays, null removes
  kReplace,  // what is not named goes
};
/// The settings after `sent` was applied to `old`. kInvalidArgument names the field and its fault.
Result<Json> merge_object_settings(const Json& old, const Json& sent, Merge how);
Result<Json> merge_bucket_settings(const Json& old, const Json& sent, Merge how);

}  // namespace thaw::objects
