// What differs for clients that come through TLS. TLS itself is not here: only a stream that says
// that it is.
#include <gmock/gmock.h>

#include "gateway/gateway_testing.h"
#include "io/encryption.h"
#include "io/flushing.h"
#include "io_linux/kernel_entropy.h"

namespace thaw::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

class Veiled final : public io::Stream, public io::Encryption, public io::Flushing {
 public:
  explicit Veiled(std::unique_ptr<io::Stream> below) : below_(std::move(below)) {}
  ~Veiled() override {
    if (holding == this) holding = nullptr;
  }
  bool is_encrypted() const override { return true; }
  io::Transfer read(std::span<char> into) override { return below_->read(into); }
  io::Transfer write(std::span<const std::string_view> parts) override {
    if (!holds) return below_->write(parts);
    holding = this;
    size_t size = 0;
    for (const std::string_view part : parts) {
      held_ += part;
      size += part.size();
    }
    return {io::Transfer::State::kMoved, size};
  }
  void shutdown_write() override {
    is_shut_ = true;
    if (held_.empty()) below_->shutdown_write();
  }
  bool is_flushed() const override { return held_.empty(); }
  /// The client takes what was written meanwhile.
  void let_go() {
    io_linux::write_text(*below_, std::exchange(held_, {}));
    if (!is_shut_) return;
    below_->shutdown_write();
    events_->on_writable();  // may destroy this
  }
  void set_events(io::StreamEvents* events) override {
    events_ = events;
    below_->set_events(events);
  }
  io::SocketAddress peer() const override { return below_->peer(); }

  inline static bool holds = false;         // as if the clients took nothing
  inline static Veiled* holding = nullptr;  // the last that does

 private:
  std::unique_ptr<io::Stream> below_;
  io::StreamEvents* events_ = nullptr;
  std::string held_;
  bool is_shut_ = false;
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
  SlowReaders() : GatewayThroughTls({.linger_idle = milliseconds(1)}) { Veiled::holds = true; }
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
