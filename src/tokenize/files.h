// Reads a tokenizer's text files. Thread: any. Limits: 64 MiB, kInvalidArgument over it.
#pragma once

#include <string>

#include "base/result.h"

namespace thaw::tokenize {

/// kNotFound: there is no such file.
Result<std::string> read_text_file(const std::string& path);

}  // namespace thaw::tokenize
