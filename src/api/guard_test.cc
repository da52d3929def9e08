// Who may call the API: programs on this machine, not web pages of others.
#include "api/guard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::api {
namespace {

http::Request from(std::string host, http::Headers headers = {}) {
  http::Request request;
  request.host = std::move(host);
  request.headers = std::move(headers);
  return request;
}

TEST(Guard, HostsThatNoPublicNameServerLeadsHereAreAnswered) {
  for (const char* host :
       {"127.0.0.1:8081", "localhost:8081", "LOCALHOST", "api.localhost:1", "[::1]:8081", "[::1]",
        "192.168.1.7:8081", "run.local", "us-central1-run.local", "localhost."}) {
    EXPECT_TRUE(admit(from(host))) << host;
  }
}

TEST(Guard, OtherHostsAreRefusedAgainstRebinding) {
  for (const char* host : {"", "evil.example", "evil.example:8081", "localhost.evil.example",
                           "127.0.0.1.evil.example", "127.0.0.1.nip.io", "1.2.3", "notlocalhost",
                           "[evil]", "[", "]", "[::1", ".", ":8081", "evil.example:80@localhost"}) {
    const Status status = admit(from(host));
    ASSERT_FALSE(status) << host;
    EXPECT_EQ(status.error().code(), Code::kPermissionDenied);
    EXPECT_THAT(status.error().message(), ::testing::HasSubstr(host));
  }
}

TEST(Guard, BucketsAreAlsoAnsweredUnderGooglesOwnNames) {
  for (const char* host : {"storage.googleapis.com", "BKT.storage.googleapis.com:443"}) {
    EXPECT_TRUE(admit_storage_host(from(host))) << host;
    EXPECT_FALSE(admit_host(from(host))) << host;
  }
  for (const char* host : {"evil-storage.googleapis.com", "storage.googleapis.com.evil.example",
                           "googleapis.com", "evil.example"}) {
    EXPECT_FALSE(admit_storage_host(from(host))) << host;
  }
  EXPECT_TRUE(admit_storage_host(from("127.0.0.1:8081")));
}

TEST(Guard, OnlyItsOwnOriginIsAnswered) {
  const std::string host = "127.0.0.1:8081";
  EXPECT_TRUE(admit(from(host, {{"Origin", "http://127.0.0.1:8081"}})));
  for (const char* origin :
       {"null", "", "http://evil.example", "https://127.0.0.1:8081", "http://127.0.0.1:8080",
        "http://127.0.0.1", "http://6.6.6.6", "http://demo.localhost:8080",
        "http://127.0.0.1:8081.evil.example", "http://evil.example/http://127.0.0.1:8081"}) {
    EXPECT_FALSE(admit(from(host, {{"origin", origin}}))) << origin;
  }
  EXPECT_FALSE(admit(from(host, {{"Origin", "http://127.0.0.1:8081"}, {"Origin", "http://x"}})))
      << "each one counts";
}

TEST(Guard, BrowsersThatSayTheRequestIsCrossSiteAreRefused) {
  for (const char* site : {"same-origin", "none"}) {
    EXPECT_TRUE(admit(from("localhost", {{"Sec-Fetch-Site", site}}))) << site;
  }
  for (const char* site : {"cross-site", "same-site", ""}) {
    EXPECT_FALSE(admit(from("localhost", {{"sec-fetch-site", site}}))) << site;
  }
}

}  // namespace
}  // namespace thaw::api
