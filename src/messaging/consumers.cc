#include "messaging/consumers.h"

#include <algorithm>
#include <utility>

namespace thaw::messaging {
namespace {

constexpr size_t kLargestPortion = 100;  // messages that one consumer gets before the next

}  // namespace

ConsumerId Consumers::add(Limits limits) {
  all_.push_back({.id = ++last_, .limits = limits});
  return last_;
}

void Consumers::remove(ConsumerId id) {
  std::erase_if(all_, [id](const Consumer& consumer) { return consumer.id == id; });
}

const Consumers::Consumer* Consumers::find(ConsumerId id) const {
  const auto found = std::find_if(all_.begin(), all_.end(),
                                  [id](const Consumer& consumer) { return consumer.id == id; });
  return found == all_.end() ? nullptr : &*found;
}

Consumers::Consumer* Consumers::find(ConsumerId id) {
  return const_cast<Consumer*>(std::as_const(*this).find(id));
}

void Consumers::set_state(ConsumerId id, State state) {
  if (Consumer* const found = find(id)) found->state = state;
}

size_t Consumers::room(const Consumer& consumer) {
  if (consumer.bytes >= consumer.limits.bytes) return 0;
  return consumer.limits.messages - std::min(consumer.messages, consumer.limits.messages);
}

size_t Consumers::room(ConsumerId id) const {
  const Consumer* const found = find(id);
  return found == nullptr ? 0 : room(*found);
}

size_t Consumers::outstanding(ConsumerId id) const {
  const Consumer* const found = find(id);
  return found == nullptr ? 0 : found->messages;
}

void Consumers::leased(ConsumerId id, uint64_t bytes) {
  Consumer* const found = find(id);
  if (found == nullptr) return;
  ++found->messages;
  found->bytes += bytes;
}

void Consumers::ended(ConsumerId id, uint64_t bytes) {
  Consumer* const found = find(id);
  if (found == nullptr) return;
  --found->messages;
  found->bytes -= bytes;
}

void Consumers::reset() {
  for (Consumer& consumer : all_) {
    consumer.messages = 0;
    consumer.bytes = 0;
    consumer.held.clear();
  }
}

void Consumers::hold(ConsumerId id, Lane lane) {
  if (Consumer* const found = find(id)) found->held.insert(lane);
}

std::optional<Consumers::Lane> Consumers::held(ConsumerId id) const {
  const Consumer* const found = find(id);
  if (found == nullptr || found->held.empty()) return std::nullopt;
  return *found->held.begin();
}

void Consumers::release(ConsumerId id, Lane lane) {
  if (Consumer* const found = find(id)) found->held.erase(lane);
}

std::optional<Consumers::Grant> Consumers::grant(size_t waiting,
                                                 const std::vector<ConsumerId>& dry) const {
  const Consumer* best = nullptr;
  size_t open = 0;
  for (const Consumer& consumer : all_) {
    if (consumer.state == State::kPaused || room(consumer) == 0) continue;
    ++open;
    if (waiting == 0 && consumer.held.empty()) continue;
    if (std::find(dry.begin(), dry.end(), consumer.id) != dry.end()) continue;
    if (best == nullptr || consumer.messages < best->messages) best = &consumer;
  }
  if (best == nullptr) return std::nullopt;
  const size_t portion = std::clamp<size_t>((waiting + open - 1) / open, 1, kLargestPortion);
  return Grant{best->id, std::min(room(*best), portion)};
}

}  // namespace thaw::messaging
