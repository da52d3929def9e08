// Journal: group commit. What is to be written goes to the worker's thread in groups; one
// transaction and one fsync serve all that came while the group before was written.
//
// **Thread**: the loop's; jobs run on the worker's and touch nothing of the loop's. **Owner**: the
// worker and the database outlive it. **Limits**: kMostWaiting jobs wait; more are answered
// kResourceExhausted at once.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "io/worker.h"
#include "store/database.h"

namespace thaw::messaging {

class Journal {
 public:
  static constexpr size_t kMostWaiting = 100'000;

  /// `database`: used by nobody else.
  Journal(io::Worker& worker, store::Database& database) : worker_(worker), database_(database) {}

  /// A fault of one job undoes its whole group: jobs must not fail for reasons of their own.
  using Job = std::function<Status(store::Database& database)>;
  /// After OK what the job wrote survives kill -9 and power loss.
  using Done = std::function<void(const Status& status)>;
  void submit(Job job, Done done);
  /// Runs `done` when all that was submitted before is written, maybe inside this call.
  void flush(std::function<void()> done);

 private:
  struct Entry {
    Job job;
    Done done;
  };
  struct Group {
    std::vector<Entry> entries;
    Status status;
  };
  void write_group();
  void finish(const std::shared_ptr<Group>& group);
  static Status write(store::Database& database, const Group& group);

  io::Worker& worker_;
  store::Database& database_;
  std::vector<Entry> waiting_;
  std::vector<std::function<void()>> flushers_;
  enum class State { kIdle, kWriting } state_ = State::kIdle;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace thaw::messaging
