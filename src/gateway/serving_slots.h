// ServingSlots: Slots from serving::Serving. Thread: the loop's. Owner: serving outlives it.
#pragma once

#include <memory>

#include "gateway/slots.h"
#include "serving/serving.h"

namespace thaw::gateway {

class ServingSlots final : public SlotSource {
 public:
  explicit ServingSlots(serving::Serving& serving);
  ~ServingSlots() override;

  Acquired acquire(const serving::Arrival& arrival, SlotReceiver& receiver) override;
  std::unique_ptr<Waiting> explain(std::unique_ptr<Slot> slot, SlotReceiver& receiver) override;

 private:
  class Waiter;
  Waiter& spare();

  serving::Serving& serving_;
  std::unique_ptr<Waiter> spare_;  // made ahead: most requests do not wait
};

}  // namespace thaw::gateway
