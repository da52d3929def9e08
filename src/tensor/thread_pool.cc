#include "tensor/thread_pool.h"

namespace thaw::tensor {
namespace {

constexpr int kLooks = 2000;  // about 30 us before a thread sleeps

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) threads_.emplace_back([this, i] { serve(i); });
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  round_.fetch_add(1);
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ThreadPool::run_all(int count, const Work& work) {
  if (threads_.empty() || count <= 1) {
    for (int i = 0; i < count; ++i) work.call(work.what, i, 0);
    return;
  }
  work_ = &work;
  count_ = count;
  next_.store(0);
  busy_.store(static_cast<int>(threads_.size()));
  round_.fetch_add(1);
  round_.notify_all();
  take_tasks(0);
  for (int looks = 0;; ++looks) {
    const int busy = busy_.load();
    if (busy == 0) return;
    if (looks < kLooks) {
      pause();
    } else {
      busy_.wait(busy);
    }
  }
}

void ThreadPool::take_tasks(int thread) {
  for (int i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) {
    work_->call(work_->what, i, thread);
  }
}

void ThreadPool::serve(int thread) {
  for (uint32_t seen = 0;;) {
    for (int looks = 0; round_.load() == seen; ++looks) {
      if (looks < kLooks) {
        pause();
      } else {
        round_.wait(seen);
      }
    }
    ++seen;  // rounds follow one another only when every thread has finished
    if (stopping_) return;
    take_tasks(thread);
    if (busy_.fetch_sub(1) == 1) busy_.notify_one();
  }
}

}  // namespace thaw::tensor
