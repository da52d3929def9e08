// Names of buckets and objects: what may be one. Pure.
//
// A name never becomes a path on disk. **Thread**: any. **Owner**: values.
// **Limits**: buckets 3 to 63 characters (222 with dots), objects 1 to 1024 bytes of UTF-8.
// Source: Cloud Storage's rules for bucket and object names.
#pragma once

#include <string_view>

#include "base/result.h"

namespace thaw::objects {

/// Small letters, digits, '-', '_' and '.'; begins and ends with a letter or digit.
/// kInvalidArgument names the rule that is broken.
Status check_bucket_name(std::string_view name);
/// Also refused: control characters, "." and "..", and ".well-known/acme-challenge/...".
Status check_object_name(std::string_view name);

}  // namespace thaw::objects
