#include "serving/request_queue.h"

#include "base/check.h"

namespace thaw::serving {

void RequestQueue::push(const Waiting& request) {
  CHECK(waiting_.empty() || waiting_.rbegin()->first < request.key.number);
  waiting_.emplace_hint(waiting_.end(), request.key.number, request);
  deadlines_.emplace(request.deadline, request.key.number);
}

RequestQueue::Waiting RequestQueue::pop() {
  CHECK(!waiting_.empty());
  const Waiting first = waiting_.begin()->second;
  remove(first.key.number);
  return first;
}

bool RequestQueue::remove(uint64_t number) {
  const auto found = waiting_.find(number);
  if (found == waiting_.end()) return false;
  deadlines_.erase({found->second.deadline, number});
  waiting_.erase(found);
  return true;
}

std::optional<Instant> RequestQueue::earliest_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

std::optional<RequestQueue::Waiting> RequestQueue::take_expired(Instant now) {
  if (deadlines_.empty() || deadlines_.begin()->first > now) return std::nullopt;
  const Waiting expired = waiting_.at(deadlines_.begin()->second);
  remove(expired.key.number);
  return expired;
}

}  // namespace thaw::serving
