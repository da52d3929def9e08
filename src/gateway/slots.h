// Slots: what the gateway needs of serving: the right to send one request to one instance.
//
// serving_slots.h gives it from serving::Serving; tests and the benchmark from a fixed address.
// Thread: the loop's; no callback comes inside a call. Owner: a SlotSource outlives its slots and
// waits; dropping a Slot gives the place back, dropping a Waiting leaves the queue.
#pragma once

#include <memory>
#include <string_view>
#include <variant>

#include "base/id.h"
#include "base/time.h"
#include "io/net.h"
#include "serving/refusal.h"
#include "serving/serving.h"

namespace thaw::gateway {

class Slot {
 public:
  virtual ~Slot() = default;
  virtual const InstanceId& instance() const = 0;
  virtual const io::SocketAddress& address() const = 0;
  /// The request waited for this instance's start.
  virtual bool waited_for_start() const = 0;
  /// The rung that the request woke its instance from, such as "frozen"; empty: it was hot.
  virtual std::string_view woken_from() const { return {}; }
  /// The first byte of the answer came.
  virtual void first_byte() = 0;
};

class Waiting {
 public:
  virtual ~Waiting() = default;
};

/// Exactly one is called, once, unless the Waiting was dropped before.
class SlotReceiver {
 public:
  virtual void on_slot(std::unique_ptr<Slot> slot) = 0;
  virtual void on_refused(const serving::Refusal& refusal) = 0;

 protected:
  ~SlotReceiver() = default;
};

using Acquired = std::variant<std::unique_ptr<Slot>, serving::Refusal, std::unique_ptr<Waiting>>;

class SlotSource {
 public:
  virtual ~SlotSource() = default;
  virtual Acquired acquire(const serving::Arrival& arrival, SlotReceiver& receiver) = 0;
  /// After the connection of `slot` broke without an answer: refuses with how the instance ended.
  virtual std::unique_ptr<Waiting> explain(std::unique_ptr<Slot> slot, SlotReceiver& receiver) = 0;
};

}  // namespace thaw::gateway
