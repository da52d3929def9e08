// Worker: blocking jobs (a database commit, an fsync) off the loop, one after another.
//
// Thread: calls on the loop's; jobs run elsewhere and must not touch the loop's objects; `done`
// runs on the loop. Limits: 1024 jobs wait; then run() answers kResourceExhausted.
#pragma once

#include <functional>

#include "base/result.h"

namespace thaw::io {

class Worker {
 public:
  virtual ~Worker() = default;
  virtual Status run(std::function<void()> job, std::function<void()> done) = 0;
};

}  // namespace thaw::io
