#include "gateway/serving_slots.h"

#include <utility>

namespace thaw::gateway {
namespace {

class HeldSlot final : public Slot {
 public:
  explicit HeldSlot(serving::Slot slot) : slot_(std::move(slot)) {}
  const InstanceId& instance() const override { return slot_.instance(); }
  const io::SocketAddress& address() const override { return slot_.address(); }
  bool waited_for_start() const override { return slot_.waited_for_start(); }
  std::string_view woken_from() const override { return slot_.woken_from(); }
  void first_byte() override { slot_.first_byte(); }
  serving::Slot take() && { return std::move(slot_); }

 private:
  serving::Slot slot_;
};

}  // namespace

/// A place in serving's queue, passed on to a receiver.
class ServingSlots::Waiter final : public Waiting, public serving::SlotWaiter {
 public:
  void on_slot(serving::Slot slot) override {
    receiver->on_slot(std::make_unique<HeldSlot>(std::move(slot)));  // may destroy this
  }
  void on_refused(const serving::Refusal& refusal) override { receiver->on_refused(refusal); }

  SlotReceiver* receiver = nullptr;
  serving::Wait wait;
};

ServingSlots::ServingSlots(serving::Serving& serving) : serving_(serving) {}
ServingSlots::~ServingSlots() = default;

ServingSlots::Waiter& ServingSlots::spare() {
  if (spare_ == nullptr) spare_ = std::make_unique<Waiter>();
  return *spare_;
}

Acquired ServingSlots::acquire(const serving::Arrival& arrival, SlotReceiver& receiver) {
  Waiter& waiter = spare();
  auto acquired = serving_.acquire(arrival, waiter);
  if (auto* slot = std::get_if<serving::Slot>(&acquired)) {
    return std::unique_ptr<Slot>(std::make_unique<HeldSlot>(std::move(*slot)));
  }
  if (auto* refusal = std::get_if<serving::Refusal>(&acquired)) return std::move(*refusal);
  waiter.receiver = &receiver;
  waiter.wait = std::move(std::get<serving::Wait>(acquired));
  return std::unique_ptr<Waiting>(std::move(spare_));
}

std::unique_ptr<Waiting> ServingSlots::explain(std::unique_ptr<Slot> slot, SlotReceiver& receiver) {
  auto waiter = std::make_unique<Waiter>();
  waiter->receiver = &receiver;
  auto& held = static_cast<HeldSlot&>(*slot);  // acquire() is the only maker
  waiter->wait = serving_.explain(std::move(held).take(), *waiter);
  return waiter;
}

}  // namespace thaw::gateway
