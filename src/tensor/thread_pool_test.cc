#include "tensor/thread_pool.h"

#include <gtest/gtest.h>

#include <numeric>

#include "tensor/cpu_limit.h"

namespace thaw::tensor {
namespace {

TEST(ThreadPool, EveryTaskRunsOnceInEveryRound) {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (int count = 0; count < 200; ++count) {
      std::vector<int> runs(static_cast<size_t>(count));
      pool.run(count, [&](int index, int thread) {
        ASSERT_GE(thread, 0);
        ASSERT_LT(thread, threads);
        ++runs[static_cast<size_t>(index)];
      });
      EXPECT_EQ(std::accumulate(runs.begin(), runs.end(), 0), count);
      for (const int each : runs) EXPECT_EQ(each, 1);
    }
  }
}

TEST(ThreadPool, MayGoWithoutHavingWorked) { ThreadPool pool(3); }

TEST(CpuLimit, ReadsBothVersionsOfCgroups) {
  EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("200000 100000\n"), 2);
  EXPECT_EQ(parse_cpu_max("150000 100000\n"), 2);
  EXPECT_EQ(parse_cpu_max("8000 100000\n"), 1);
  EXPECT_EQ(parse_cpu_max(""), std::nullopt);
  EXPECT_EQ(parse_cpu_max("5"), std::nullopt);
  EXPECT_EQ(parse_cpu_max("5 0"), std::nullopt);
  EXPECT_EQ(parse_cfs("-1\n", "100000\n"), std::nullopt);
  EXPECT_EQ(parse_cfs("100000\n", "100000\n"), 1);
  EXPECT_EQ(parse_cfs("", ""), std::nullopt);
  EXPECT_GE(usable_cpus(), 1);
}

}  // namespace
}  // namespace thaw::tensor
