// Outbox: what serving has to tell others, until the next turn of the loop.
//
// Nobody is called back inside a call of theirs; this is where that is kept. Billed stretches are
// many and in no hurry: they go together, at most kSpanDelay late, but always before anything
// else that is told.
//
// **Thread**: the loop's. **Owner**: what the callbacks and the observer refer to outlives it.
// **Limits**: none of its own; each request has at most one callback in it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "io/clock.h"
#include "io/timers.h"
#include "serving/events.h"
#include "serving/span_meter.h"

namespace thaw::serving {

class Outbox {
 public:
  static constexpr Duration kSpanDelay = std::chrono::milliseconds(100);

  Outbox(io::Clock& clock, io::Timers& timers, Observer& observer)
      : clock_(clock), timers_(timers), observer_(observer) {}

  /// Runs `callback` in the next turn, in the order of posting.
  void post(std::function<void()> callback);
  /// `label` is a span with everything but the times.
  void post_span(const std::shared_ptr<const BillableSpan>& label, const SpanMeter::Span& span);

 private:
  struct Pending {
    std::shared_ptr<const BillableSpan> label;
    SpanMeter::Span span;
  };
  void deliver();
  void deliver_spans();

  io::Clock& clock_;
  io::Timers& timers_;
  Observer& observer_;
  std::deque<std::function<void()>> callbacks_;
  std::vector<Pending> spans_;
  bool delivering_ = false;
  bool callbacks_due_ = false;
  bool spans_due_ = false;
  io::Timer callback_timer_;
  io::Timer span_timer_;
};

}  // namespace thaw::serving
