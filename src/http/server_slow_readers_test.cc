// Clients that take their answer late.
#include "http/server_testing.h"
#include "http/veiled_testing.h"

namespace thaw::http {
namespace {

using io_linux::run_until;

/// Through a stream that holds back what is written.
class SlowReadersTest : public ServerTest {
 protected:
  SlowReadersTest() { Veiled::holds = true; }
  ~SlowReadersTest() override { Veiled::holds = false; }
  std::unique_ptr<io_linux::Collector> ask() {
    serve();
    address = *server->listen(veiled, {"127.0.0.1", 0});
    auto client = open("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    run_until(loop, [&] { return handled == 1; });
    turns();
    return client;
  }
  void expect_answer(const io_linux::Collector& client) {
    turns();
    ASSERT_NE(Veiled::holding, nullptr) << "it was destroyed with the answer";
    Veiled::holding->let_go();
    run_until(loop, [&] { return client.ended || client.error != 0; });
    EXPECT_TRUE(client.text.ends_with("GET /a ")) << client.text;
  }
  VeiledNet veiled{net};
};

TEST_F(SlowReadersTest, ADrainLeavesThemTheirAnswer) {
  const auto client = ask();
  bool drained = false;
  server->drain([&] { drained = true; });
  expect_answer(*client);
  run_until(loop, [&] { return drained; });
}

TEST_F(SlowReadersTest, WhoSaysNothingMoreGetsTheAnswer) {
  const auto client = ask();
  client->stream->shutdown_write();
  expect_answer(*client);
}

// ---- Together -----------------------------------------------------------------------------------

/// Each answer is more than the kernel takes of it.
class LargeAnswersTest : public ServerTest {
 protected:
  static constexpr size_t kSize = 24 << 20;
  LargeAnswersTest() {
    handler = [](Request, Responder responder) {
      responder.answer({200, {}, std::string(kSize, 'a')});
    };
  }
  /// Asks, and takes nothing for now.
  std::unique_ptr<io_linux::Collector> ask() {
    const int before = handled;
    auto client = open();
    client->stream->set_events(nullptr);
    send(*client, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    run_until(loop, [&] { return handled > before; });
    turns(20);
    return client;
  }
  size_t take(io_linux::Collector& client) {
    client.stream->set_events(&client);
    run_until(loop, [&] { return client.ended || client.error != 0; });
    return client.text.size();
  }
};

TEST_F(LargeAnswersTest, AreBoundedTogetherAndTheSlowestClientIsLeft) {
  serve({.max_unsent = mib(32)});
  std::vector<std::unique_ptr<io_linux::Collector>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(ask());
  EXPECT_LT(server->connections(), 4u);
  EXPECT_LT(take(*clients[0]), kSize) << "it had waited longest";
  EXPECT_GT(take(*clients[3]), kSize);
}

TEST_F(LargeAnswersTest, OneAloneMayBeOfAnySize) {
  serve({.max_unsent = kib(1)});
  const auto client = ask();
  EXPECT_GT(take(*client), kSize);
}

}  // namespace
}  // namespace thaw::http
