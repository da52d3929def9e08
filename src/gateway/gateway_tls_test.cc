// What differs for clients that come through TLS. TLS itself is not here: only a stream that says
// that it is.
#include <gmock/gmock.h>

#include "gateway/gateway_testing.h"
#include "http/veiled_testing.h"
#include "io_linux/kernel_entropy.h"

namespace thaw::gateway {
namespace {

using http::Veiled;
using http::VeiledNet;
using testing::HasSubstr;
using testing::Not;

class GatewayThroughTls : public GatewayTest {
 protected:
  explicit GatewayThroughTls(GatewayOptions options = {.entropy = &entropy})
      : GatewayTest(options) {
    address = *gateway->listen(veiled, {"127.0.0.1", 0});
  }
  VeiledNet veiled{net};
  inline static io_linux::KernelEntropy entropy;
};

TEST_F(GatewayThroughTls, ServicesHearHttps) {
  const auto client = open(kGet);
  until_ends_with(client, "ok");
  EXPECT_THAT(instance.requests[0], HasSubstr("\r\nX-Forwarded-Proto: https\r\n"));
  EXPECT_THAT(instance.requests[0], HasSubstr(";proto=https\r\n"));
}

TEST_F(GatewayThroughTls, ASessionsCookieGoesBackByTlsOnly) {
  gateway->set_routes(RouteTable(
      "localhost", {{ServiceId("demo"),
                     "",
                     {{.revision = RevisionId("demo-1"), .affinity = Affinity::kSession}}}}));
  const auto client = open(kGet);
  until_ends_with(client, "ok");
  EXPECT_THAT(client->text, HasSubstr("; Path=/; HttpOnly; Secure\r\n"));
}

TEST_F(GatewayThroughTls, AClientCannotSayWhichItWas) {
  const auto client =
      open("GET / HTTP/1.1\r\nHost: demo.localhost\r\nX-Forwarded-Proto: http\r\n\r\n");
  until_ends_with(client, "ok");
  EXPECT_THAT(instance.requests[0], Not(HasSubstr("Proto: http\r\n")));
}

TEST_F(GatewayThroughTls, AnUpgradeToH2cIsPassedOver) {
  const auto client = open(
      "GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
  until_ends_with(client, "ok");
  EXPECT_THAT(client->text, testing::StartsWith("HTTP/1.1 200 "));
}

class SlowReaders : public GatewayThroughTls {
 protected:
  explicit SlowReaders(GatewayOptions options = {.linger_idle = milliseconds(1)})
      : GatewayThroughTls(options) {
    Veiled::holds = true;
  }
  ~SlowReaders() override { Veiled::holds = false; }
  /// Longer than a connection that has sent all is kept.
  void wait() {
    bool waited = false;
    const io::Timer timer = loop.after(milliseconds(50), [&] { waited = true; });
    until([&] { return waited; });
  }
};

TEST_F(SlowReaders, AnAnswersEndIsKeptForThem) {
  const auto client = open("GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: close\r\n\r\n");
  until([&] { return seen.size() == 1; });
  wait();
  ASSERT_NE(Veiled::holding, nullptr) << "it was destroyed with the answer";
  Veiled::holding->let_go();
  until_closed(client);
  EXPECT_THAT(client->text, testing::EndsWith("ok"));
  until([&] { return gateway->connections() == 0; });
}

class NeverReaders : public SlowReaders {
 protected:
  NeverReaders() : SlowReaders({.send_timeout = milliseconds(100)}) {}
};

TEST_F(NeverReaders, AreNotKeptByWhatTheySay) {
  const auto client = open("GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: close\r\n\r\n");
  until([&] { return seen.size() == 1; });
  until([&] {
    if (gateway->connections() > 0) (void)io_linux::write_text(*client->stream, "x");
    return gateway->connections() == 0;
  });
}

TEST_F(SlowReaders, ADrainLeavesThemTheirAnswer) {
  const auto client = open(kGet);
  until([&] { return seen.size() == 1; });
  bool drained = false;
  gateway->drain([&] { drained = true; });
  wait();
  EXPECT_FALSE(drained);
  ASSERT_NE(Veiled::holding, nullptr) << "it was destroyed with the answer";
  Veiled::holding->let_go();
  until_closed(client);
  EXPECT_THAT(client->text, testing::EndsWith("ok"));
  until([&] { return drained; });
}

}  // namespace
}  // namespace thaw::gateway
