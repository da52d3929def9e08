// ThreadPool: the threads that share one piece of arithmetic; idle they cost nothing.
//
// run() splits work into tasks 0..count-1, which the threads and the caller take as they become
// free, and returns when all are done. Waiting threads look for work for some microseconds before
// they sleep, because a forward pass has many short parts.
// Thread: one caller at a time. Owner: the destructor joins. Limits: tasks must not throw.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

namespace thaw::tensor {

class ThreadPool {
 public:
  /// `threads` counts the caller: 1 starts none.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(threads_.size()) + 1; }

  /// task(index, thread): `thread` is 0..threads()-1, for scratch memory. Allocates nothing.
  template <class Task>
  void run(int count, const Task& task) {
    run_all(count, {&task, [](const void* what, int index, int thread) {
                      (*static_cast<const Task*>(what))(index, thread);
                    }});
  }

 private:
  struct Work {
    const void* what;
    void (*call)(const void* what, int index, int thread);
  };
  void run_all(int count, const Work& work);
  void serve(int thread);
  void take_tasks(int thread);

  std::vector<std::thread> threads_;
  const Work* work_ = nullptr;  // written before round_ goes up
  int count_ = 0;
  std::atomic<int> next_ = 0;
  std::atomic<int> busy_ = 0;  // threads that have not finished this round
  std::atomic<uint32_t> round_ = 0;
  std::atomic<bool> stopping_ = false;
};

}  // namespace thaw::tensor
