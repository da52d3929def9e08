#include "sandbox/memory_pressure.h"

#include <gtest/gtest.h>

namespace thaw::sandbox {
namespace {

TEST(MemoryPressure, ReadsTheKernelsFiles) {
  const MemoryPressure p = parse_memory_pressure(
      "MemTotal: 100 kB\nSwapTotal:    2048 kB\nSwapFree:  1024 kB\n",
      "some avg10=1.25 avg60=0.00 avg300=0.00 total=7\nfull avg10=9.00 avg60=0 avg300=0 total=1\n",
      "some avg10=42.00 avg60=0.00 avg300=0.00 total=7\n");
  EXPECT_EQ(p.swap_total, mib(2));
  EXPECT_EQ(p.swap_free, mib(1));
  EXPECT_DOUBLE_EQ(p.memory_some, 1.25);
  EXPECT_DOUBLE_EQ(p.io_some, 42);
  const MemoryPressure none = parse_memory_pressure("", "", "some avg10=");
  EXPECT_EQ(none.swap_total, ByteCount{0});
  EXPECT_DOUBLE_EQ(none.io_some, 0);
}

TEST(MemoryPressure, NothingIsPagedOutWhenOthersWouldFeelIt) {
  EXPECT_EQ(why_not_page_out({.swap_total = mib(100), .swap_free = mib(50)}), "");
  EXPECT_EQ(why_not_page_out({}), "");  // no swap: files can go
  EXPECT_NE(why_not_page_out({.swap_total = mib(100), .swap_free = mib(9)}), "");
  EXPECT_NE(why_not_page_out({.memory_some = kMostMemoryPressure + 1}), "");
  EXPECT_NE(why_not_page_out({.io_some = kMostIoPressure + 1}), "");
}

}  // namespace
}  // namespace thaw::sandbox
