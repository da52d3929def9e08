#include "gateway/gateway.h"

#include "gateway/gateway_testing.h"

namespace thaw::gateway {
namespace {

TEST_F(GatewayTest, PassesARequestAndItsAnswer) {
  const auto client = open(kGet);
  until_ends_with(client, "\r\n\r\nok");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(slots.held, 0);
  EXPECT_EQ(slots.first_bytes, 1);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].service, "demo");
  EXPECT_EQ(seen[0].revision, "demo-1");
  EXPECT_EQ(seen[0].target, "/x");
  EXPECT_EQ(seen[0].status, 200);
  EXPECT_EQ(seen[0].response_bytes, 2u);
  EXPECT_NE(instance.requests[0].find("/"), std::string::npos);
  EXPECT_NE(instance.requests[0].find("X-Cloud-Trace-Context: " + seen[0].trace_id),
            std::string::npos);
}

TEST_F(GatewayTest, KeepsConnectionsOnBothSides) {
  const auto client = open();
  for (int i = 0; i < 5; ++i) {
    client->text.clear();
    send(client, kGet);
    until_ends_with(client, "ok");
  }
  EXPECT_EQ(instance.connections.size(), 1u);
  EXPECT_EQ(slots.acquired, 5);
}

TEST_F(GatewayTest, PipelinedRequestsGoOneAfterAnother) {
  const auto client = open(std::string(kGet) + std::string(kGet) + std::string(kGet));
  until([&] { return seen.size() == 3; });
  until_ends_with(client, "ok");
  EXPECT_EQ(slots.most_held, 1);
  EXPECT_EQ(instance.requests.size(), 3u);
}

TEST_F(GatewayTest, AHeadMayComeByteByByte) {
  const auto client = open();
  for (const char& c : kGet) {
    send(client, std::string_view(&c, 1));
    turns(1);
  }
  until_ends_with(client, "ok");
}

TEST_F(GatewayTest, AnUnknownHostIs404WithoutAnInstance) {
  const auto client = open("GET / HTTP/1.1\r\nHost: nobody.localhost:8080\r\n\r\n");
  until_ends_with(client, "These are: demo.localhost\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_EQ(slots.acquired, 0);
  EXPECT_EQ(seen[0].status, 404);
  EXPECT_EQ(seen[0].service, "");
  send(client, kGet);
  until_ends_with(client, "ok");
}

TEST_F(GatewayTest, AProxysClientIsNotToldWhatIsHere) {
  const auto client = open();
  for (const char* header : {"X-Forwarded-For: 203.0.113.7", "Forwarded: for=203.0.113.7",
                             "Via: 1.1 front", "X-Real-IP: 203.0.113.7"}) {
    client->text.clear();
    send(client, "GET / HTTP/1.1\r\nHost: nobody.localhost\r\n" + std::string(header) + "\r\n\r\n");
    until([&] { return client->text.find("nobody.localhost") != std::string::npos; });
    EXPECT_TRUE(client->text.starts_with("HTTP/1.1 404 ")) << client->text;
    EXPECT_EQ(client->text.find("demo"), std::string::npos) << header;
  }
}

TEST_F(GatewayTest, AServiceWithoutAReadyRevisionIs503) {
  gateway->set_routes(RouteTable("localhost", {{ServiceId("demo"), "", {}}}));
  const auto client = open(kGet);
  until_ends_with(client, "No revision of the service \"demo\" is ready to serve.\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 503 "));
}

TEST_F(GatewayTest, ARefusalIsPassedOnInServingsWords) {
  slots.refusal = {serving::Refusal::Reason::kNoInstance, 429, "no instance, sorry", seconds(1.5)};
  const auto client = open(kGet);
  until_ends_with(client, "\r\n\r\nno instance, sorry\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
  EXPECT_NE(client->text.find("Retry-After: 2\r\n"), std::string::npos);
}

TEST_F(GatewayTest, ARequestWaitsForItsSlot) {
  slots.queue = true;
  const auto client =
      open("POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 3\r\n\r\nabc");
  until([&] { return slots.waiting == 1; });
  turns();
  EXPECT_EQ(client->text, "");
  slots.receivers[0]->on_slot(slots.make());
  until_ends_with(client, "ok");
  EXPECT_TRUE(instance.requests[0].ends_with("\r\n\r\nabc"));
  EXPECT_EQ(slots.waiting, 0);
}

TEST_F(GatewayTest, AClientThatLeavesLeavesTheQueue) {
  slots.queue = true;
  auto client = open(kGet);
  until([&] { return slots.waiting == 1; });
  client.reset();
  until([&] { return slots.waiting == 0; });
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].status, 499);
  EXPECT_EQ(gateway->connections(), 0u);
}

