#include "inference/batch_queue.h"

#include <algorithm>
#include <utility>

namespace thaw::inference {
namespace {

/// Who has the most tokens waiting.
auto greediest(auto& turns) {
  return std::max_element(turns.begin(), turns.end(), [](const auto& one, const auto& other) {
    return one.tokens < other.tokens;
  });
}

void move_mean(double& mean, double now) {
  constexpr double kNew = 0.2;
  mean = mean <= 0 ? now : (1 - kNew) * mean + kNew * now;
}

}  // namespace

Duration BatchQueue::wait_of(size_t tokens) const {
  if (tokens_per_s_ <= 0) return Duration(0);
  return seconds(std::min(static_cast<double>(worked_on_ + tokens) / tokens_per_s_, 1e6));
}

void BatchQueue::on_worked(size_t tokens, std::optional<Duration> took) {
  worked_on_ = 0;
  if (!took) return;
  move_mean(tokens_per_s_, static_cast<double>(tokens) / std::max(to_seconds(*took), 1e-6));
}

bool BatchQueue::has_room_for(const Request& request) const {
  if (size_ >= options_.longest) return false;
  const size_t tokens = tokens_ + request.tokens;
  if (size_ > 0 && bytes_ + request.bytes > options_.most_bytes) return false;
  return is_one_batch(size_ + 1, tokens) || wait_of(tokens) <= options_.most_wait;
}

bool BatchQueue::is_one_batch(size_t requests, size_t tokens) const {
  return requests <= 1 || (requests <= options_.most_in_batch && tokens <= options_.budget);
}

bool BatchQueue::has_whole_batch() const {
  return size_ >= options_.most_in_batch || tokens_ >= options_.budget;
}

bool BatchQueue::is_fairer(const Request& request, const Caller& greediest) const {
  const auto known = callers_.find(request.caller);
  const size_t own = known == callers_.end() ? 0 : known->second->tokens;
  const Request& newest = greediest.requests.back();
  const bool fits = bytes_ - newest.bytes + request.bytes <= options_.most_bytes;
  return fits && newest.tokens >= request.tokens &&
         own + request.tokens <= greediest.tokens - newest.tokens;
}

bool BatchQueue::would_refuse(const Request& request) const {
  if (has_room_for(request)) return false;
  return turns_.empty() || !is_fairer(request, *greediest(turns_));
}

bool BatchQueue::would_refuse_unread(const Request& request) const {
  Request expected = request;
  const double by_size = static_cast<double>(request.bytes) * tokens_per_byte_;
  expected.tokens = std::max(request.tokens, static_cast<size_t>(by_size));
  if (has_room_for(expected)) return false;
  const bool has_others = callers_.contains(request.caller);
  return turns_.empty() || !is_fairer(has_others ? expected : request, *greediest(turns_));
}

void BatchQueue::erase(Turn caller, std::deque<Request>::iterator request) {
  --size_;
  tokens_ -= request->tokens;
  bytes_ -= request->bytes;
  caller->tokens -= request->tokens;
  caller->requests.erase(request);
  if (!caller->requests.empty()) return;
  callers_.erase(caller->name);
  turns_.erase(caller);
}

std::optional<uint64_t> BatchQueue::add(Request request) {
  // No more than plain text has, in windows that overlap: one that is dearer must not make all
  // others so.
  constexpr double kMost = 0.5;
  const double per_byte =
      static_cast<double>(request.tokens) / static_cast<double>(std::max<size_t>(request.bytes, 1));
  move_mean(tokens_per_byte_, std::min(per_byte, kMost));
  if (would_refuse(request)) return request.id;
  std::optional<uint64_t> refused;
  if (!has_room_for(request)) {
    const Turn greedy = greediest(turns_);
    const auto newest = std::prev(greedy->requests.end());
    refused = newest->id;
    erase(greedy, newest);
  }
  ++size_;
  tokens_ += request.tokens;
  bytes_ += request.bytes;
  Turn caller;
  if (const auto found = callers_.find(request.caller); found != callers_.end()) {
    caller = found->second;
  } else {
    caller = turns_.insert(turns_.end(), {request.caller, {}});
    callers_[request.caller] = caller;
  }
  caller->tokens += request.tokens;
  caller->requests.push_back(std::move(request));
  return refused;
}

void BatchQueue::remove(uint64_t id) {
  for (auto caller = turns_.begin(); caller != turns_.end(); ++caller) {
    auto& requests = caller->requests;
    const auto found = std::find_if(requests.begin(), requests.end(),
                                    [id](const Request& each) { return each.id == id; });
    if (found != requests.end()) return erase(caller, found);
  }
}

std::vector<uint64_t> BatchQueue::overdue() {
  std::vector<uint64_t> refused;
  while (!is_one_batch(size_, tokens_) && wait() > 2 * options_.most_wait) {
    const Turn greedy = greediest(turns_);
    const auto newest = std::prev(greedy->requests.end());
    refused.push_back(newest->id);
    erase(greedy, newest);
  }
  return refused;
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
    erase(caller, caller->requests.begin());
  }
  worked_on_ = tokens;
  return batch;
}

}  // namespace thaw::inference
