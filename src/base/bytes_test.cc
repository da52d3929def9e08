#include "base/bytes.h"

#include <gtest/gtest.h>

namespace thaw {
namespace {

TEST(ByteCount, UnitsArePowersOf1024) {
  EXPECT_EQ(kib(1).value, 1024);
  EXPECT_EQ(mib(512).value, 536870912);
  EXPECT_EQ(gib(1).value, 1073741824);
  EXPECT_DOUBLE_EQ(mib(512).gib(), 0.5);
  EXPECT_LT(mib(1023), gib(1));
}

TEST(FormatBytes, TakesTheUnitThatPeopleWould) {
  EXPECT_EQ(format_bytes({0}), "0 B");
  EXPECT_EQ(format_bytes({300}), "300 B");
  EXPECT_EQ(format_bytes({1024}), "1 KiB");
  EXPECT_EQ(format_bytes(mib(512)), "512 MiB");
  EXPECT_EQ(format_bytes(mib(1280)), "1.25 GiB");
  EXPECT_EQ(format_bytes(gib(2048)), "2 TiB");
  EXPECT_EQ(format_bytes(gib(1 << 20)), "1024 TiB");
}

}  // namespace
}  // namespace thaw
