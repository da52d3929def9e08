#include "http/holdings.h"

#include <algorithm>
#include <unordered_map>

namespace thaw::http {

bool Holdings::Hold::count(size_t bytes) {
  if (is_over_) return false;
  all_.recount(*this, bytes);
  while (all_.is_too_much()) {
    Hold& costliest = all_.costliest();
    all_.recount(costliest, 0);
    costliest.is_over_ = true;
    if (&costliest != this) costliest.holder_.give_way();
  }
  return !is_over_;
}

void Holdings::recount(Hold& hold, size_t counted) {
  bytes_ = bytes_ - hold.counted_ + counted;
  const size_t before = std::exchange(hold.counted_, counted);
  if (before == 0 && counted > 0) {
    hold.index_ = holds_.size();
    hold.since_ = clock_.now();
    holds_.push_back(&hold);
  } else if (before > 0 && counted == 0) {
    holds_[hold.index_] = holds_.back();
    holds_[hold.index_]->index_ = hold.index_;
    holds_.pop_back();
  }
}

bool Holdings::is_too_much() const {
  if (bytes_ <= most_) return false;
  size_t largest = 0;
  for (const Hold* hold : holds_) largest = std::max(largest, hold->counted_);
  return bytes_ - largest > most_;
}

Holdings::Hold& Holdings::costliest() const {
  struct Client {
    double cost = 0;
    Hold* costliest = nullptr;
    double most = -1;
  };
  // Those of one turn began at the same time: then bytes alone tell.
  constexpr double kAtLeast = 1e-3;  // seconds
  const Instant now = clock_.now();
  std::unordered_map<std::string, Client> clients;
  const Client* found = nullptr;
  for (Hold* hold : holds_) {
    Client& client = clients[hold->holder_.address()];
    const double held = std::max(to_seconds(now - hold->since_), kAtLeast);
    const double cost = static_cast<double>(hold->counted_) * held;
    client.cost += cost;
    if (cost > client.most) {
      client.most = cost;
      client.costliest = hold;
    }
    if (found == nullptr || client.cost > found->cost) found = &client;
  }
  return *found->costliest;
}

}  // namespace thaw::http
