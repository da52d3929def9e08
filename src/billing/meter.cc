#include "billing/meter.h"

#include <utility>

#include "base/log.h"

namespace thaw::billing {

struct Meter::Flight {
  Batch batch;
  Status outcome;
  bool owner_lives = true;  // read and written on the loop only
};

Meter::Meter(io::Clock& clock, io::Timers& timers, io::Worker& worker, Ledger& ledger,
             Options options)
    : clock_(clock), timers_(timers), worker_(worker), ledger_(ledger), options_(options) {}

Meter::~Meter() {
  if (flight_) flight_->owner_lives = false;
}

Status Meter::load() {
  ASSIGN_OR_RETURN(Ledger::Kept kept, ledger_.load());
  kept_ = std::move(kept.usage);
  last_batch_ = kept.last_batch;
  return {};
}

void Meter::add(const Span& span) {
  Stretch& stretch = stretches_[span.instance];
  const bool continues = stretch.length > Duration{0} && stretch.end == span.from &&
                         stretch.mode == span.mode && stretch.cpu_millis == span.cpu_millis &&
                         stretch.memory == span.memory;
  // An instance-based stretch lasts for the instance's life, whatever gaps its reports have.
  const bool same_life = span.mode == Mode::kInstanceBased && stretch.mode == span.mode;
  if (!continues && !same_life) stretch.length = Duration{0};
  put(span.service, span.revision, span.mode, amount_of(span, stretch.length));
  stretch = {span.to, stretch.length + std::max(span.to - span.from, Duration{0}), span.mode,
             span.cpu_millis, span.memory};
}

void Meter::add_request(const ServiceId& service, const RevisionId& revision, Mode mode) {
  put(service, revision, mode, Amount{.requests = 1});
}

void Meter::forget(const InstanceId& instance) { stretches_.erase(instance); }

void Meter::put(const ServiceId& service, const RevisionId& revision, Mode mode,
                const Amount& amount) {
  if (amount.empty()) return;
  waiting_[UsageKey{service, revision, today()}].of(mode) += amount;
  if (state_ == State::kIdle) plan(options_.flush_after);
}

const std::string& Meter::today() {
  const WallTime now = clock_.wall_now();
  const int64_t number = std::chrono::floor<std::chrono::days>(now.time_since_epoch()).count();
  if (number != day_number_) {
    day_number_ = number;
    day_ = format_rfc3339(now).substr(0, 10);
  }
  return day_;
}

void Meter::plan(Duration delay) {
  state_ = State::kPlanned;
  timer_ = timers_.after(delay, [this] { start(); });
}

void Meter::start() {
  timer_.cancel();
  if (!flight_) {
    flight_ = std::make_shared<Flight>();
    flight_->batch.number = last_batch_ + 1;
    flight_->batch.added = std::move(waiting_);
    waiting_.clear();
  }
  state_ = State::kWriting;
  const auto queued = worker_.run(
      [ledger = &ledger_, flight = flight_] { flight->outcome = ledger->keep(flight->batch); },
      [this, flight = flight_] {
        if (flight->owner_lives) landed(flight->outcome);
      });
  if (!queued) landed(queued);
}

void Meter::landed(const Status& status) {
  if (!status) {
    // The batch stays as it is: it may have been kept, and its number guards it.
    log_error("usage could not be kept; it will be tried again",
              {{"error", status.error().message()}});
    plan(options_.retry_after);
    answer(status);
    return;
  }
  last_batch_ = flight_->batch.number;
  for (const auto& [key, usage] : flight_->batch.added) kept_[key] += usage;
  flight_.reset();
  state_ = State::kIdle;
  if (waiting_.empty()) {
    answer({});
  } else if (flushers_.empty()) {
    plan(options_.flush_after);
  } else {
    start();
  }
}

void Meter::answer(const Status& status) {
  for (auto& done : std::exchange(flushers_, {})) done(status);
}

void Meter::flush(std::function<void(Status)> done) {
  if (state_ == State::kIdle && waiting_.empty()) {
    done({});
    return;
  }
  flushers_.push_back(std::move(done));
  if (state_ != State::kWriting) start();
}

Usage Meter::usage_of(const ServiceId& service, const RevisionId& revision) const {
  Usage sum;
  for (auto it = kept_.lower_bound(UsageKey{service, revision, ""});
       it != kept_.end() && it->first.service == service; ++it) {
    if (!revision.empty() && it->first.revision != revision) break;
    sum += it->second;
  }
  return sum;
}

Usage Meter::total(std::string_view month) const {
  Usage sum;
  for (const auto& [key, usage] : kept_) {
    if (std::string_view(key.day).starts_with(month)) sum += usage;
  }
  return sum;
}

std::string Meter::month() const { return format_rfc3339(clock_.wall_now()).substr(0, 7); }

}  // namespace thaw::billing