TEST_F(GatewayTest, AClientThatLeavesClosesTheInstancesConnection) {
  instance.on_bytes = [](auto&) {};
  auto client = open(kGet);
  until([&] { return slots.held == 1 && !instance.connections.empty(); });
  until([&] { return !instance.connections[0]->text.empty(); });
  client.reset();
  until([&] { return instance.connections[0]->closed; });
  EXPECT_EQ(slots.held, 0);
}

TEST_F(GatewayTest, ARefusedConnectionIsTriedOnAnotherSlot) {
  io::SocketAddress nobody;
  {
    const auto listener = *net.listen({"127.0.0.1", 0}, [](auto) {});
    nobody = listener->address();
  }
  slots.first_addresses = {nobody, nobody};
  const auto client = open(kGet);
  until_ends_with(client, "ok");
  EXPECT_EQ(slots.acquired, 3);
  EXPECT_EQ(slots.explained, 0);
  EXPECT_EQ(slots.most_held, 1);

  slots.first_addresses = {nobody, nobody, nobody};
  gateway->drop_idle(slots.instance);
  send(client, kGet);
  until([&] { return slots.explained == 1; });
  slots.explaining[0]->on_refused({serving::Refusal::Reason::kInstanceDied, 503, "it died"});
  until_ends_with(client, "it died\n");
}

TEST_F(GatewayTest, AnInstanceThatDiesBeforeAnsweringIsExplained) {
  instance.on_bytes = [](FakeInstance::Connection& c) { c.close(); };
  const auto client = open(kGet);
  until([&] { return slots.explained == 1; });
  EXPECT_EQ(slots.acquired, 1) << "what was sent is not sent again";
  slots.explaining[0]->on_refused({serving::Refusal::Reason::kOutOfMemory, 500, "out of memory"});
  until_ends_with(client, "out of memory\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 500 "));
}

TEST_F(GatewayTest, AnInstanceThatDiesInItsAnswerCutsTheConnection) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    c.close();
  };
  const auto client = open(kGet);
  until_closed(client);
  EXPECT_TRUE(client->text.ends_with("half"));
  EXPECT_EQ(slots.explained, 0);
}

TEST_F(GatewayTest, NonsenseFromTheInstanceIs503) {
  for (const char* nonsense :
       {"hello\r\n\r\n", "HTTP/1.1 200 OK\nA: b\n\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"}) {
    instance.answer = nonsense;
    const auto client = open(kGet);
    until_ends_with(client, "connection to the instance had an error.\n");
    EXPECT_TRUE(client->text.starts_with("HTTP/1.1 503 ")) << nonsense;
    EXPECT_EQ(slots.held, 0);
  }
}

TEST_F(GatewayTest, AnIdleConnectionThatTheInstanceClosedIsNotUsed) {
  const auto client = open(kGet);
  until_ends_with(client, "ok");
  instance.connections[0]->close();  // the loop takes no turn before the next request is read
  send(client, "POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 1\r\n\r\nx");
  until([&] { return seen.size() == 2; });
  EXPECT_EQ(seen[1].status, 200);
  EXPECT_EQ(instance.connections.size(), 2u);
}

TEST_F(GatewayTest, DroppedIdleConnectionsAreClosed) {
  const auto client = open(kGet);
  until_ends_with(client, "ok");
  gateway->drop_idle(slots.instance);
  until([&] { return instance.connections[0]->closed; });
}

TEST_F(GatewayTest, ChunkedBodiesPassBothWays) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    if (!c.text.ends_with("0\r\n\r\n")) return;
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    c.send("5;ext=1\r\n two!\r\n0\r\nTrailer: dropped\r\n\r\n");
  };
  const auto client = open(
      "POST / HTTP/1.1\r\nHost: demo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
      "4\r\nabcd\r\n");
  turns();
  send(client, "2;x\r\nef\r\n0\r\n\r\n");
  until_ends_with(client, "0\r\n\r\n");
  const std::string& got = instance.connections[0]->text;
  EXPECT_TRUE(got.ends_with("\r\n\r\n4\r\nabcd\r\n2\r\nef\r\n0\r\n\r\n")) << got;
  EXPECT_NE(client->text.find("3\r\none\r\n5\r\n two!\r\n0\r\n\r\n"), std::string::npos)
      << client->text;
  EXPECT_EQ(seen[0].request_bytes, 6u);
  EXPECT_EQ(seen[0].response_bytes, 8u);
}

