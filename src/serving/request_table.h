// RequestTable: the requests that hold a slot or a wait, found by the id that these carry.
//
// **Thread**: the loop's. **Owner**: Serving. **Limits**: 2^32 at once; an id is not used again
// before 2^32 others of its place were.
#pragma once

#include <cstdint>
#include <vector>

#include "base/check.h"
#include "serving/revision_core_types.h"

namespace thaw::serving {

class RevisionPool;
class SlotWaiter;

struct Request {
  enum class State {
    kFree,
    kArriving,    // within Serving::acquire
    kWaiting,     // in the queue
    kGranted,     // has a place, its waiter is about to hear of it
    kRefused,     // its waiter is about to hear of it
    kActive,      // its Slot is out
    kExplaining,  // wants to know how its instance ended
  };
  State state = State::kFree;
  uint32_t generation = 0;
  InstanceKey instance = 0;  // kGranted, kActive
  bool waited_for_start = false;
  bool told_first_byte = false;
  bool waited = false;  // for a start or for a place
  Instant arrived;
  Temperature from = Temperature::kHot;  // of the instance when the request got its place
  uint64_t number = 0;
  RevisionPool* pool = nullptr;
  SlotWaiter* waiter = nullptr;
};

class RequestTable {
 public:
  Request& operator[](uint32_t handle) { return requests_[handle]; }

  /// A handle whose request is in state kArriving.
  uint32_t add(RevisionPool& pool, SlotWaiter& waiter) {
    uint32_t handle = static_cast<uint32_t>(requests_.size());
    if (free_.empty()) {
      requests_.emplace_back();
    } else {
      handle = free_.back();
      free_.pop_back();
    }
    Request& request = requests_[handle];
    request.state = Request::State::kArriving;
    request.waited_for_start = false;
    request.told_first_byte = false;
    request.number = ++last_number_;
    request.pool = &pool;
    request.waiter = &waiter;
    return handle;
  }
  void remove(uint32_t handle) {
    Request& request = requests_[handle];
    request.state = Request::State::kFree;
    ++request.generation;
    free_.push_back(handle);
  }

  /// It goes on under another id.
  void renew(uint32_t handle) { ++requests_[handle].generation; }

  uint64_t id(uint32_t handle) const {
    return uint64_t{requests_[handle].generation} << 32 | handle;
  }
  static uint32_t handle(uint64_t id) { return static_cast<uint32_t>(id); }
  bool is_current(uint64_t id) const {
    return requests_[handle(id)].generation == static_cast<uint32_t>(id >> 32);
  }
  RequestKey key(uint32_t handle) const { return {requests_[handle].number, handle}; }

 private:
  std::vector<Request> requests_;
  std::vector<uint32_t> free_;
  uint64_t last_number_ = 0;
};

}  // namespace thaw::serving
