#include "messaging/journal.h"

#include <utility>

namespace thaw::messaging {

void Journal::submit(Job job, Done done) {
  if (waiting_.size() >= kMostWaiting) {
    return done(Error(Code::kResourceExhausted, "too much waits to be written; try again later"));
  }
  waiting_.push_back({std::move(job), std::move(done)});
  if (state_ == State::kIdle) write_group();
}

void Journal::flush(std::function<void()> done) {
  if (state_ == State::kIdle) return done();
  flushers_.push_back(std::move(done));
}

Status Journal::write(store::Database& database, const Group& group) {
  ASSIGN_OR_RETURN(store::Transaction transaction, database.begin());
  for (const Entry& entry : group.entries) RETURN_IF_ERROR(entry.job(database));
  return transaction.commit();
}

void Journal::write_group() {
  state_ = State::kWriting;
  auto group = std::make_shared<Group>();
  group->entries = std::exchange(waiting_, {});
  const Status taken =
      worker_.run([group, &database = database_] { group->status = write(database, *group); },
                  [this, group, alive = std::weak_ptr(alive_)] {
                    if (!alive.expired()) finish(group);
                  });
  if (taken) return;
  group->status = taken;
  finish(group);
}

void Journal::finish(const std::shared_ptr<Group>& group) {
  state_ = State::kIdle;
  const std::weak_ptr<int> alive = alive_;
  if (!waiting_.empty()) write_group();
  for (Entry& entry : group->entries) {
    entry.done(group->status);
    if (alive.expired()) return;
  }
  if (state_ != State::kIdle) return;
  for (const auto& flusher : std::exchange(flushers_, {})) flusher();
}

}  // namespace thaw::messaging
