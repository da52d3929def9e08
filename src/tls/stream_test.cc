#include "tls/stream.h"

#include <gmock/gmock.h>

#include "tls/client_net.h"
#include "tls/server_net.h"
#include "tls/tls_testing.h"

namespace thaw::tls {
namespace {

using io_linux::Collector;
using io_linux::run_until;
using io_linux::write_text;
using testing::HasSubstr;

/// Sends all of a text as far as the stream takes it, and collects.
class Sender final : public io::StreamEvents {
 public:
  Sender(std::unique_ptr<io::Stream> s, std::string text) : stream(std::move(s)), text_(text) {
    stream->set_events(this);
    on_writable();
  }
  void on_readable() override {
    char buffer[7000];
    for (;;) {
      const io::Transfer t = stream->read(buffer);
      if (t.state == io::Transfer::State::kMoved) got.append(buffer, t.bytes);
      if (t.state == io::Transfer::State::kEnd) ended = true;
      if (t.state == io::Transfer::State::kBroken) broken = true;
      if (t.state != io::Transfer::State::kMoved) return;
    }
  }
  void on_writable() override {
    while (sent < text_.size()) {
      // Three parts, so that they are gathered, and others each time.
      const std::string_view rest = std::string_view(text_).substr(sent);
      const std::string_view parts[] = {rest.substr(0, 10),
                                        rest.substr(std::min<size_t>(10, rest.size()), 100),
                                        rest.substr(std::min<size_t>(110, rest.size()))};
      const io::Transfer t = stream->write(parts);
      if (t.state != io::Transfer::State::kMoved) return;
      sent += t.bytes;
    }
    if (!std::exchange(closed, true)) stream->shutdown_write();
  }

  std::unique_ptr<io::Stream> stream;
  std::string got;
  size_t sent = 0;
  bool closed = false, ended = false, broken = false;

 private:
  std::string text_;
};

class TlsStreamTest : public testing::Test {
 protected:
  void serve(ServerNet::Options options = {}, io::Net* below = nullptr) {
    server = std::make_unique<ServerNet>(below != nullptr ? *below : net, loop, context, options);
    listener = *server->listen({"127.0.0.1", 0},
                               [this](auto stream) { accepted.push_back(std::move(stream)); });
  }
  std::unique_ptr<io::Stream> connect(std::string host = "a.test", std::string* fault = nullptr) {
    ClientNet client(net, loop, *trusting, std::move(host));
    std::unique_ptr<io::Stream> stream;
    bool done = false;
    const auto connecting = client.connect(listener->address(), [&](auto result) {
      done = true;
      if (result) {
        stream = *std::move(result);
      } else if (fault != nullptr) {
        *fault = result.error().message();
      }
    });
    run_until(loop, [&] { return done && (stream == nullptr || !accepted.empty()); });
    return stream;
  }
  /// Without TLS.
  std::unique_ptr<Collector> plain() {
    std::unique_ptr<io::Stream> stream;
    const auto connecting =
        net.connect(listener->address(), [&](auto s) { stream = *std::move(s); });
    run_until(loop, [&] { return stream != nullptr; });
    return std::make_unique<Collector>(std::move(stream));
  }
  void until(const std::function<bool()>& done) { run_until(loop, done); }

