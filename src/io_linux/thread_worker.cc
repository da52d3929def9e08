#include "io_linux/thread_worker.h"

#include <csignal>
#include <utility>

namespace thaw::io_linux {
namespace {

constexpr size_t kMaxWaiting = 1024;

}  // namespace

ThreadWorker::ThreadWorker(io::Loop& loop) : loop_(loop) {
  // The new thread inherits the mask: signals are the loop's business, but for those of faults,
  // which are of the thread that makes them and, blocked, would end the process without a word.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  for (const int fault : {SIGBUS, SIGSEGV, SIGILL, SIGFPE}) ::sigdelset(&all, fault);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ThreadWorker::~ThreadWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

Status ThreadWorker::run(std::function<void()> job, std::function<void()> done) {
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.size() >= kMaxWaiting) {
      return Error(Code::kResourceExhausted, "1024 jobs wait for the disk; try again later");
    }
    auto if_alive = [alive = std::weak_ptr<int>(alive_), done = std::move(done)] {
      if (!alive.expired()) done();
    };
    tasks_.push_back({std::move(job), std::move(if_alive)});
  }
  changed_.notify_one();
  return {};
}

void ThreadWorker::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task.job();
    task.job = nullptr;  // what it holds goes before `done` may want it gone
    loop_.post(std::move(task.done));
    lock.lock();
  }
}

}  // namespace thaw::io_linux
