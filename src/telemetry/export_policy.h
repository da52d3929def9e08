// ExportPolicy: when batches of spans are sent, sent again, or given up. Pure.
//
// A batch goes when it is full or its first record has waited for `delay`; one at a time. An answer
// of 429, 502, 503 or 504, or none, is tried again after the time that it names (Retry-After) or
// else a doubled wait with jitter; any other fault gives the batch up.
// Source: OTLP specification, "OTLP/HTTP response" and "retryable response codes".
// **Thread**: any. **Owner**: a value.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace thaw::telemetry {

class ExportPolicy {
 public:
  struct Options {
    Duration delay = seconds(5);
    Duration first_wait = seconds(1);
    Duration longest_wait = seconds(30);
    Duration longest_retry_after = seconds(300);
    int attempts = 6;  // of one batch
  };
  enum class Do { kNothing, kSend, kGiveUp };

  explicit ExportPolicy(const Options& options) : options_(options) {}

  /// Records wait; `full`: one batch is.
  Do on_waiting(Instant now, bool full) {
    if (state_ != State::kIdle) return Do::kNothing;
    if (full) return send();
    if (due_ == Instant::max()) due_ = now + options_.delay;
    return Do::kNothing;
  }
  /// The time wake_at() named has come; too early is harmless.
  Do on_time(Instant now) { return now >= due_ ? send() : Do::kNothing; }

  /// `status`: of HTTP, 0 when there was no answer. `jitter`: from 0 to 1. After kGiveUp, or
  /// kNothing with `idle()`, the batch is done with.
  Do on_answer(Instant now, int status, std::optional<Duration> retry_after, double jitter) {
    const bool is_ok = status >= 200 && status < 300;
    const bool again = status == 0 || status == 429 || (status >= 502 && status <= 504);
    if (is_ok || !again || attempts_ >= options_.attempts) {
      state_ = State::kIdle;
      attempts_ = 0;
      return is_ok ? Do::kNothing : Do::kGiveUp;
    }
    Duration wait = options_.first_wait;
    for (int i = 1; i < attempts_ && wait < options_.longest_wait; ++i) wait *= 2;
    wait = std::min(wait, options_.longest_wait);
    wait = Duration(
        static_cast<Duration::rep>(static_cast<double>(wait.count()) * (0.5 + 0.5 * jitter)));
    if (retry_after)
      wait = std::clamp(*retry_after, Duration::zero(), options_.longest_retry_after);
    state_ = State::kWaiting;
    due_ = now + wait;
    return Do::kNothing;
  }

  /// Nothing is under way nor to be tried again.
  bool idle() const { return state_ == State::kIdle; }
  Instant wake_at() const { return due_; }

 private:
  enum class State { kIdle, kSending, kWaiting };
  Do send() {
    state_ = State::kSending;
    due_ = Instant::max();
    ++attempts_;
    return Do::kSend;
  }

  Options options_;
  State state_ = State::kIdle;
  int attempts_ = 0;
  Instant due_ = Instant::max();
};

}  // namespace thaw::telemetry
