#include "http/server.h"

#include <fmt/format.h>

#include <optional>

#include "base/check.h"
#include "http/client.h"
#include "http/server_testing.h"

namespace thaw::http {
namespace {

using io_linux::run_until;

constexpr std::string_view kClose = "Connection: close\r\n\r\n";

TEST_F(ServerTest, AnswersAndKeepsTheConnection) {
  serve();
  const auto client = open("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return client->text.ends_with("GET /a "); });
  send(*client, "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
  run_until(loop, [&] { return client->text.ends_with("POST /b hi"); });
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(client->ended);
}

TEST_F(ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  std::vector<Responder> waiting;
  handler = [&](Request, Responder responder) { waiting.push_back(std::move(responder)); };
  serve();
  const auto client = open("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return waiting.size() == 1; });
  turns();
  EXPECT_EQ(waiting.size(), 1u) << "the second waits for the first";
  waiting[0].answer(Response::text(200, "one"));
  run_until(loop, [&] { return waiting.size() == 2; });
  waiting[1].answer(Response::text(200, "two"));
  run_until(loop, [&] { return client->text.ends_with("two"); });
}

TEST_F(ServerTest, TheTargetIsTakenApart) {
  Request seen;
  handler = [&](Request r, Responder responder) {
    seen = std::move(r);
    responder.answer({204, {}, ""});
  };
  serve();
  const std::string answer =
      talk("GET http://api:80/b/my%2Fname?alt=json&q=a%20b+c&x HTTP/1.1\r\nHost: other\r\n" +
           std::string(kClose));
  EXPECT_EQ(seen.path, "/b/my%2Fname");
  EXPECT_EQ(seen.host, "api:80") << "an absolute target overrules Host";
  EXPECT_EQ(seen.query, (Query{{"alt", "json"}, {"q", "a b c"}, {"x", ""}}));
  EXPECT_EQ(answer.find("content-length"), std::string::npos) << "204 has no length";
  EXPECT_TRUE(seen.peer.starts_with("127.0.0.1:"));
}

TEST_F(ServerTest, BadRequestsAreAnsweredBeforeTheHandler) {
  serve({.max_body = {10}, .head = {.bytes = 2000, .headers = 5, .target = 100}});
  const std::string x = "GET / HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(status_of("garbage\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n"), 505);
  EXPECT_EQ(status_of("BREW / HTTP/1.1\r\nHost: x\r\n\r\n"), 501);
  EXPECT_EQ(status_of("GET /" + std::string(200, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n"), 414);
  EXPECT_EQ(status_of(x + "A: " + std::string(2000, 'a') + "\r\n\r\n"), 431);
  EXPECT_EQ(status_of(x + "A:1\r\nB:1\r\nC:1\r\nD:1\r\nE:1\r\nF:1\r\n\r\n"), 431);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"), 413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "b\r\n01234567890\r\n"),
            413);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
            400);
  EXPECT_EQ(status_of(x + "Expect: miracles\r\n\r\n"), 417);
  EXPECT_EQ(handled, 0);
}

TEST_F(ServerTest, AnUnansweredRequestGets500) {
  handler = [](Request, Responder) {};
  serve();
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(kClose)), 500);
}

TEST_F(ServerTest, OnlyTheFirstAnswerCounts) {
  handler = [](Request, Responder responder) {
    responder.answer(Response::text(200, "first"));
    responder.answer(Response::text(200, "second"));
    responder.start({});
    EXPECT_EQ(responder.write("third"), Responder::Flow::kGone);
    responder.end();
  };
  serve();
  const std::string answer = talk("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(kClose));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nfirst")) << answer;
}

TEST_F(ServerTest, HeadHasTheLengthButNoBody) {
  serve();
  const std::string answer = talk("HEAD / HTTP/1.1\r\nHost: x\r\n" + std::string(kClose));
  EXPECT_NE(answer.find("content-length: 7\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(ServerTest, ContinueIsSaidOnceTheBodyIsWanted) {
  serve();
  const auto client =
      open("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  run_until(loop, [&] { return client->text == "HTTP/1.1 100 Continue\r\n\r\n"; });
  send(*client, "ok");
  run_until(loop, [&] { return client->text.ends_with("POST / ok"); });
}

TEST_F(ServerTest, AStreamedAnswerWaitsForASlowClient) {
  std::optional<Responder> responder;
  handler = [&](Request, Responder r) { responder.emplace(std::move(r)); };
  serve();
  const auto client = open("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  client->stream->set_events(nullptr);  // reads nothing for now
  responder->start({200, {{"content-type", "text/plain"}}, ""});
  const std::string piece(50'000, 'y');
  size_t sent = 0;
  while (responder->write(piece) == Responder::Flow::kGoOn) sent += piece.size();
  sent += piece.size();
  bool writable = false;
  responder->when_writable([&] { writable = true; });
  turns();
  EXPECT_FALSE(writable);
  client->stream->set_events(client.get());
  run_until(loop, [&] { return writable; });
  responder->end();
  run_until(loop, [&] { return client->text.ends_with("0\r\n\r\n"); });
  EXPECT_NE(client->text.find("transfer-encoding: chunked"), std::string::npos);
  EXPECT_GE(client->text.size(), sent);
}

TEST_F(ServerTest, ADroppedStreamCutsTheConnection) {
  handler = [](Request, Responder responder) {
    responder.start({});
    responder.write("half");
  };
  serve();
  const std::string answer = talk("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("4\r\nhalf\r\n")) << "no last chunk: " << answer;
}

TEST_F(ServerTest, TheHandlerHearsThatTheClientLeft) {
  std::optional<Responder> responder;
  bool gone = false;
  handler = [&](Request, Responder r) {
    responder.emplace(std::move(r));
    responder->when_gone([&] { gone = true; });
  };
  serve();
  auto client = open("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  EXPECT_FALSE(responder->is_gone());
  client.reset();
  run_until(loop, [&] { return gone; });
  EXPECT_TRUE(responder->is_gone());
  responder->answer(Response::text(200, "to nobody"));
  turns();
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(ServerTest, AResponderMayOutliveTheServer) {
  std::optional<Responder> responder;
  handler = [&](Request, Responder r) { responder.emplace(std::move(r)); };
  serve();
  const auto client = open("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  server.reset();
  EXPECT_TRUE(responder->is_gone());
  responder->answer(Response::text(200, "late"));
  run_until(loop, [&] { return client->ended || client->error != 0; });
  EXPECT_EQ(client->text, "");
}

TEST_F(ServerTest, DrainFinishesWhatRunsAndEndsWhatIdles) {
  std::optional<Responder> responder;
  handler = [&](Request, Responder r) { responder.emplace(std::move(r)); };
  serve();
  const auto idle = open();
  const auto busy = open("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  run_until(loop, [&] { return server->connections() == 2; });
  bool drained = false;
  server->drain([&] {
    drained = true;
    server.reset();
  });
  run_until(loop, [&] { return idle->ended; });
  EXPECT_FALSE(drained);
  responder->answer(Response::text(200, "last"));
  run_until(loop, [&] { return busy->ended; });
  EXPECT_NE(busy->text.find("connection: close"), std::string::npos);
  busy->stream.reset();
  run_until(loop, [&] { return drained; });
}

TEST_F(ServerTest, TooManyConnectionsAreRefused) {
  serve({.max_connections = 1});
  const auto first = open();
  run_until(loop, [&] { return server->connections() == 1; });
  EXPECT_EQ(status_of(""), 503);
}

TEST_F(ServerTest, AnEarlyAnswerReachesAClientThatSendsItsBodyFirst) {
  serve();
  constexpr size_t kSize = 41 << 20;
  const auto client =
      open("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(kSize) + "\r\n\r\n");
  client->stream->set_events(nullptr);
  const std::string piece(256 << 10, 'z');
  size_t sent = 0;
  run_until(loop, [&] {
    loop.turn(milliseconds(1));
    const auto t =
        io_linux::write_text(*client->stream, std::string_view(piece).substr(0, kSize - sent));
    sent += t.bytes;
    return sent == kSize || t.state == io::Transfer::State::kBroken;
  });
  EXPECT_EQ(sent, kSize) << "it was reset";
  client->stream->set_events(client.get());
  run_until(loop, [&] { return client->ended || client->error != 0; });
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 413 ")) << client->text;
  EXPECT_TRUE(client->ended);
  EXPECT_EQ(handled, 0);
}

TEST_F(ServerTest, BodiesThatComeInAreBoundedTogether) {
  serve({.max_body = kib(64)});  // four of them together, less 16 KiB of each
  constexpr size_t kSize = 63 << 10;
  const auto begin = [&](size_t length, size_t sent) {
    return fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", length) +
           std::string(sent, 'b');
  };
  std::vector<std::unique_ptr<io_linux::Collector>> slow;
  for (int i = 0; i < 5; ++i) slow.push_back(open(begin(kSize, kSize - 1)));
  turns(20);
  for (const auto& each : slow) EXPECT_EQ(each->text, "") << "it waits for the rest";
  EXPECT_EQ(status_of(begin(kSize, kSize)), 503);
  const std::string close = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ";
  EXPECT_EQ(status_of(close + "16384\r\n\r\n" + std::string(16384, 's')), 200)
      << "small ones go on";
  slow.pop_back();  // it left
  turns(20);
  EXPECT_EQ(status_of(close + fmt::format("{}\r\n\r\n", kSize) + std::string(kSize, 'b')), 200);
  send(*slow[0], "b");  // it is whole, and counts no more
  io_linux::run_until(loop, [&] { return !slow[0]->text.empty(); });
  EXPECT_EQ(status_of(close + fmt::format("{}\r\n\r\n", kSize) + std::string(kSize, 'b')), 200);
}

TEST_F(ServerTest, HandlersCannotSplitTheResponse) {
  set_bug_is_fatal(false);
  handler = [](Request, Responder responder) {
    responder.answer({200, {{"x", "a\r\nset-cookie: evil"}, {"ok", "yes"}}, ""});
  };
  serve();
  const std::string answer = talk("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(kClose));
  EXPECT_EQ(answer.find("evil"), std::string::npos);
  EXPECT_NE(answer.find("ok: yes"), std::string::npos);
}

class ClientTest : public ServerTest {
 protected:
  Result<Response> fetch(Request request, Duration timeout = seconds(10)) {
    std::optional<Result<Response>> result;
    const auto call = client.fetch(address, std::move(request), timeout,
                                   [&](Result<Response> r) { result.emplace(std::move(r)); });
    run_until(loop, [&] { return result.has_value(); });
    return *std::move(result);
  }
  Client client{net, loop, {.max_body = mib(2)}};
};

TEST_F(ClientTest, FetchesWholeAnswers) {
  serve();
  const auto response =
      fetch({.method = "POST", .target = "/x", .body = std::string(1 << 20, 'b')});
  ASSERT_TRUE(response) << response.error().message();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "POST /x " + std::string(1 << 20, 'b'));
  EXPECT_EQ(response->headers.get("Content-Type"), "text/plain; charset=utf-8");
}

TEST_F(ClientTest, AnAnswerOverTheLimitIsRefused) {
  handler = [](Request, Responder r) { r.answer(Response::text(200, std::string(3 << 20, 'x'))); };
  serve();
  const auto response = fetch({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code(), Code::kResourceExhausted);
}

TEST_F(ClientTest, TellsTimeoutRefusalAndCutApart) {
  std::optional<Responder> kept;
  handler = [&](Request, Responder r) { kept.emplace(std::move(r)); };
  serve();
  const auto late = fetch({}, milliseconds(5));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::kDeadlineExceeded);

  handler = [](Request, Responder r) {
    r.start({200, {{"content-length", "10"}}, ""});
    r.write("half");
  };
  const auto cut = fetch({});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code(), Code::kUnavailable);

  kept.reset();
  server.reset();
  const auto refused = fetch({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
}

TEST_F(ClientTest, ARequestThatWouldSplitIsRefused) {
  serve();
  const auto bad_target = fetch({.target = "/a b"});
  ASSERT_FALSE(bad_target);
  EXPECT_EQ(bad_target.error().code(), Code::kInvalidArgument);
  EXPECT_FALSE(fetch({.headers = {{"a", "b\r\nc: d"}}}));
  EXPECT_EQ(handled, 0);
}

TEST_F(ClientTest, ADroppedCallCallsNobody) {
  serve();
  {
    const auto call = client.fetch(address, {}, seconds(5), [](auto) { FAIL(); });
  }
  turns();
}

TEST_F(ClientTest, StreamsAnAnswerAsItComes) {
  std::optional<Responder> responder;
  handler = [&](Request, Responder r) {
    responder.emplace(std::move(r));
    responder->start({});
    responder->write("one");
  };
  serve();
  std::string got;
  std::optional<Status> ended;
  int status = 0;
  const auto call = client.stream(address, {}, seconds(5),
                                  {.on_head = [&](const Response& head) { status = head.status; },
                                   .on_content = [&](std::string_view content) { got += content; },
                                   .on_end = [&](Status s) { ended = std::move(s); }});
  run_until(loop, [&] { return got == "one"; });
  EXPECT_EQ(status, 200);
  EXPECT_FALSE(ended.has_value());
  responder->write(" two");
  responder->end();
  run_until(loop, [&] { return ended.has_value(); });
  EXPECT_TRUE(*ended);
  EXPECT_EQ(got, "one two");
}

// ---- Streamed bodies ----------------------------------------------------------------------------

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

TEST_F(ServerTest, TunnelsToWhatIsTakenAreHandedOnAndOthersAreRefused) {
  serve();
  std::vector<std::unique_ptr<io::Stream>> taken;
  server->hand_on_tunnels([](std::string_view authority) { return authority == "here:1"; },
                          [&](auto stream) { taken.push_back(std::move(stream)); });
  EXPECT_EQ(status_of("CONNECT there:1 HTTP/1.1\r\nHost: there:1\r\n\r\n"), 501);
  EXPECT_EQ(status_of("CONNECT here:1 HTTP/1.1\r\n\r\nmore than was asked for"), 501);
  EXPECT_EQ(status_of("CONNECTED here:1 HTTP/1.1\r\n\r\n"), 501);
  EXPECT_TRUE(taken.empty());
  const auto client = open("CONN");
  turns();
  send(*client, "ECT here:1 HTTP/1.1\r\nUser-Agent: x\r\n");
  turns();
  send(*client, "\r\n");
  run_until(loop, [&] { return !taken.empty() && client->text == "HTTP/1.1 200 OK\r\n\r\n"; });
  EXPECT_EQ(server->connections(), 0u);
  send(*client, "hello");
  std::string buffer(16, '\0');
  io::Transfer got{};
  run_until(loop, [&] {
    got = taken[0]->read(buffer);
    return got.state == io::Transfer::State::kMoved;
  });
  EXPECT_EQ(buffer.substr(0, got.bytes), "hello");
  EXPECT_EQ(handled, 0);
}

}  // namespace
}  // namespace thaw::http
