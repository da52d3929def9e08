// Turnstile: lets at most N jobs be under way at once, the others in order of asking.
//
// So that fifty starts at once do not make the first as slow as the last. Thread: the loop's.
// Owner: values; a job must call leave() once. Limits: the queue is as long as what asks; those
// who ask bound it (instances per revision, the ready pool).
#pragma once

#include <deque>
#include <functional>
#include <utility>

namespace thaw::sandbox {

class Turnstile {
 public:
  explicit Turnstile(int places) : free_(places) {}

  /// Runs `job` now or when a place is free.
  void enter(std::function<void()> job) {
    waiting_.push_back(std::move(job));
    admit();
  }

  void leave() {
    ++free_;
    admit();
  }

 private:
  void admit() {
    while (free_ > 0 && !waiting_.empty()) {
      --free_;
      auto job = std::move(waiting_.front());
      waiting_.pop_front();
      job();
    }
  }

  int free_;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace thaw::sandbox
