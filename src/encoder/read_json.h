// read_json(): a file of a model's folder, parsed.
// Thread: any. Owner: values. Limits: as tokenize::read_text_file().
#pragma once

#include <string>

#include "base/json.h"

namespace thaw::encoder {

/// Errors name the file: kNotFound, or kInvalidArgument with line and column.
Result<Json> read_json(const std::string& path);

}  // namespace thaw::encoder
