// Connections to instances that end between requests: none of theirs is lost where none need be.
#include "gateway/gateway_testing.h"

namespace thaw::gateway {
namespace {

class Reuse : public GatewayTest {
 protected:
  /// The third request of the first connection gets `then`.
  void on_third(std::function<void(FakeInstance::Connection&)> then) {
    instance.on_bytes = [this, then = std::move(then)](FakeInstance::Connection& c) {
      if (c.text.find("\r\n\r\n") == std::string::npos) return;
      instance.requests.push_back(std::exchange(c.text, {}));
      if (instance.requests.size() == 3) return then(c);
      c.send(instance.answer);
    };
  }
  /// Sends `request` and waits for the end of its answer.
  void ask(const Client& client, std::string_view request, std::string_view end = "ok") {
    client->text.clear();
    send(client, request);
    until_ends_with(client, end);
  }
  /// What the third request gets when nobody asks again.
  void expect_explained(std::string_view request) {
    const auto client = open();
    for (int i = 0; i < 2; ++i) ask(client, kGet);
    client->text.clear();
    send(client, request);
    until([&] { return slots.explained == 1; });
    slots.explaining[0]->on_refused({serving::Refusal::Reason::kInstanceDied, 503, "it died"});
    until_ends_with(client, "it died\n");
    EXPECT_EQ(instance.requests.size(), 3u);
  }
  static void close(FakeInstance::Connection& c) { c.close(); }
};

TEST_F(Reuse, AConnectionThatEndedRightBehindAnAnswerIsNotUsed) {
  on_third([this](FakeInstance::Connection& c) {
    c.send(instance.answer);
    c.close();  // one event tells of the answer and of this
  });
  const auto client = open();
  for (int i = 0; i < 3; ++i) ask(client, kGet);
  ask(client, "POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(instance.connections.size(), 2u);
  EXPECT_EQ(slots.explained, 0);
}

TEST_F(Reuse, WhatAnEndingConnectionDidNotAnswerIsAskedAgainOnAnother) {
  on_third(close);
  const auto client = open();
  for (int i = 0; i < 3; ++i) ask(client, kGet);
  EXPECT_EQ(instance.requests.size(), 4u);
  EXPECT_EQ(instance.requests[3], instance.requests[2]);
  EXPECT_EQ(slots.acquired, 3) << "by the same slot";
  EXPECT_EQ(seen[2].status, 200);
}

TEST_F(Reuse, AnEmptyChunkedBodyIsSentAgain) {
  on_third(close);
  const auto client = open();
  for (int i = 0; i < 2; ++i) ask(client, kGet);
  ask(client,
      "PUT / HTTP/1.1\r\nHost: demo.localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  EXPECT_TRUE(instance.requests[3].ends_with("\r\n\r\n0\r\n\r\n")) << instance.requests[3];
  EXPECT_EQ(instance.requests[3], instance.requests[2]);
}

TEST_F(Reuse, ItIsAskedAgainOnce) {
  instance.on_bytes = [this](FakeInstance::Connection& c) {
    instance.requests.push_back(std::exchange(c.text, {}));
    if (instance.requests.size() > 2) return c.close();
    c.send(instance.answer);
  };
  const auto client = open();
  for (int i = 0; i < 2; ++i) ask(client, kGet);
  send(client, kGet);
  until([&] { return slots.explained == 1; });
  EXPECT_EQ(instance.requests.size(), 4u);
  EXPECT_EQ(slots.held, 0);
}

TEST_F(Reuse, WhatMustNotBeDoneTwiceIsNotAskedAgain) {
  on_third(close);
  expect_explained("POST / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 0\r\n\r\n");
}

TEST_F(Reuse, WhatHadABodyIsNotAskedAgain) {
  on_third(close);
  expect_explained("PUT / HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 1\r\n\r\nx");
}

TEST_F(Reuse, WhatGotAWordOfAnAnswerIsNotAskedAgain) {
  on_third([](FakeInstance::Connection& c) {
    c.send("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    c.close();
  });
  expect_explained(kGet);
}

}  // namespace
}  // namespace thaw::gateway
