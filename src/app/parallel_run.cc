#include "app/parallel_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "tensor/cpu_limit.h"
#include "tensor/thread_pool.h"

namespace thaw::app {

std::function<void(size_t count, const std::function<void(size_t)>& task)> parallel_run(
    cli::Terminal& terminal, Progress progress) {
  const bool shows = progress == Progress::kShown;
  return [&terminal, shows](size_t count, const std::function<void(size_t)>& task) {
    constexpr size_t kFewTasks = 8;
    const size_t threads = count < 2 ? 1 : static_cast<size_t>(tensor::usable_cpus());
    tensor::ThreadPool pool(static_cast<int>(std::min(threads, count)));
    const bool shown = shows && terminal.err_is_tty() && count > kFewTasks;
    std::atomic<size_t> done = 0;
    const size_t step = std::max<size_t>(1, count / 100);
    pool.run(static_cast<int>(count), [&](int index, int thread) {
      task(static_cast<size_t>(index));
      const size_t finished = ++done;
      // Only the caller's thread writes.
      if (shown && thread == 0 && finished % step < static_cast<size_t>(pool.threads())) {
        terminal.write_err(fmt::format("\r{} of {}", finished, count));
      }
    });
    if (shown) terminal.write_err("\r\x1b[K");
  };
}

}  // namespace thaw::app
