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

TEST_F(ServerTest, AShortRequestMayComeInPiecesThatBeginLikeAPreface) {
  serve();
  const auto client = open("P");
  turns();
  send(*client, "R");
  turns();
  send(*client, "OPF / HTTP/1.0\r\n\r\n");
  run_until(loop, [&] { return client->ended; });
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 501 ")) << client->text;
  const auto post = open("P");
  turns();
  send(*post, "OST / HTTP/1.0\r\n\r\n");
  run_until(loop, [&] { return post->ended; });
  EXPECT_TRUE(post->text.ends_with("POST / ")) << post->text;
}

TEST_F(ServerTest, AnUnansweredRequestGets500) {
  handler = [](Request, Responder) {};
  serve();
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(kClose)), 500);
}

TEST_F(ServerTest, WhatTheHandlerDoesNotAnswerHasTheFormThatIsChosen) {
  std::vector<int> told;
  handler = [](Request, Responder) {};
  serve({.max_body = {10}, .fault = [&](int status, std::string_view reason) {
           told.push_back(status);
           return Response::json(status, fmt::format("[\"{}\"]", reason));
         }});
  const std::string large = talk("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  EXPECT_NE(large.find("content-type: application/json"), std::string::npos) << large;
  EXPECT_TRUE(large.ends_with("\r\n\r\n[\"the body is too large\"]")) << large;
  EXPECT_TRUE(talk("GET / HTTP/1.1\r\nHost: x\r\n" + std::string(kClose))
                  .ends_with("[\"the server dropped this request\"]"));
  EXPECT_EQ(told, (std::vector{413, 500}));
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

TEST_F(ServerTest, WhatIsRefusedUnsentIsNotAskedFor) {
  serve();
  uint64_t told = 0;
  server->refuse_unsent([&](const Request& head, uint64_t length) -> std::optional<Response> {
    told = length;
    if (head.path == "/taken") return std::nullopt;
    return Response::text(429, "not now");
  });
  const auto head = [](std::string_view path, std::string_view more) {
    return fmt::format("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n{}\r\n", path, more);
  };
  const std::string refused = talk(head("/refused", "Expect: 100-continue\r\n"));
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 429 ")) << refused;
  EXPECT_TRUE(refused.ends_with("not now"));
  EXPECT_EQ(told, 5u);
  EXPECT_EQ(handled, 0);
  const auto taken = open(head("/taken", "Expect: 100-continue\r\n"));
  run_until(loop, [&] { return taken->text == "HTTP/1.1 100 Continue\r\n\r\n"; });
  told = 0;
  const auto sent = open(head("/refused", "") + "hello");
  run_until(loop, [&] { return sent->text.ends_with("POST /refused hello"); });
  EXPECT_EQ(told, 0u) << "it did not wait";
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

TEST_F(ServerTest, AClientThatSendsNoMoreAndIsGivenUpIsToldNothing) {
  std::optional<Responder> responder;
  handler = [&](Request, Responder r) {
    responder.emplace(std::move(r));
    responder->when_gone([&] { responder.reset(); });
  };
  serve();
  const auto client = open("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  run_until(loop, [&] { return responder.has_value(); });
  client->stream->shutdown_write();
  run_until(loop, [&] { return client->ended || client->error != 0; });
  EXPECT_EQ(client->text, "");
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

TEST_F(ServerTest, OfTheBodiesThatComeInTogetherTheSlowOneGivesWay) {
  serve({.max_body = kib(64)});  // four of them together
  constexpr size_t kSize = 63 << 10;
  const auto begin = [&](size_t length, size_t sent) {
    return fmt::format(
               "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
               length) +
           std::string(sent, 'b');
  };
  std::vector<std::unique_ptr<io_linux::Collector>> slow;
  for (int i = 0; i < 4; ++i) {
    slow.push_back(open(begin(kSize, kSize - 1)));
    turns(10);
  }
  for (const auto& each : slow) EXPECT_EQ(each->text, "") << "it waits for the rest";
  EXPECT_EQ(status_of(begin(16384, 16384)), 200) << "small ones go on";
  EXPECT_EQ(status_of(begin(kSize, kSize)), 200) << "and so does who is not slow";
  run_until(loop, [&] { return slow[0]->ended; });
  EXPECT_TRUE(slow[0]->text.starts_with("HTTP/1.1 503 ")) << slow[0]->text;
  EXPECT_NE(slow[0]->text.find("\r\nretry-after: 1\r\n"), std::string::npos);
  for (size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(slow[i]->text, "");
    send(*slow[i], "b");
    run_until(loop, [&] { return slow[i]->ended; });
    EXPECT_TRUE(slow[i]->text.starts_with("HTTP/1.1 200 ")) << "what is whole counts no more";
  }
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
