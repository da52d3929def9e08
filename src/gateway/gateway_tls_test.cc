// What differs for clients that come through TLS. TLS itself is not here: only a stream that says
// that it is.
#include <gmock/gmock.h>

#include "gateway/gateway_testing.h"
#include "io/encryption.h"
#include "io_linux/kernel_entropy.h"

namespace thaw::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class Veiled final : public io::Stream, public io::Encryption {
 public:
  explicit Veiled(std::unique_ptr<io::Stream> below) : below_(std::move(below)) {}
  bool is_encrypted() const override { return true; }
  io::Transfer read(std::span<char> into) override { return below_->read(into); }
  io::Transfer write(std::span<const std::string_view> parts) override {
    return below_->write(parts);
  }
  void shutdown_write() override { below_->shutdown_write(); }
  void set_events(io::StreamEvents* events) override { below_->set_events(events); }
  io::SocketAddress peer() const override { return below_->peer(); }

 private:
  std::unique_ptr<io::Stream> below_;
};

class VeiledNet final : public io::Net {
 public:
  explicit VeiledNet(io::Net& below) : below_(below) {}
  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& at,
                                               OnAccept on_accept) override {
    return below_.listen(at, [on_accept = std::move(on_accept)](auto stream) {
      on_accept(std::make_unique<Veiled>(std::move(stream)));
    });
  }
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& to,
                                          OnConnect on_connect) override {
    return below_.connect(to, std::move(on_connect));
  }

 private:
  io::Net& below_;
};

class GatewayThroughTls : public GatewayTest {
 protected:
  GatewayThroughTls() : GatewayTest({.entropy = &entropy}) {
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

}  // namespace
}  // namespace thaw::gateway
