// Limits, timeouts and back-pressure of the gateway.
#include "gateway/gateway_testing.h"

namespace thaw::gateway {
namespace {

class LimitsTest : public GatewayTest {
 protected:
  LimitsTest()
      : GatewayTest({.max_request = kib(1),
                     .max_connections = 2,
                     .head_timeout = milliseconds(20),
                     .idle_timeout = milliseconds(20)}) {}
};

TEST_F(LimitsTest, ABodyOverTheLimitIs413) {
  auto client = open("POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 1025\r\n\r\n");
  until_closed(client);
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 413 ")) << client->text;
  EXPECT_EQ(slots.acquired, 0);
  client.reset();
  client =
      open("POST / HTTP/1.1\r\nHost: demo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n401\r\n" +
           std::string(1025, 'x') + "\r\n");
  until_closed(client);
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 413 ")) << client->text;
  EXPECT_EQ(slots.held, 0);
}

TEST_F(GatewayTest, AnEarlyAnswerReachesAClientThatSendsItsBodyFirst) {
  constexpr size_t kSize = 41 << 20;
  const auto client =
      open("POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: " + std::to_string(kSize) +
           "\r\n\r\n");
  client->stream->set_events(nullptr);
  const std::string piece(256 << 10, 'z');
  size_t sent = 0;
  until([&] {
    loop.turn(milliseconds(1));
    const auto t =
        io_linux::write_text(*client->stream, std::string_view(piece).substr(0, kSize - sent));
    sent += t.bytes;
    return sent == kSize || t.state == io::Transfer::State::kBroken;
  });
  EXPECT_EQ(sent, kSize) << "it was reset";
  client->stream->set_events(client.get());
  until_closed(client);
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 413 ")) << client->text;
  EXPECT_TRUE(client->ended);
}

TEST_F(GatewayTest, AnAnswerOverTheLimitIs500UnlessStreamed) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 33554433\r\n\r\nabc");
  };
  const auto client = open(kGet);
  until_ends_with(client, "unless it is streamed with Transfer-Encoding: chunked.\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 500 ")) << client->text;
  EXPECT_EQ(slots.held, 0);
}

TEST_F(GatewayTest, AFloodOfRequestsLeavesOthersTheirTurn) {
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += "GET / HTTP/1.1\r\nHost: nobody\r\n\r\n";
  const auto client = open(flood);
  until([&] { return !seen.empty(); });
  EXPECT_LT(seen.size(), 500u);
  until([&] { return seen.size() == 500; });
}

TEST_F(LimitsTest, ASlowHeadIs408AndAnIdleConnectionIsClosed) {
  const auto slow = open("GET / HTTP/1.1\r\nHost: demo.lo");
  const auto idle = open();
  until_closed(slow);
  EXPECT_TRUE(slow->text.starts_with("HTTP/1.1 408 "));
  until_closed(idle);
  EXPECT_EQ(idle->text, "");
}

TEST_F(LimitsTest, TooManyConnectionsAreRefused) {
  const auto first = open(kGet);
  const auto second = open(kGet);
  const auto third = open();
  until_closed(third);
  EXPECT_TRUE(third->text.starts_with("HTTP/1.1 503 ")) << third->text;
}

TEST_F(GatewayTest, ATimeoutCountsFromArrivalAndIs504) {
  gateway->set_routes(RouteTable(
      "localhost", {{ServiceId("demo"), "", {{RevisionId("demo-1"), 100, milliseconds(10)}}}}));
  slots.queue = true;
  auto client = open(kGet);
  until_ends_with(client, "it has reached the maximum request timeout.\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 504 "));
  EXPECT_EQ(slots.waiting, 0);

  slots.queue = false;
  instance.on_bytes = [](auto&) {};
  client = open(kGet);
  until_ends_with(client, "it has reached the maximum request timeout.\n");
  EXPECT_EQ(slots.held, 0);
  until([&] { return instance.connections[0]->closed; });

  instance.on_bytes = [](FakeInstance::Connection& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  };
  client = open(kGet);
  until_closed(client);
  EXPECT_TRUE(client->text.ends_with("half")) << "an answer that has begun can only be cut";
}

TEST_F(GatewayTest, ASlowClientHoldsTheInstanceBack) {
  constexpr size_t kSize = 64 << 20;
  size_t sent = 0;
  const std::string piece(256 << 10, 'z');
  const auto send_more = [&](FakeInstance::Connection& c) {
    while (sent < kSize) {
      const auto t =
          io_linux::write_text(*c.stream, std::string_view(piece).substr(0, kSize - sent));
      if (t.state != io::Transfer::State::kMoved) return;
      sent += t.bytes;
    }
  };
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n");
    send_more(c);
  };
  const auto client = open(kGet);
  client->stream->set_events(nullptr);
  until([&] { return sent > 0; });
  for (int i = 0; i < 200; ++i) {
    loop.turn(milliseconds(1));
    send_more(*instance.connections[0]);
  }
  EXPECT_LT(sent, kSize / 2) << "the sockets' buffers and 64 KiB, no more";
  client->stream->set_events(client.get());
  until([&] {
    send_more(*instance.connections[0]);
    return sent == kSize;
  });
  instance.connections[0]->send("\r\n0\r\n\r\n");
  until([&] { return seen.size() == 1; });
  until([&] { return client->text.size() > kSize; });
  EXPECT_EQ(seen[0].response_bytes, kSize);
}

TEST_F(GatewayTest, ASlowInstanceHoldsTheClientBack) {
  instance.on_bytes = [](FakeInstance::Connection& c) { c.paused = true; };
  constexpr size_t kSize = 30 << 20;
  const auto client =
      open("POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: " + std::to_string(kSize) +
           "\r\n\r\n");
  const std::string piece(256 << 10, 'z');
  size_t sent = 0;
  const auto send_more = [&] {
    while (sent < kSize) {
      const auto t = io_linux::write_text(*client->stream, piece);
      if (t.state != io::Transfer::State::kMoved) return;
      sent += t.bytes;
    }
  };
  for (int i = 0; i < 200; ++i) {
    send_more();
    loop.turn(milliseconds(1));
  }
  EXPECT_LT(sent, kSize - (1 << 20));
  size_t received = 0;
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    received += c.text.size();
    c.text.clear();
    if (received > kSize) c.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  instance.connections[0]->paused = false;
  instance.connections[0]->on_readable();
  until([&] {
    send_more();
    return seen.size() == 1;
  });
  EXPECT_EQ(seen[0].status, 200);
  EXPECT_EQ(seen[0].request_bytes, kSize);
}

TEST_F(GatewayTest, ManyClientsAtOnceEachGetTheirAnswer) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    if (!c.text.ends_with("\r\n\r\n")) return;
    const std::string path = c.text.substr(4, c.text.find(' ', 4) - 4);
    c.text.clear();
    c.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(path.size()) + "\r\n\r\n" + path);
  };
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(open());
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < clients.size(); ++i) {
      clients[i]->text.clear();
      send(clients[i], "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: demo.localhost\r\n\r\n");
    }
    for (size_t i = 0; i < clients.size(); ++i) {
      until_ends_with(clients[i], "\r\n\r\n/" + std::to_string(i));
    }
  }
  EXPECT_EQ(seen.size(), 300u);
}

}  // namespace
}  // namespace thaw::gateway
