// Flushing: what a stream is as well when it holds back what its write() took.
//
// Thread: the stream's.
#pragma once

#include "io/net.h"

namespace thaw::io {

class Flushing {
 public:
  /// Whether nothing that was written would be lost with the stream. After shutdown_write(),
  /// on_writable() tells when this becomes true.
  virtual bool is_flushed() const = 0;

 protected:
  ~Flushing() = default;
};

inline bool is_flushed(const Stream& stream) {
  const auto* const flushing = dynamic_cast<const Flushing*>(&stream);
  return flushing == nullptr || flushing->is_flushed();
}

}  // namespace thaw::io
