// BodyCache: the messages published last, so that delivering them at once reads no disk.
// Thread: the loop's. Owner: values. Limits: kMost bytes; the oldest go first.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>

#include "messaging/topic.h"

namespace thaw::messaging {

class BodyCache {
 public:
  static constexpr size_t kMost = 16 << 20;  // bytes of data, keys and attributes

  void add(Stored stored) {
    const size_t size = stored.message.size_bytes() + kOverhead;
    if (size > kMost / 4) return;
    bytes_ += size;
    order_.push_back({stored.id, size});
    bodies_[stored.id] = std::move(stored);
    while (bytes_ > kMost) {
      bytes_ -= order_.front().size;
      bodies_.erase(order_.front().id);
      order_.pop_front();
    }
  }
  const Stored* find(int64_t id) const {
    const auto found = bodies_.find(id);
    return found == bodies_.end() ? nullptr : &found->second;
  }

 private:
  static constexpr size_t kOverhead = 200;
  struct Entry {
    int64_t id;
    size_t size;
  };
  std::deque<Entry> order_;
  std::unordered_map<int64_t, Stored> bodies_;
  size_t bytes_ = 0;
};

}  // namespace thaw::messaging