  Folder folder;
  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  Authority authority = *Authority::load_or_make(folder.disk, folder / "ca", loop.wall_now());
  SharedCertificate certificate = std::make_shared<const Certificate>(
      *authority.issue({"a.test", "127.0.0.1"}, loop.wall_now()));
  std::vector<std::string> asked;
  ServerContext context{[this](std::string_view host) {
    asked.emplace_back(host);
    return certificate;
  }};
  std::unique_ptr<ClientContext> trusting = *ClientContext::make(authority.root_pem(), "ca.pem");
  std::unique_ptr<ServerNet> server;
  std::vector<std::unique_ptr<io::Stream>> accepted;
  std::unique_ptr<io::Listener> listener;
};

std::string noise(size_t size) {
  std::string text(size, ' ');
  std::mt19937 random(1);
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

TEST_F(TlsStreamTest, BytesPassBothWaysWhateverTheStreamBelowTakes) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    accepted.clear();
    HesitantNet hesitant(net, loop, seed);
    serve({}, &hesitant);
    const std::string there = noise(700'000 + seed);
    const std::string back = noise(300'000 + seed);
    Sender client(connect(), there);
    Sender host(std::move(accepted[0]), back);
    until([&] { return client.ended && host.ended; });
    EXPECT_EQ(host.got, there) << seed;
    EXPECT_EQ(client.got, back) << seed;
    EXPECT_FALSE(client.broken || host.broken) << seed;
    listener.reset();
  }
}

TEST_F(TlsStreamTest, AnEndWithoutCloseNotifyIsABreak) {
  serve();
  auto client = connect();
  Collector host(std::move(accepted[0]));
  client.reset();
  until([&] { return host.ended || host.error != 0; });
  EXPECT_FALSE(host.ended);
}

TEST_F(TlsStreamTest, WhatFollowsARefusedWriteMayBeAnother) {
  serve();
  auto stream = connect();
  const std::string large(4 << 20, 'x');
  size_t sent = 0;
  for (io::Transfer t = write_text(*stream, large); t.state == io::Transfer::State::kMoved;
       t = write_text(*stream, large)) {
    sent += t.bytes;
  }
  Collector client(std::move(stream));
  Collector host(std::move(accepted[0]));
  until([&] { return host.text.size() == sent && client.writable > 0; });
  EXPECT_EQ(write_text(*client.stream, "another").bytes, 7u);
  until([&] { return host.text.size() == sent + 7; });
  EXPECT_TRUE(host.text.ends_with("xanother"));
}

TEST_F(TlsStreamTest, AnEndingStreamTellsWhenItHoldsNothingBack) {
  serve();
  auto peer = connect();
  auto stream = std::move(accepted[0]);
  const std::string large(4 << 20, 'x');
  size_t sent = 0;
  for (io::Transfer t = write_text(*stream, large); t.state == io::Transfer::State::kMoved;
       t = write_text(*stream, large)) {
    sent += t.bytes;
  }
  stream->shutdown_write();
  EXPECT_FALSE(io::is_flushed(*stream));
  struct Writer final : io::StreamEvents {
    void on_readable() override {}
    void on_writable() override { told = true; }
    bool told = false;
  } writer;
  stream->set_events(&writer);
  Collector reader(std::move(peer));
  until([&] { return writer.told; });
  EXPECT_TRUE(io::is_flushed(*stream));
  stream.reset();
  until([&] { return reader.ended || reader.error != 0; });
  EXPECT_TRUE(reader.ended);
  EXPECT_EQ(reader.text.size(), sent);
}

TEST_F(TlsStreamTest, AServerIsWhoItShouldBeOrNobody) {
  serve();
  EXPECT_NE(connect("a.test"), nullptr);
  EXPECT_NE(connect("127.0.0.1"), nullptr);
  EXPECT_THAT(asked, testing::ElementsAre("a.test", ""));
  std::string fault;
  EXPECT_EQ(connect("b.test", &fault), nullptr);
  EXPECT_THAT(fault, HasSubstr("TLS with b.test: hostname mismatch"));
  Folder elsewhere;
  trusting = *ClientContext::make(
      Authority::load_or_make(elsewhere.disk, elsewhere / "ca", loop.wall_now())->root_pem(), "");
  EXPECT_EQ(connect("a.test", &fault), nullptr);
  EXPECT_THAT(fault, HasSubstr("unable to get local issuer certificate"));
}

TEST_F(TlsStreamTest, ANewCertificateDoesNotTouchOpenConnections) {
  serve();
  auto client = connect();
  certificate =
      std::make_shared<const Certificate>(*authority.issue({"other.test"}, loop.wall_now()));
  Collector host(std::move(accepted[0]));
  EXPECT_EQ(write_text(*client, "still").bytes, 5u);
  until([&] { return host.text == "still"; });
  std::string fault;
  EXPECT_EQ(connect("a.test", &fault), nullptr);
  EXPECT_THAT(fault, HasSubstr("hostname mismatch"));
}

TEST_F(TlsStreamTest, HandshakesAreCountedByTheirEnd) {
  serve();
  const auto client = connect();
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(server->counts().done, 1u);
  const auto gone = plain();
  gone->stream->shutdown_write();
  until([&] { return server->counts().of(HandshakeFault::kClosed) == 1; });
  const Authority other = *Authority::load_or_make(folder.disk, folder / "other", loop.wall_now());
  trusting = *ClientContext::make(other.root_pem(), "other.pem");
  std::string fault;
  EXPECT_EQ(connect("a.test", &fault), nullptr);
  until([&] { return server->counts().of(HandshakeFault::kAlert) == 1; });
  EXPECT_EQ(server->counts().done, 1u);
}

TEST_F(TlsStreamTest, WithoutACertificateAHandshakeFails) {
  serve();
  certificate = nullptr;
  std::string fault;
  EXPECT_EQ(connect("a.test", &fault), nullptr);
  until([&] { return server->counts().of(HandshakeFault::kCertificate) == 1; });
}

TEST_F(TlsStreamTest, HttpIsAnsweredInItsOwnWords) {
  serve();
  const auto client = plain();
  write_text(*client->stream, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
  until([&] { return client->ended; });
  EXPECT_THAT(client->text, HasSubstr("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(client->text, testing::EndsWith("begin with https://.\n"));
  EXPECT_EQ(server->counts().of(HandshakeFault::kPlainHttp), 1u);
  EXPECT_TRUE(accepted.empty());
}

TEST_F(TlsStreamTest, GarbageIsRefusedAndNothingStays) {
  serve();
  std::mt19937 random(3);
  for (int i = 0; i < 200; ++i) {
    const auto client = plain();
    std::string text = noise(1 + random() % 20'000);
    // Half of them begin as a handshake does.
    if (i % 2 == 0) text.replace(0, 3, "\x16\x03\x01");
    write_text(*client->stream, text);
    client->stream->shutdown_write();
    until([&] { return client->ended || client->error != 0; });
  }
  const auto& counts = server->counts();
  EXPECT_EQ(counts.of(HandshakeFault::kMalformed) + counts.of(HandshakeFault::kClosed), 200u);
  EXPECT_EQ(counts.done, 0u);
  EXPECT_TRUE(accepted.empty());
}

TEST_F(TlsStreamTest, WhoDoesNotFinishTheHandshakeIsClosed) {
  serve({.handshake_timeout = milliseconds(30), .max_handshakes = 8});
  const auto silent = plain();
  const auto half = plain();
  write_text(*half->stream, std::string_view("\x16\x03\x01\x02", 4));
  until([&] { return silent->ended && half->ended; });
  EXPECT_EQ(server->counts().of(HandshakeFault::kTimedOut), 2u);
}

TEST_F(TlsStreamTest, OfTooManyHandshakesTheOldestGoes) {
  serve({.handshake_timeout = seconds(600), .max_handshakes = 3});
  std::vector<std::unique_ptr<Collector>> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(plain());
  until([&] { return silent[0]->ended && silent[1]->ended; });
  EXPECT_EQ(server->counts().of(HandshakeFault::kDisplaced), 2u);
  EXPECT_FALSE(silent[2]->ended);
  EXPECT_NE(connect(), nullptr);  // and who is quick comes through
}

TEST(ClientContext, RootsThatAreNoneAreAnError) {
  const auto made = ClientContext::make("nothing", "/roots.pem");
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message(), HasSubstr("/roots.pem: holds no certificate"));
}

}  // namespace
}  // namespace thaw::tls
