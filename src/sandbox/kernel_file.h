// Small files of the kernel, read whole and written in one go, from a worker's thread.
//
// **Thread**: any; blocks. **Owner**: values. **Limits**: what is read is cut at the limit given.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace thaw::sandbox {

/// Empty where there is no such file, or no name.
std::string read_kernel_file(const std::string& path, ByteCount limit);

Status write_kernel_file(const std::string& path, const std::string& text);

}  // namespace thaw::sandbox
