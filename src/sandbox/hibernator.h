// Hibernator: gives the memory of frozen instances back, one instance after another, and gets a
// woken one's pages early.
//
// The rule, so that nobody else is slowed down: one instance at a time; a piece of Settings::piece
// in one go, then a pause, so that Settings::bytes_per_second is not passed; before each piece the
// machine is looked at (memory_pressure.h) and the rest is left where it is in need. All of it on a
// thread of the lowest priority. A wake does not wait: it drops its Job, and at most one piece is
// under way.
//
// **Thread**: the loop's; the blocking work is done by the workers. **Owner**: loop, disk and
// workers outlive it; it outlives its Jobs. **Limits**: one Job an instance; each waits for those
// before it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/worker.h"
#include "sandbox/memory_pressure.h"
#include "sandbox/page_out.h"

namespace thaw::sandbox {

struct HibernatorSettings {
  io::Worker* out = nullptr;  // of its own, its thread's priority is lowered; null: not possible
  io::Worker* in = nullptr;   // of its own, so that a wake never waits for a piece
  ByteCount piece = mib(4);
  ByteCount bytes_per_second = mib(256);
  std::function<MemoryPressure()> pressure = {};  // empty: this machine's
};

class Hibernator {
 public:
  /// How it ended: empty when everything that can go has gone.
  using Done = std::function<void(const std::string& left_because)>;

  /// Dropping it ends the work; `done` is not called then.
  class Job {
   public:
    ~Job();

   private:
    friend class Hibernator;
    struct State;
    explicit Job(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  Hibernator(io::Loop& loop, io::Disk& disk, HibernatorSettings settings);
  ~Hibernator();

  /// Why nothing can be paged out on this machine, in words; empty when it can.
  const std::string& why_not() const { return why_not_; }

  /// False when only file pages can go.
  bool swap_is_on() const;
  /// Why nothing can hibernate, and what goes only in part as there is no swap: a sentence for the
  /// user.
  std::string notice() const;

  /// `make`: looks at the instance when its turn has come; is told what can go, and how much at
  /// once.
  std::unique_ptr<Job> page_out(
      std::function<std::unique_ptr<PageOutRun>(PageOut, ByteCount piece)> make, Done done);

  /// Soon, at the same time as the program runs.
  void read_ahead(std::shared_ptr<const WakeSet> set);
  /// Which pages these processes have now; `done` comes later, unless the Hibernator is gone.
  void look(std::vector<pid_t> processes, std::function<void(std::shared_ptr<const WakeSet>)> done);

 private:
  MemoryPressure pressure() const;
  void next();
  void begin(const std::shared_ptr<Job::State>& job);
  void step(const std::shared_ptr<Job::State>& job);
  void after_step(const std::shared_ptr<Job::State>& job);
  void end(const std::shared_ptr<Job::State>& job, const std::string& left_because);

  io::Loop& loop_;
  io::Disk& disk_;
  HibernatorSettings settings_;
  std::string why_not_;
  std::list<std::shared_ptr<Job::State>> waiting_;
  std::shared_ptr<Job::State> current_;
  io::Timer pause_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace thaw::sandbox
