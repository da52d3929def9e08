// StartTimes: how long a revision's starts take on average, over the last eight.
//
// **Thread**: any. **Owner**: a value. **Limits**: the mean of none is 0.
#pragma once

#include <array>
#include <cstddef>

#include "base/time.h"

namespace thaw::serving {

class StartTimes {
 public:
  void add(Duration start) {
    Duration& oldest = last_[next_ % last_.size()];
    sum_ += start - oldest;
    oldest = start;
    ++next_;
  }
  Duration mean() const {
    const size_t count = next_ < last_.size() ? next_ : last_.size();
    return count == 0 ? Duration(0) : sum_ / static_cast<Duration::rep>(count);
  }

 private:
  std::array<Duration, 8> last_{};
  Duration sum_{0};
  size_t next_ = 0;
};

}  // namespace thaw::serving
