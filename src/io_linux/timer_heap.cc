#include "io_linux/timer_heap.h"

#include <utility>

#include "base/check.h"

namespace thaw::io_linux {

uint64_t TimerHeap::add(Instant when, std::function<void()> callback) {
  uint32_t index;
  if (free_.empty()) {
    index = static_cast<uint32_t>(slots_.size());
    CHECK(index < kDue);
    slots_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Slot& slot = slots_[index];
  slot.when = when;
  slot.order = ++order_;
  slot.callback = std::move(callback);
  push(index);
  return (uint64_t{slot.generation} << 32) | index;
}

void TimerHeap::remove(uint64_t id) {
  const auto index = static_cast<uint32_t>(id);
  if (index >= slots_.size()) return;
  Slot& slot = slots_[index];
  if (slot.generation != id >> 32 || slot.position == kFree) return;
  if (slot.position != kDue) take_out(slot.position);
  // What the callback holds may add or remove timers while it is destroyed.
  const auto callback = std::exchange(slot.callback, nullptr);
  free_slot(index);
}

std::optional<Instant> TimerHeap::next() const {
  if (heap_.empty()) return std::nullopt;
  return slots_[heap_[0]].when;
}

void TimerHeap::run_due(Instant now, uint64_t up_to) {
  if (heap_.empty() || slots_[heap_[0]].when > now) return;
  std::vector<uint64_t> due = std::exchange(due_, {});
  std::vector<uint32_t> too_new;
  while (!heap_.empty() && slots_[heap_[0]].when <= now) {
    const uint32_t index = heap_[0];
    take_out(0);
    if (slots_[index].order > up_to) {
      too_new.push_back(index);
      continue;
    }
    slots_[index].position = kDue;
    due.push_back((uint64_t{slots_[index].generation} << 32) | index);
  }
  for (const uint32_t index : too_new) push(index);
  for (const uint64_t id : due) {
    const auto index = static_cast<uint32_t>(id);
    if (slots_[index].generation != id >> 32) continue;  // cancelled by one before it
    const auto callback = std::exchange(slots_[index].callback, nullptr);
    free_slot(index);
    callback();
  }
  due.clear();
  due_ = std::move(due);
}

bool TimerHeap::before(uint32_t a, uint32_t b) const {
  const Slot& left = slots_[a];
  const Slot& right = slots_[b];
  return left.when != right.when ? left.when < right.when : left.order < right.order;
}

void TimerHeap::push(uint32_t slot) {
  heap_.push_back(slot);
  sift_up(static_cast<uint32_t>(heap_.size() - 1));
}

void TimerHeap::place(uint32_t position, uint32_t slot) {
  heap_[position] = slot;
  slots_[slot].position = position;
}

void TimerHeap::sift_up(uint32_t position) {
  const uint32_t slot = heap_[position];
  while (position > 0) {
    const uint32_t parent = (position - 1) / 2;
    if (!before(slot, heap_[parent])) break;
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, slot);
}

void TimerHeap::sift_down(uint32_t position) {
  const uint32_t slot = heap_[position];
  const auto size = static_cast<uint32_t>(heap_.size());
  for (;;) {
    uint32_t child = 2 * position + 1;
    if (child >= size) break;
    if (child + 1 < size && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], slot)) break;
    place(position, heap_[child]);
    position = child;
  }
  place(position, slot);
}

void TimerHeap::take_out(uint32_t position) {
  const uint32_t last = heap_.back();
  heap_.pop_back();
  if (position == heap_.size()) return;
  place(position, last);
  sift_up(position);
  sift_down(slots_[last].position);
}

void TimerHeap::free_slot(uint32_t index) {
  Slot& slot = slots_[index];
  slot.position = kFree;
  if (++slot.generation == 0) slot.generation = 1;
  free_.push_back(index);
}

}  // namespace thaw::io_linux
