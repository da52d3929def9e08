#include "inference/batch_queue.h"

#include <algorithm>
#include <utility>

namespace thaw::inference {

BatchQueue::Added BatchQueue::add(Request request) {
  if (size_ >= options_.longest) return Added::kFull;
  ++size_;
  const auto known = callers_.find(request.caller);
  if (known != callers_.end()) {
    known->second->requests.push_back(std::move(request));
    return Added::kWaits;
  }
  turns_.push_back({request.caller, {}});
  callers_[request.caller] = std::prev(turns_.end());
  turns_.back().requests.push_back(std::move(request));
  return Added::kWaits;
}

void BatchQueue::remove(uint64_t id) {
  for (auto caller = turns_.begin(); caller != turns_.end(); ++caller) {
    auto& requests = caller->requests;
    const auto found = std::find_if(requests.begin(), requests.end(),
                                    [id](const Request& each) { return each.id == id; });
    if (found == requests.end()) continue;
    requests.erase(found);
    --size_;
    if (requests.empty()) {
      callers_.erase(caller->name);
      turns_.erase(caller);
    }
    return;
  }
}

std::vector<uint64_t> BatchQueue::take() {
  std::vector<uint64_t> batch;
  size_t tokens = 0, model = 0, passed_over = 0;
  while (!turns_.empty() && batch.size() < options_.most_in_batch && passed_over < turns_.size()) {
    const auto caller = turns_.begin();
    const Request& first = caller->requests.front();
    const bool fits =
        batch.empty() || (first.model == model && tokens + first.tokens <= options_.budget);
    turns_.splice(turns_.end(), turns_, caller);  // its turn is over either way
    if (!fits) {
      ++passed_over;
      continue;
    }
    passed_over = 0;
    model = first.model;
    tokens += first.tokens;
    batch.push_back(first.id);
    caller->requests.pop_front();
    --size_;
    if (caller->requests.empty()) {
      callers_.erase(caller->name);
      turns_.erase(caller);
    }
  }
  return batch;
}

}  // namespace thaw::inference
