#include "serving/request_queue.h"

#include "base/check.h"

namespace thaw::serving {

void RequestQueue::push(const Waiting& request) {
  const uint64_t number = request.key.number;
  CHECK(waiting_.empty() || waiting_.rbegin()->first < number);
  waiting_.emplace_hint(waiting_.end(), number, request);
  deadlines_.emplace(request.deadline, number);
  Line& line = lines_[request.caller];
  if (line.numbers.empty()) {
    line.turn = ++last_turn_;
    turns_.emplace_hint(turns_.end(), line.turn, request.caller);
  }
  lengths_.erase({line.numbers.size(), request.caller});
  line.numbers.emplace_hint(line.numbers.end(), number);
  lengths_.emplace(line.numbers.size(), request.caller);
}

RequestQueue::Waiting RequestQueue::take(uint64_t number) {
  const auto found = waiting_.find(number);
  CHECK(found != waiting_.end());
  const Waiting taken = found->second;
  waiting_.erase(found);
  deadlines_.erase({taken.deadline, number});
  const auto line = lines_.find(taken.caller);
  auto& numbers = line->second.numbers;
  lengths_.erase({numbers.size(), taken.caller});
  numbers.erase(number);
  if (numbers.empty()) {
    turns_.erase(line->second.turn);
    lines_.erase(line);
  } else {
    lengths_.emplace(numbers.size(), taken.caller);
  }
  return taken;
}

RequestQueue::Waiting RequestQueue::take_next() {
  CHECK(!waiting_.empty());
  const CallerId caller = turns_.begin()->second;
  Line& line = lines_.at(caller);
  turns_.erase(turns_.begin());
  line.turn = ++last_turn_;
  turns_.emplace_hint(turns_.end(), line.turn, caller);
  return take(*line.numbers.begin());
}

std::optional<RequestQueue::Waiting> RequestQueue::take_displaced_by(CallerId newcomer) {
  if (lengths_.empty()) return std::nullopt;
  const auto& [most, caller] = *lengths_.rbegin();
  const auto own = lines_.find(newcomer);
  const size_t would_have = (own == lines_.end() ? 0 : own->second.numbers.size()) + 1;
  if (most <= would_have) return std::nullopt;
  return take(*lines_.at(caller).numbers.rbegin());
}

bool RequestQueue::remove(uint64_t number) {
  if (!waiting_.contains(number)) return false;
  take(number);
  return true;
}

std::optional<Instant> RequestQueue::earliest_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

std::optional<RequestQueue::Waiting> RequestQueue::take_expired(Instant now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  return take(deadlines_.begin()->second);
}

}  // namespace thaw::serving
