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

}  // namespace
}  // namespace thaw::http
