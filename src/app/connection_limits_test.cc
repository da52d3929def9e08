#include "app/connection_limits.h"

#include <gtest/gtest.h>

namespace thaw::app {
namespace {

TEST(ConnectionLimits, ClientsGetAShareOfTheDescriptors) {
  EXPECT_EQ(connection_limits(256).gateway, 64u);
  EXPECT_EQ(connection_limits(256).api, 32u);
  EXPECT_EQ(connection_limits(1 << 20).gateway, 10'000u);
  EXPECT_EQ(connection_limits(1 << 20).api, 4096u);
  EXPECT_EQ(connection_limits(0).gateway, 1u);
}

}  // namespace
}  // namespace thaw::app
