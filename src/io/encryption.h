// Encryption: what a stream may say besides io/net.h: whether nobody on the way can read it.
//
// Thread: the loop's. Owner: it is part of its stream. Limits: none.
#pragma once

#include "io/net.h"

namespace thaw::io {

class Encryption {
 public:
  virtual bool is_encrypted() const = 0;

 protected:
  ~Encryption() = default;
};

/// False for streams that say nothing of it.
inline bool is_encrypted(const Stream& stream) {
  const auto* const encryption = dynamic_cast<const Encryption*>(&stream);
  return encryption != nullptr && encryption->is_encrypted();
}

}  // namespace thaw::io
