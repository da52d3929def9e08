// Caller: one simulated request, from its arrival to its one answer.
//
// Plays the gateway: acquires, connects to the container, waits for its answer, asks how a broken
// connection ended, gives up at the deadline. Reports when it is not answered exactly once.
//
// **Thread**: one. **Owner**: serving, sandbox, checks and journal outlive it; calls end() before
// a Serving is destroyed. **Limits**: none.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "checks.h"
#include "serving/serving.h"
#include "sim_sandbox.h"
#include "turns.h"

namespace thaw::sim {

/// Faults put between serving and the checks, to prove that these can fail.
enum class Mutation {
  kNone,
  kOneMoreAtOnce,    // serving is told a higher concurrency
  kOneMoreInstance,  // and a higher maximum
  kLateZero,         // and a longer idle time
  kLostBill,         // one billed span is dropped
  kLostAnswer,       // a caller leaves the queue and waits on
  kSecondAnswer,     // a caller is refused once more after its answer
  kLateAnswer,       // serving is told a later deadline
  kInsideCall,       // a waiter is called inside a call
  kOneLine,          // serving is not told who calls
};

class Caller final : public serving::SlotWaiter, public Connection {
 public:
  struct Plan {
    RevisionId revision;
    serving::CallerId from;
    Duration timeout = seconds(300);
    Duration handling = milliseconds(10);
    Duration gives_up_after{-1};  // negative: never
    Mutation mutation = Mutation::kNone;
  };
  struct Parts {
    serving::Serving& serving;
    SimLoop& loop;
    SimSandbox& sandbox;
    Checks& checks;
    Turns& turns;
    Journal& journal;
    int& inside_call;  // > 0: within a call to serving, when nobody may be called back
  };

  Caller(int number, const Parts& parts, const Plan& plan);
  ~Caller();

  void begin();
  /// Leaves everything without an answer: the platform dies.
  void end();
  bool done() const { return status_.has_value(); }
  /// 200, what serving refused with, 504, or 0 for one who gave up.
  int status() const { return status_.value_or(-1); }

 private:
  void on_slot(serving::Slot slot) override;
  void on_refused(const serving::Refusal& refusal) override;
  void on_broken() override;
  void serve();
  void explain();
  void finish(int status);
  void give_back();
  void let_go();
  template <class Work>
  void call(Work work) {
    ++parts_.inside_call;
    work();
    --parts_.inside_call;
  }
  void not_inside(std::string_view what);
  enum class Waited { kPlaced, kNot };
  void waited(Waited how);

  int number_;
  Parts parts_;
  Plan plan_;
  Instant arrived_;
  Instant held_since_;
  std::optional<serving::Slot> slot_;
  serving::Wait wait_;
  std::optional<int> status_;
  std::optional<Instant> broken_at_;
  std::optional<sandbox::ExitReport::Kind> broken_by_;  // the container's death, if it was that
  InstanceId instance_;
  uint16_t port_ = 0;
  bool counted_ = false;
  bool in_line_ = false;  // waits for a place
  io::Timer answer_timer_;
  io::Timer deadline_timer_;
  io::Timer gives_up_timer_;
};

}  // namespace thaw::sim
