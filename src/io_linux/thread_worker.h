// ThreadWorker: one thread that runs blocking jobs in order.
//
// Thread: see io/worker.h. Owner: the loop outlives it. The destructor finishes the jobs that were
// accepted, so that what was promised to disk gets there, and calls no `done` any more.
// Limits: 1024 jobs wait; then run() answers kResourceExhausted.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "io/loop.h"
#include "io/worker.h"

namespace thaw::io_linux {

class ThreadWorker final : public io::Worker {
 public:
  explicit ThreadWorker(io::Loop& loop);
  ~ThreadWorker() override;

  Status run(std::function<void()> job, std::function<void()> done) override;

 private:
  struct Task {
    std::function<void()> job;
    std::function<void()> done;
  };
  void work();

  io::Loop& loop_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // the loop's thread only
  std::mutex mutex_;                                       // guards tasks_ and stopping_
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace thaw::io_linux
