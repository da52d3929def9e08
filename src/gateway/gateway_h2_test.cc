// HTTP/2 on either side of the gateway.
#include <gtest/gtest.h>

#include "gateway/gateway_testing.h"
#include "http/h2_testing.h"
#include "http/server.h"

namespace thaw::gateway {
namespace {

using Answer = http::H2TestClient::Answer;
using End = http::H2Session::End;

class H2Gateway : public GatewayTest {
 protected:
  explicit H2Gateway(GatewayOptions options = {}) : GatewayTest(options) {}

  std::unique_ptr<http::H2TestClient> h2() {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    until([&] { return stream != nullptr; });
    return std::make_unique<http::H2TestClient>(loop, std::move(stream));
  }
  static std::vector<http::H2Field> fields(std::string_view method, std::string_view path) {
    return {{":method", method},
            {":scheme", "http"},
            {":path", path},
            {":authority", "demo.localhost"}};
  }
  Answer& get(http::H2TestClient& c, std::string_view path, std::string_view method = "GET") {
    return c.request(fields(method, path), End::kYes);
  }
  Answer& open_post(http::H2TestClient& c, std::vector<http::H2Field> more = {}) {
    auto all = fields("POST", "/p");
    all.insert(all.end(), more.begin(), more.end());
    return c.request(all, End::kNo);
  }
  void until_closed(const Answer& a) {
    until([&] { return a.closed; });
  }
  using GatewayTest::until_closed;
};

TEST_F(H2Gateway, ARequestReachesAnInstanceOfHttp1) {
  instance.answer =
      "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-A: b\r\nConnection: x\r\nX: hop\r\n\r\nok";
  const auto c = h2();
  auto all = fields("GET", "/a?b=c");
  for (const auto& [n, v] : {std::pair{"cookie", "a=1"},
                             {"cookie", "b=2"},
                             {"te", "trailers"},
                             {"x-google-user", "evil"}}) {
    all.push_back({n, v});
  }
  Answer& a = c->request(all, End::kYes);
  until_closed(a);
  EXPECT_EQ(a.status, 201);
  EXPECT_EQ(a.body, "ok");
  EXPECT_EQ(a.headers.get("x-a"), "b");
  EXPECT_EQ(a.headers.get("x"), "") << "headers of one hop stay there";
  ASSERT_EQ(instance.requests.size(), 1u);
  const std::string& request = instance.requests[0];
  EXPECT_TRUE(request.starts_with("GET /a?b=c HTTP/1.1\r\nHost: demo.localhost\r\n")) << request;
  EXPECT_NE(request.find("cookie: a=1; b=2\r\n"), std::string::npos);
  EXPECT_NE(request.find("X-Forwarded-For: 127.0.0.1\r\n"), std::string::npos);
  EXPECT_EQ(request.find("evil"), std::string::npos);
  EXPECT_EQ(request.find("trailers"), std::string::npos);
  until([&] { return seen.size() == 1; });
  EXPECT_EQ(seen[0].status, 201);
  EXPECT_EQ(seen[0].response_bytes, 2u);
  turns();
  EXPECT_EQ(slots.held, 0);
}

TEST_F(H2Gateway, StreamsOfOneConnectionAreRequestsOfTheirOwn) {
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    if (c.text.ends_with("\r\n\r\n")) instance.requests.push_back(std::exchange(c.text, {}));
  };
  const auto c = h2();
  std::vector<Answer*> answers;
  for (int i = 0; i < 20; ++i) answers.push_back(&get(*c, "/" + std::to_string(i)));
  until([&] { return instance.requests.size() == 20; });
  EXPECT_EQ(slots.held, 20);
  for (size_t i = instance.connections.size(); i-- > 0;) {
    instance.connections[i]->send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" +
                                  std::to_string(i % 10));
  }
  for (Answer* a : answers) until_closed(*a);
  turns();
  EXPECT_EQ(slots.held, 0);
  EXPECT_EQ(seen.size(), 20u);
}

