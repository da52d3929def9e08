// Requests whose bodies are taken piece by piece.
#include <algorithm>
#include <optional>

#include "http/server_testing.h"

namespace thaw::http {
namespace {

using io_linux::run_until;

/// Takes requests to /stream piece by piece when told to.
class StreamedBodies : public ServerTest {
 protected:
  StreamedBodies() {
    serve({.max_body = {10}});
    server->stream_bodies([](const Request& head) { return head.path == "/stream"; },
                          [this](Request, BodyStream b, Responder r) {
                            body.emplace(std::move(b));
                            responder.emplace(std::move(r));
                          });
  }
  void pull() {
    body->next([this](BodyStream::Got got, std::string content) {
      ++pieces;
      largest = std::max(largest, content.size());
      text += content;
      EXPECT_EQ(content.empty(), got != BodyStream::Got::kContent);
      state = got;
      if (got == BodyStream::Got::kContent && all) pull();
    });
  }
  void pull_all() {
    all = true;
    pull();
    run_until(loop, [&] { return state != BodyStream::Got::kContent; });
  }

  std::optional<BodyStream> body;
  std::optional<Responder> responder;
  std::string text;
  BodyStream::Got state = BodyStream::Got::kContent;
  int pieces = 0;
  size_t largest = 0;
  bool all = false;
};

TEST_F(StreamedBodies, MayBeLargerThanTheLimitAndKeepTheConnection) {
  const std::string content(3000, 'x');
  const auto client =
      open("PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n" + content);
  run_until(loop, [&] { return responder.has_value(); });
  pull_all();
  EXPECT_EQ(text, content);
  responder->answer(Response::text(200, "done"));
  run_until(loop, [&] { return client->text.ends_with("done"); });
  send(*client, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return client->text.ends_with("GET /b "); });
}

TEST_F(StreamedBodies, AClientWaitsUntilItsBytesAreAskedFor) {
  const auto client = open("PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  const std::string block(64 << 10, 'x');
  size_t sent = 0;
  for (io::Transfer t{}; sent < 90'000'000; sent += t.bytes) {
    t = io_linux::write_text(*client->stream, block);
    turns(1);
    if (t.state != io::Transfer::State::kMoved) break;
  }
  EXPECT_LT(sent, 90'000'000u) << "what nobody asks for stays with the client";
  pull();
  run_until(loop, [&] { return pieces == 1; });
  EXPECT_LE(largest, 512u << 10);
}

TEST_F(StreamedBodies, ContinueIsSaidWhenTheBodyIsWanted) {
  const auto client =
      open("PUT /stream HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  turns();
  EXPECT_EQ(client->text, "");
  pull();
  run_until(loop, [&] { return client->text == "HTTP/1.1 100 Continue\r\n\r\n"; });
  send(*client, "hi");
  run_until(loop, [&] { return text == "hi"; });
  pull();
  run_until(loop, [&] { return state == BodyStream::Got::kEnd; });
}

TEST_F(StreamedBodies, AnAnswerBeforeTheEndClosesTheConnection) {
  const auto client = open("PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nsome");
  run_until(loop, [&] { return responder.has_value(); });
  responder->answer(Response::text(412, "no"));
  run_until(loop, [&] { return client->ended; });
  EXPECT_NE(client->text.find("connection: close"), std::string::npos);
  EXPECT_EQ(client->text.find("100 Continue"), std::string::npos);
}

TEST_F(StreamedBodies, AClientThatLeavesBreaksTheBody) {
  auto client = open("PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nsome");
  run_until(loop, [&] { return responder.has_value(); });
  client.reset();
  pull_all();
  EXPECT_EQ(state, BodyStream::Got::kBroken);
  EXPECT_EQ(text, "some");
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(StreamedBodies, BadFramingBreaksTheBody) {
  const auto client =
      open("PUT /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  pull_all();
  EXPECT_EQ(state, BodyStream::Got::kBroken);
}

TEST_F(StreamedBodies, ARequestWithoutBodyKeepsItsConnection) {
  const auto client = open("PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  responder->answer(Response::text(200, "done"));
  run_until(loop, [&] { return client->text.ends_with("done"); });
  EXPECT_EQ(client->text.find("connection: close"), std::string::npos);
}

TEST_F(StreamedBodies, TrailersAreThereAtTheEnd) {
  const auto client = open(
      "PUT /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"
      "X-Checksum:  abc \r\nContent-Length: 9\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  pull_all();
  EXPECT_EQ(state, BodyStream::Got::kEnd);
  EXPECT_EQ(body->trailers().get("x-checksum"), "abc");
  EXPECT_EQ(body->trailers().size(), 1u) << "one that frames the message is left out";
  responder->answer(Response::text(200, "done"));
  run_until(loop, [&] { return client->text.ends_with("GET /b "); });
}

TEST_F(StreamedBodies, MalformedTrailersBreakTheBody) {
  const auto client = open(
      "PUT /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\na b: c\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  pull_all();
  EXPECT_EQ(state, BodyStream::Got::kBroken);
}

TEST_F(StreamedBodies, BothDirectionsStreamAtOnce) {
  const auto client = open("PUT /stream HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  responder->start({});
  all = true;
  pull();
  for (const std::string_view word : {"one", "two"}) {
    send(*client, "3\r\n" + std::string(word) + "\r\n");
    run_until(loop, [&] { return text.ends_with(word); });
    EXPECT_EQ(responder->write(word), Responder::Flow::kGoOn);
    bool writable = false;
    responder->when_writable([&] { writable = true; });
    run_until(loop, [&] { return writable; });
    run_until(loop, [&] { return client->text.ends_with("3\r\n" + std::string(word) + "\r\n"); });
  }
  send(*client, "0\r\n\r\n");
  run_until(loop, [&] { return state == BodyStream::Got::kEnd; });
  responder->end({{"x-words", "2"}});
  run_until(loop, [&] { return client->text.ends_with("0\r\nx-words: 2\r\n\r\n"); });
}

TEST_F(StreamedBodies, TrailersNeedChunks) {
  const auto client = open("PUT /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  responder->start({200, {{"content-length", "2"}}, ""});
  responder->write("ok");
  responder->end({{"x-words", "2"}});
  run_until(loop, [&] { return client->text.ends_with("ok"); });
  turns();
  EXPECT_TRUE(client->text.ends_with("\r\n\r\nok"));
}

}  // namespace
}  // namespace thaw::http
