// Private files: keys that nobody but their owner may read.
// **Thread**: any. **Owner**: values.
#pragma once

#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "io/disk.h"

namespace thaw::tls {

/// kFailedPrecondition: others than its owner and its group may read it, or others than its owner
/// may write it. The group may read, since Debian keeps keys that way (root:ssl-cert, 0640).
Result<std::string> read_private_file(io::Disk& disk, const std::string& path, ByteCount limit);

/// Differs once a file was written or replaced, as far as its place, size and time tell; "" while
/// there is none.
std::string file_mark(const std::string& path);

}  // namespace thaw::tls