TEST_F(H2Gateway, BodiesPassBothWaysInAnySize) {
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    if (!c.text.ends_with("0\r\n\r\n")) return;
    c.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  };
  const auto c = h2();
  Answer& a = open_post(*c);
  c->send(a, std::string(3 << 20, 'x'));
  c->finish(a);
  until_closed(a);
  EXPECT_EQ(a.body, "abc");
  EXPECT_NE(instance.connections[0]->text.find("Transfer-Encoding: chunked"), std::string::npos);
  until([&] { return seen.size() == 1; });
  EXPECT_EQ(seen[0].request_bytes, 3u << 20);
}

TEST_F(H2Gateway, ALengthThatIsSaidIsPassedOn) {
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    if (c.text.ends_with("hello")) c.send(instance.answer);
  };
  const auto c = h2();
  Answer& a = open_post(*c, {{"content-length", "5"}});
  c->send(a, "hello");
  c->finish(a);
  until_closed(a);
  EXPECT_EQ(a.status, 200);
  EXPECT_NE(instance.connections[0]->text.find("content-length: 5"), std::string::npos);
}

TEST_F(H2Gateway, AnswersWithoutContentEndWithTheirHead) {
  const auto c = h2();
  for (const auto& [method, head, status] :
       {std::tuple{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n", 200},
        {"GET", "HTTP/1.1 204 No Content\r\n\r\n", 204},
        {"GET", "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304},
        {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200}}) {
    instance.answer = head;
    Answer& a = get(*c, "/", method);
    until_closed(a);
    EXPECT_EQ(a.status, status);
    EXPECT_EQ(a.body, "");
    EXPECT_EQ(a.error, http::H2Error::kNone);
    EXPECT_EQ(a.headers.get("content-length"), std::string_view(method) == "HEAD" ? "70" : "");
  }
}

TEST_F(H2Gateway, AClientThatCancelsLeavesItsPlace) {
  instance.on_bytes = [](FakeInstance::Connection&) {};
  const auto c = h2();
  Answer& a = get(*c, "/slow");
  until([&] { return instance.connections.size() == 1 && !instance.connections[0]->text.empty(); });
  c->session.reset(a.id, http::H2Error::kCancel);
  c->flush();
  until([&] { return instance.connections[0]->closed && seen.size() == 1; });
  EXPECT_EQ(seen[0].status, 499);
  EXPECT_EQ(slots.held, 0);
  instance.on_bytes = [&](FakeInstance::Connection& i) { i.send(instance.answer); };
  Answer& next = get(*c, "/next");
  until_closed(next);
  EXPECT_EQ(next.status, 200);
}

TEST_F(H2Gateway, AWaitingRequestThatIsCancelledIsNotRun) {
  slots.queue = true;
  const auto c = h2();
  Answer& a = get(*c, "/");
  until([&] { return slots.waiting == 1; });
  c->session.reset(a.id, http::H2Error::kCancel);
  c->flush();
  until([&] { return slots.waiting == 0; });
  EXPECT_TRUE(instance.connections.empty());
}

TEST_F(H2Gateway, BodiesOfWaitingRequestsDoNotStopThoseThatRun) {
  slots.queue = true;
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    if (c.text.ends_with("0\r\n\r\n")) c.send(instance.answer);
  };
  const auto c = h2();
  for (int i = 0; i < 40; ++i) {
    Answer& waiting = open_post(*c);
    c->send(waiting, std::string(1 << 20, 'w'));
  }
  until([&] { return slots.waiting == 40; });
  slots.queue = false;
  Answer& runs = open_post(*c);
  c->send(runs, std::string(2 << 20, 'r'));
  c->finish(runs);
  until_closed(runs);
  EXPECT_EQ(runs.status, 200);
}

TEST_F(H2Gateway, AnAnswerThatBreaksOffResetsItsStream) {
  instance.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
  instance.on_bytes = [&](FakeInstance::Connection& c) {
    c.send(instance.answer);
    c.close();
  };
  const auto c = h2();
  Answer& a = get(*c, "/");
  until_closed(a);
  EXPECT_EQ(a.body, "half");
  EXPECT_FALSE(a.ended);
  EXPECT_NE(a.error, http::H2Error::kNone);
}

TEST_F(H2Gateway, RefusalsAreAnswersAsInHttp1) {
  const auto c = h2();
  Answer& unknown = c->request(
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "nobody.localhost"}},
      End::kYes);
  until_closed(unknown);
  EXPECT_EQ(unknown.status, 404);
  slots.refusal =
      serving::Refusal{serving::Refusal::Reason::kQueueFull, 429, "Too many.", seconds(3)};
  Answer& refused = get(*c, "/");
  until_closed(refused);
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("retry-after"), "3");
  Answer& bad = c->request(
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}, {"host", "b"}},
      End::kYes);
  until_closed(bad);
  EXPECT_EQ(bad.status, 400);
}

