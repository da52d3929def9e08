#include "serving/outbox.h"

#include <utility>

namespace thaw::serving {

void Outbox::post(std::function<void()> callback) {
  callbacks_.push_back(std::move(callback));
  if (callbacks_due_ || delivering_) return;
  callbacks_due_ = true;
  callback_timer_ = timers_.at(clock_.now(), [this] { deliver(); });
}

void Outbox::post_span(const std::shared_ptr<const BillableSpan>& label,
                       const SpanMeter::Span& span) {
  if (!spans_.empty() && spans_.back().label == label && spans_.back().span.to == span.from) {
    spans_.back().span.to = span.to;
    return;
  }
  spans_.push_back({label, span});
  if (spans_due_) return;
  spans_due_ = true;
  span_timer_ = timers_.after(kSpanDelay, [this] { deliver_spans(); });
}

void Outbox::deliver() {
  callbacks_due_ = false;
  delivering_ = true;
  // What these cause is told in this turn too: they are not inside each other.
  while (!callbacks_.empty()) {
    const std::function<void()> callback = std::move(callbacks_.front());
    callbacks_.pop_front();
    if (!spans_.empty()) deliver_spans();
    callback();
  }
  delivering_ = false;
}

void Outbox::deliver_spans() {
  spans_due_ = false;
  span_timer_.cancel();
  const std::vector<Pending> spans = std::exchange(spans_, {});
  for (const Pending& pending : spans) {
    BillableSpan span = *pending.label;
    span.from = pending.span.from;
    span.to = pending.span.to;
    observer_.on_billable(span);
  }
}

}  // namespace thaw::serving
