#include "gateway/caller.h"

#include <gtest/gtest.h>

#include "gateway/gateway_testing.h"

namespace thaw::gateway {
namespace {

TEST(Caller, IsAnAddressOfIPv4) {
  EXPECT_EQ(caller_of("192.0.2.1"), caller_of("192.0.2.1"));
  EXPECT_NE(caller_of("192.0.2.1"), caller_of("192.0.2.2"));
  EXPECT_EQ(caller_of("192.0.2.1"), caller_of("::ffff:192.0.2.1"));
}

TEST(Caller, IsThePrefixThatAHostOfIPv6Has) {
  EXPECT_EQ(caller_of("2001:db8:1:2::1"), caller_of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  EXPECT_NE(caller_of("2001:db8:1:2::1"), caller_of("2001:db8:1:3::1"));
}

TEST(Caller, IsNeverThePlatform) {
  for (const char* ip : {"", "unknown", "0.0.0.0", "::", "::1", "127.0.0.1"}) {
    EXPECT_NE(caller_of(ip), serving::CallerId()) << ip;
  }
  EXPECT_NE(caller_of("::1"), caller_of("127.0.0.1"));
}

TEST_F(GatewayTest, ARequestWaitsAsOneOfItsClientsAddress) {
  const Client client = open(kGet);
  until_ends_with(client, "ok");
  EXPECT_EQ(slots.callers, std::vector{caller_of("127.0.0.1")});
}

}  // namespace
}  // namespace thaw::gateway