TEST_F(H2Gateway, AnHttp1RequestMayUpgrade) {
  const auto client = open(
      "GET /up HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n" +
      http::h2_hello());
  until([&] { return client->text.find("ok") != std::string::npos; });
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_EQ(instance.requests[0].find("pgrade"), std::string::npos) << instance.requests[0];
  EXPECT_EQ(instance.requests[0].find("ettings"), std::string::npos);
  EXPECT_TRUE(instance.requests[0].starts_with("GET /up HTTP/1.1\r\n"));
}

TEST_F(H2Gateway, DrainFinishesWhatRuns) {
  instance.on_bytes = [](FakeInstance::Connection&) {};
  const auto c = h2();
  Answer& a = get(*c, "/");
  until([&] { return instance.connections.size() == 1; });
  const auto idle = h2();
  Answer& before = c->request(
      {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {":authority", "x"}}, End::kYes);
  until_closed(before);
  bool drained = false;
  gateway->drain([&] { drained = true; });
  until([&] { return c->goaways > 0; });
  EXPECT_FALSE(drained);
  instance.connections[0]->send(instance.answer);
  until_closed(a);
  EXPECT_EQ(a.body, "ok");
  until([&] { return c->ended; });
  idle->stream.reset();
  until([&] { return drained; });
}

class H2Timeouts : public H2Gateway {
 protected:
  H2Timeouts() : H2Gateway({.head_timeout = milliseconds(20), .idle_timeout = milliseconds(20)}) {}
};

TEST_F(H2Timeouts, IdleConnectionsAndUnfinishedHeadsAreEnded) {
  const auto idle = open(http::h2_hello());
  until_closed(idle);
  const auto slow =
      open(http::h2_hello() + http::h2_frame(http::H2Type::kHeaders, 0, 1, http::h2_get()));
  until_closed(slow);
  const auto preface = open("PRI * HTTP/2.0\r\n");
  until_closed(preface);
}

TEST_F(H2Timeouts, ARequestsTimeIsItsOwn) {
  gateway->set_routes(RouteTable(
      "localhost", {{ServiceId("demo"),
                     "",
                     {{.revision = RevisionId("demo-1"), .timeout = milliseconds(10)}}}}));
  instance.on_bytes = [](FakeInstance::Connection&) {};
  const auto c = h2();
  Answer& a = get(*c, "/");
  until_closed(a);
  EXPECT_EQ(a.status, 504);
}

class H2Limits : public H2Gateway {
 protected:
  H2Limits() : H2Gateway({.max_connections = 2, .send_timeout = milliseconds(20)}) {}
};

TEST_F(H2Limits, IdleConnectionsCountAsThoseOfHttp1) {
  const auto first = open(http::h2_hello());
  const auto second = open(http::h2_hello());
  until([&] { return !first->text.empty() && !second->text.empty(); });
  const auto third = open(kGet);
  until_closed(third);
  EXPECT_TRUE(third->text.starts_with("HTTP/1.1 503 ")) << third->text;
  EXPECT_EQ(slots.acquired, 0);
}