TEST_F(GatewayTest, AnAnswerUntilCloseBecomesChunked) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    c.send("HTTP/1.0 200 OK\r\n\r\nall of it");
    c.close();
  };
  auto client = open(kGet);
  until_ends_with(client, "9\r\nall of it\r\n0\r\n\r\n");
  EXPECT_FALSE(client->ended);
  client = open("GET / HTTP/1.0\r\nHost: demo.localhost\r\n\r\n");
  until_closed(client);
  EXPECT_TRUE(client->text.ends_with("\r\n\r\nall of it"));
}

TEST_F(GatewayTest, HeadAnswersHaveNoBody) {
  instance.answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
  const auto client = open("HEAD / HTTP/1.1\r\nHost: demo.localhost\r\n\r\n");
  until_ends_with(client, "\r\n\r\n");
  EXPECT_NE(client->text.find("Content-Length: 1000\r\n"), std::string::npos);
  instance.answer = "HTTP/1.1 204 No Content\r\n\r\n";
  send(client, kGet);
  until([&] { return seen.size() == 2; });
  EXPECT_EQ(seen[1].status, 204);
  EXPECT_EQ(instance.connections.size(), 1u);
}

TEST_F(GatewayTest, ContinueIsSaidOnceAnInstanceIsThere) {
  slots.queue = true;
  const auto client = open(
      "POST / HTTP/1.1\r\nHost: demo.localhost\r\nExpect: 100-continue\r\n"
      "Content-Length: 2\r\n\r\n");
  until([&] { return slots.waiting == 1; });
  EXPECT_EQ(client->text, "");
  slots.receivers[0]->on_slot(slots.make());
  until([&] { return client->text == "HTTP/1.1 100 Continue\r\n\r\n"; });
  send(client, "hi");
  until_ends_with(client, "ok");
  EXPECT_EQ(instance.connections[0]->text.find("Expect"), std::string::npos);
}

TEST_F(GatewayTest, InterimAnswersAreNotTheAnswer) {
  instance.answer =
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const auto client = open(kGet);
  until_ends_with(client, "\r\n\r\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 200 OK"));
  EXPECT_EQ(seen[0].status, 200);
}

TEST_F(GatewayTest, AnAnswerBeforeTheRequestsEndIsPassedAndCloses) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    c.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    c.close();
  };
  const auto client =
      open("POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 100000\r\n\r\nabc");
  until_closed(client);
  EXPECT_TRUE(client->text.ends_with("\r\n\r\nno")) << client->text;
}

TEST_F(GatewayTest, AWebSocketBecomesATunnel) {
  instance.on_bytes = [](FakeInstance::Connection& c) {
    if (c.text.ends_with("\r\n\r\n")) {
      c.send(
          "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
          "websocket\r\n\r\nhello");
    } else if (c.text.ends_with("ping")) {
      c.send("pong");
    }
  };
  const auto client = open(
      "GET /chat HTTP/1.1\r\nHost: demo.localhost\r\nConnection: keep-alive, Upgrade\r\n"
      "Upgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n");
  until_ends_with(client, "\r\n\r\nhello");
  EXPECT_NE(client->text.find("Upgrade: websocket\r\n"), std::string::npos);
  EXPECT_NE(instance.connections[0]->text.find("Connection: Upgrade\r\n"), std::string::npos);
  send(client, "ping");
  until_ends_with(client, "pong");
  instance.connections[0]->close();
  until_closed(client);
  EXPECT_EQ(slots.held, 0);
}

TEST_F(GatewayTest, DrainFinishesWhatRuns) {
  instance.on_bytes = [](auto&) {};
  const auto idle = open();
  const auto busy = open(kGet);
  until([&] { return slots.held == 1 && gateway->connections() == 2; });
  bool drained = false;
  gateway->drain([&] { drained = true; });
  until_closed(idle);
  EXPECT_FALSE(drained);
  until([&] { return !instance.connections.empty() && !instance.connections[0]->text.empty(); });
  instance.connections[0]->send(instance.answer);
  until_closed(busy);
  EXPECT_NE(busy->text.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(busy->text.ends_with("ok"));
  busy->stream.reset();
  until([&] { return drained; });
}

TEST_F(GatewayTest, ItMayGoWhileRequestsRun) {
  slots.queue = true;
  const auto waiting = open(kGet);
  until([&] { return slots.waiting == 1; });
  slots.queue = false;
  instance.on_bytes = [](auto&) {};
  const auto busy = open(kGet);
  until([&] { return slots.held == 1; });
  gateway.reset();
  EXPECT_EQ(slots.waiting + slots.held, 0);
  until_closed(busy);
}

}  // namespace
}  // namespace thaw::gateway