TEST_F(H2Limits, AnUpgradeThatHasNoRoomIsPassedOver) {
  const auto other = open(http::h2_hello());
  until([&] { return !other->text.empty(); });
  const auto client = open(
      "GET / HTTP/1.1\r\nHost: demo.localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
      "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
  until_ends_with(client, "ok");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 200 ")) << client->text;
}

TEST_F(H2Limits, FarOverTheLimitConnectionsAreClosedWithoutAWord) {
  std::vector<Client> clients;
  for (int i = 0; i < 2 + 16; ++i) clients.push_back(open());
  until([&] { return gateway->connections() == 18; });
  const auto last = open();
  until_closed(last);
  EXPECT_EQ(last->text, "");
  EXPECT_EQ(gateway->connections(), 18u);
}

TEST_F(H2Limits, ARefusedRequestThatIsNeverReadEndsItsConnection) {
  const auto client = open(
      std::string(http::kH2Preface) +
      http::h2_frame(http::H2Type::kSettings, 0, 0, std::string("\0\4\0\0\0\0", 6)) +
      http::h2_frame(http::H2Type::kHeaders, 5, 1, http::h2_get() + http::h2_literal("host", "y")));
  until_closed(client);
}

// ---- Instances that speak HTTP/2
// -----------------------------------------------------------------

class H2Instance : public H2Gateway {
 protected:
  H2Instance() {
    gateway->set_routes(RouteTable(
        "localhost", {{ServiceId("demo"),
                       "",
                       {{.revision = RevisionId("demo-1"), .protocol = Protocol::kH2c}}}}));
    server = std::make_unique<http::Server>(
        net, loop, http::Server::Options{}, [this](http::Request r, http::Responder responder) {
          request = std::move(r);
          responder.answer(http::Response::text(200, "whole " + request.body));
        });
    server->stream_bodies([this](const http::Request&) { return streams; },
                          [this](http::Request r, http::BodyStream b, http::Responder out) {
                            request = std::move(r);
                            body.emplace(std::move(b));
                            responder.emplace(std::move(out));
                          });
    slots.address = *server->listen({"127.0.0.1", 0});
  }
  void pull() {
    body->next([this](http::BodyStream::Got g, std::string content) {
      text += content;
      got = g;
      if (g == http::BodyStream::Got::kContent) pull();
    });
  }

  std::unique_ptr<http::Server> server;
  http::Request request;
  bool streams = false;
  std::optional<http::BodyStream> body;
  std::optional<http::Responder> responder;
  std::string text;
  std::optional<http::BodyStream::Got> got;
};

TEST_F(H2Instance, RequestsShareOneConnection) {
  const auto c = h2();
  for (int i = 0; i < 5; ++i) {
    Answer& a = get(*c, "/x?y=z");
    until_closed(a);
    EXPECT_EQ(a.body, "whole ");
  }
  EXPECT_EQ(server->connections(), 1u);
  EXPECT_EQ(request.target, "/x?y=z");
  EXPECT_EQ(request.host, "demo.localhost");
  EXPECT_EQ(request.headers.get("te"), "trailers");
  gateway->drop_idle(slots.instance);
  until([&] { return server->connections() == 0; });
}

TEST_F(H2Instance, ClientsOfHttp1ReachItToo) {
  const auto client =
      open("POST /x HTTP/1.1\r\nHost: demo.localhost\r\nContent-Length: 2\r\n\r\nhi");
  until([&] { return client->text.ends_with("whole hi"); });
  send(client, kGet);
  until([&] { return client->text.ends_with("whole "); });
  EXPECT_EQ(server->connections(), 1u);
}

TEST_F(H2Instance, BothDirectionsStreamAtOnceWithTrailers) {
  streams = true;
  const auto c = h2();
  Answer& a = open_post(*c, {{"te", "trailers"}, {"content-type", "application/grpc"}});
  until([&] { return responder.has_value(); });
  pull();
  responder->start({200, {{"content-type", "application/grpc"}}, ""});
  responder->write("first");
  until([&] { return a.body == "first"; });
  for (const std::string_view word : {"one", "two"}) {
    c->send(a, word);
    until([&] { return text.ends_with(word); });
    responder->write(word);
    until([&] { return a.body.ends_with(word); });
  }
  c->finish(a, {{"x-sum", "2"}});
  until([&] { return got == http::BodyStream::Got::kEnd; });
  EXPECT_EQ(body->trailers().get("x-sum"), "2");
  responder->end({{"grpc-status", "0"}, {"grpc-message", "fine"}});
  until_closed(a);
  EXPECT_EQ(a.trailers.get("grpc-status"), "0");
  EXPECT_EQ(a.trailers.get("grpc-message"), "fine");
  EXPECT_EQ(a.error, http::H2Error::kNone);
}

TEST_F(H2Instance, AStatusWithoutContentStaysAtTheHead) {
  streams = true;
  const auto c = h2();
  Answer& a = open_post(*c, {{"te", "trailers"}, {"content-type", "application/grpc"}});
  until([&] { return responder.has_value(); });
  responder->answer({200, {{"grpc-status", "12"}}, ""});
  until_closed(a);
  EXPECT_EQ(a.headers.get("grpc-status"), "12");
  EXPECT_EQ(a.headers.get("content-length"), "");
  EXPECT_EQ(a.body, "");
  EXPECT_EQ(a.error, http::H2Error::kNone);
}

TEST_F(H2Instance, ACancelledStreamIsCancelledThere) {
  streams = true;
  const auto c = h2();
  Answer& a = open_post(*c);
  until([&] { return responder.has_value(); });
  bool gone = false;
  responder->when_gone([&] { gone = true; });
  c->session.reset(a.id, http::H2Error::kCancel);
  c->flush();
  until([&] { return gone; });
  EXPECT_EQ(server->connections(), 1u) << "the connection serves others";
  EXPECT_EQ(slots.held, 0);
}

TEST_F(H2Instance, AConnectionThatBreaksIsExplained) {
  streams = true;
  const auto c = h2();
  Answer& a = open_post(*c);
  until([&] { return responder.has_value(); });
  server.reset();
  until([&] { return slots.explained == 1; });
  slots.explaining[0]->on_refused(
      {serving::Refusal::Reason::kInstanceDied, 503, "The instance crashed."});
  until_closed(a);
  EXPECT_EQ(a.status, 503);
}

TEST_F(H2Instance, ASlowReaderSlowsTheInstance) {
  streams = true;
  const auto c = h2();
  c->reads = false;
  Answer& a = get(*c, "/");
  until([&] { return responder.has_value(); });
  responder->start({});
  const std::string piece(100'000, 'y');
  size_t sent = 0;
  while (sent < 50'000'000) {
    const auto flow = responder->write(piece);
    sent += piece.size();
    if (flow == http::Responder::Flow::kGoOn) continue;
    const size_t before = sent;
    bool writable = false;
    responder->when_writable([&] { writable = true; });
    turns(20);
    if (!writable && before == sent) break;
  }
  EXPECT_LT(sent, 5'000'000u) << "what nobody reads stays with the instance";
  c->reads = true;
  c->session.consume(a.id, a.body.size());
  c->flush();
  responder->end();
  until_closed(a);
  EXPECT_EQ(a.body.size(), sent);
}

TEST_F(H2Instance, EndToEndHttp2HasNoLimitOfSize) {
  streams = true;
  const auto c = h2();
  Answer& a = open_post(*c, {{"content-length", "40000000"}});
  until([&] { return responder.has_value(); });
  pull();
  c->send(a, std::string(40'000'000, 'x'));
  c->finish(a);
  until([&] { return got == http::BodyStream::Got::kEnd; });
  EXPECT_EQ(text.size(), 40'000'000u);
  responder->answer(http::Response::text(200, "large"));
  until_closed(a);
  EXPECT_EQ(a.body, "large");
}

TEST_F(H2Gateway, TrailersOfAnHttp1InstanceReachWhoWantsThem) {
  instance.answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n";
  const auto c = h2();
  auto wants = fields("GET", "/");
  wants.push_back({"te", "trailers"});
  Answer& a = c->request(wants, End::kYes);
  until_closed(a);
  EXPECT_EQ(a.trailers.get("x-sum"), "1");
  Answer& other = get(*c, "/");
  until_closed(other);
  EXPECT_EQ(other.body, "ok");
  const auto client =
      open("GET /x HTTP/1.1\r\nHost: demo.localhost\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
  until_ends_with(client, "0\r\nX-Sum: 1\r\n\r\n");
  const auto plain = open(kGet);
  until_ends_with(plain, "0\r\n\r\n");
}

}  // namespace
}  // namespace thaw::gateway
