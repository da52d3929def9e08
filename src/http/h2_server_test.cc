#include <gtest/gtest.h>

#include <optional>

#include "base/base64.h"
#include "http/h2_testing.h"
#include "http/server.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"

namespace thaw::http {
namespace {

using io_linux::run_until;
using Answer = H2TestClient::Answer;

/// A server that answers what it is asked, or streams below /stream as the test says.
class H2Server : public testing::Test {
 protected:
  void serve(Server::Options options = {}) {
    server = std::make_unique<Server>(net, loop, options, [this](Request r, Responder responder) {
      ++handled;
      handler(std::move(r), std::move(responder));
    });
    server->stream_bodies([](const Request& head) { return head.path == "/stream"; },
                          [this](Request, BodyStream b, Responder r) {
                            bodies.push_back(std::move(b));
                            responders.push_back(std::move(r));
                          });
    address = *server->listen({"127.0.0.1", 0});
  }
  std::unique_ptr<io::Stream> connect() {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    run_until(loop, [&] { return stream != nullptr; });
    return stream;
  }
  std::unique_ptr<H2TestClient> client() { return std::make_unique<H2TestClient>(loop, connect()); }
  void until(const std::function<bool()>& done) { run_until(loop, done); }
  void turns(int n = 5) {
    for (int i = 0; i < n; ++i) loop.turn(milliseconds(1));
  }
  void pull(size_t i) {
    bodies[i].next([this, i](BodyStream::Got g, std::string content) {
      text += content;
      got = g;
      if (g == BodyStream::Got::kContent && pulls_all) pull(i);
    });
  }

  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  Server::Handler handler = [](Request r, Responder responder) {
    responder.answer(Response::text(200, r.method + " " + r.target + " " + r.body));
  };
  int handled = 0;
  std::vector<BodyStream> bodies;
  std::vector<Responder> responders;
  std::string text;
  std::optional<BodyStream::Got> got;
  bool pulls_all = true;
  io::SocketAddress address;
  std::unique_ptr<Server> server;
};

TEST_F(H2Server, SpeaksOnTheSamePort) {
  Request seen;
  handler = [&](Request r, Responder responder) {
    seen = r;
    responder.answer(Response::text(200, "hello"));
  };
  serve();
  const auto c = client();
  Answer& a = c->get("/b/my%2Fname?alt=json&q=a%20b");
  until([&] { return a.closed; });
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "hello");
  EXPECT_EQ(a.headers.get("content-length"), "5");
  EXPECT_NE(a.headers.get("date"), "");
  EXPECT_EQ(a.error, H2Error::kNone);
  EXPECT_EQ(seen.path, "/b/my%2Fname");
  EXPECT_EQ(seen.host, "x");
  EXPECT_EQ(seen.query, (Query{{"alt", "json"}, {"q", "a b"}}));
}

TEST_F(H2Server, RequestsDoNotWaitForEachOther) {
  std::vector<Responder> waiting;
  handler = [&](Request, Responder r) { waiting.push_back(std::move(r)); };
  serve();
  const auto c = client();
  Answer& first = c->get("/1");
  Answer& second = c->get("/2");
  until([&] { return waiting.size() == 2; });
  waiting[1].answer(Response::text(200, "two"));
  until([&] { return second.closed; });
  EXPECT_FALSE(first.ended);
  waiting[0].answer(Response::text(200, "one"));
  until([&] { return first.closed; });
  EXPECT_EQ(first.body + second.body, "onetwo");
}

TEST_F(H2Server, BodiesComeWholeUpToTheLimit) {
  serve({.max_body = {100'000}});
  const auto c = client();
  Answer& fits = c->open("/a");
  c->send(fits, std::string(100'000, 'x'));
  c->finish(fits);
  until([&] { return fits.closed; });
  EXPECT_EQ(fits.body, "POST /a " + std::string(100'000, 'x'));
  Answer& over = c->open("/a");
  c->send(over, std::string(100'001, 'x'));
  until([&] { return over.closed; });
  EXPECT_EQ(over.status, 413);
  EXPECT_EQ(over.error, H2Error::kNone) << "an early answer is no fault";
  Answer& announced = c->request({{":method", "PUT"},
                                  {":scheme", "http"},
                                  {":path", "/"},
                                  {":authority", "x"},
                                  {"content-length", "100001"}},
                                 H2Session::End::kNo);
  until([&] { return announced.closed; });
  EXPECT_EQ(announced.status, 413);
  EXPECT_EQ(handled, 1);
}

TEST_F(H2Server, BothDirectionsStreamAtOnceWithTrailers) {
  serve();
  const auto c = client();
  Answer& a = c->open("/stream");
  until([&] { return responders.size() == 1; });
  responders[0].start({200, {{"content-type", "application/grpc"}}, ""});
  until([&] { return a.status == 200; });
  pull(0);
  for (const std::string_view word : {"one", "two"}) {
    c->send(a, word);
    until([&] { return text.ends_with(word); });
    EXPECT_EQ(responders[0].write(word), Responder::Flow::kGoOn);
    until([&] { return a.body.ends_with(word); });
  }
  c->finish(a, {{"x-sum", "2"}, {"host", "y"}});
  until([&] { return got == BodyStream::Got::kEnd; });
  EXPECT_EQ(bodies[0].trailers().get("x-sum"), "2");
  EXPECT_EQ(bodies[0].trailers().size(), 1u);
  responders[0].end({{"Grpc-Status", "0"}, {"grpc-message", "fine"}});
  until([&] { return a.closed; });
  EXPECT_EQ(a.trailers.get("grpc-status"), "0");
  EXPECT_EQ(a.trailers.get("grpc-message"), "fine");
  EXPECT_EQ(a.error, H2Error::kNone);
}

TEST_F(H2Server, AnAnswerMayEndBeforeItsRequest) {
  serve();
  const auto c = client();
  Answer& a = c->open("/stream");
  until([&] { return responders.size() == 1; });
  responders[0].answer(Response::text(412, "no"));
  until([&] { return a.closed; });
  EXPECT_EQ(a.status, 412);
  EXPECT_EQ(a.body, "no");
  EXPECT_EQ(a.error, H2Error::kNone);
  Answer& next = c->get("/next");
  until([&] { return next.closed; });
  EXPECT_EQ(next.status, 200) << "the connection goes on";
}

TEST_F(H2Server, AStreamThatNobodyReadsStopsItsClientAlone) {
  serve();
  const auto c = client();
  std::vector<Answer*> stuck;
  for (int i = 0; i < 30; ++i) {
    stuck.push_back(&c->open("/stream"));
    c->send(*stuck.back(), std::string(1 << 20, 'x'));
  }
  until([&] { return responders.size() == 30; });
  turns(20);
  EXPECT_EQ(c->session.unsent(stuck[0]->id), (1u << 20) - (64 << 10)) << "one window is taken";
  Answer& other = c->open("/other");
  c->send(other, std::string(300'000, 'y'));
  c->finish(other);
  until([&] { return other.closed; });
  EXPECT_EQ(other.body.size(), 300'000u + 12);
  pull(0);
  until([&] { return text.size() == 1u << 20; });
}

TEST_F(H2Server, AStreamedAnswerWaitsForASlowClient) {
  serve();
  const auto c = client();
  c->reads = false;
  Answer& a = c->get("/stream");
  until([&] { return responders.size() == 1; });
  responders[0].start({});
  const std::string piece(50'000, 'y');
  size_t sent = piece.size();
  while (responders[0].write(piece) == Responder::Flow::kGoOn) sent += piece.size();
  bool writable = false;
  responders[0].when_writable([&] { writable = true; });
  turns();
  EXPECT_FALSE(writable);
  EXPECT_LE(a.body.size(), 65'536u);
  c->reads = true;
  c->session.consume(a.id, a.body.size());
  c->flush();
  until([&] { return writable; });
  responders[0].end();
  until([&] { return a.closed; });
  EXPECT_EQ(a.body.size(), sent);
}

TEST_F(H2Server, WhoGivesUpIsHeardOfOnBothSides) {
  serve();
  const auto c = client();
  Answer& dropped = c->get("/stream");
  Answer& half = c->get("/stream");
  Answer& cancelled = c->open("/stream");
  until([&] { return responders.size() == 3; });
  bool gone = false;
  responders[2].when_gone([&] { gone = true; });
  pull(2);
  c->session.reset(cancelled.id, H2Error::kCancel);
  c->flush();
  until([&] { return gone && got == BodyStream::Got::kBroken; });
  EXPECT_TRUE(responders[2].is_gone());
  responders[1].start({});
  responders[1].write("half");
  responders.clear();
  until([&] { return dropped.closed && half.closed; });
  EXPECT_EQ(dropped.status, 500);
  EXPECT_EQ(half.body, "half");
  EXPECT_EQ(half.error, H2Error::kInternal) << "the client sees that it is not whole";
  EXPECT_FALSE(half.ended);
  Answer& next = c->get("/next");
  until([&] { return next.closed; });
  EXPECT_EQ(next.status, 200);
}

TEST_F(H2Server, AClientThatVanishesIsHeardOf) {
  serve();
  auto c = client();
  c->open("/stream");
  until([&] { return responders.size() == 1; });
  bool gone = false;
  responders[0].when_gone([&] { gone = true; });
  pull(0);
  c.reset();
  until([&] { return gone && got == BodyStream::Got::kBroken; });
  EXPECT_EQ(server->connections(), 0u);
  responders[0].answer(Response::text(200, "to nobody"));
}

TEST_F(H2Server, ARespondersServerMayGoFirst) {
  serve();
  const auto c = client();
  c->get("/stream");
  until([&] { return responders.size() == 1; });
  server.reset();
  EXPECT_TRUE(responders[0].is_gone());
  responders[0].answer(Response::text(200, "late"));
  pull(0);
  until([&] { return got == BodyStream::Got::kBroken && c->ended; });
}

TEST_F(H2Server, HeadHasTheLengthButNoBody) {
  serve();
  const auto c = client();
  Answer& a = c->get("/", "HEAD");
  until([&] { return a.closed; });
  EXPECT_EQ(a.headers.get("content-length"), "7");
  EXPECT_EQ(a.body, "");
  Answer& streamed = c->get("/stream", "HEAD");
  until([&] { return responders.size() == 1; });
  responders[0].start({});
  responders[0].write("nothing of this");
  responders[0].end();
  until([&] { return streamed.closed; });
  EXPECT_EQ(streamed.body, "");
}

TEST_F(H2Server, CookiesAndHostReadAsInHttp1) {
  Request seen;
  handler = [&](Request r, Responder responder) {
    seen = std::move(r);
    responder.answer({204, {}, ""});
  };
  serve();
  const auto c = client();
  Answer& a = c->request({{":method", "GET"},
                          {":scheme", "http"},
                          {":path", "/"},
                          {"host", "api:80"},
                          {"cookie", "a=1"},
                          {"x", "y"},
                          {"cookie", "b=2"}},
                         H2Session::End::kYes);
  until([&] { return a.closed; });
  EXPECT_EQ(a.status, 204);
  EXPECT_EQ(seen.host, "api:80");
  EXPECT_EQ(seen.headers.get("cookie"), "a=1; b=2");
  EXPECT_EQ(seen.headers.size(), 3u);
}

TEST_F(H2Server, BadHeadsAreAnsweredBeforeTheHandler) {
  serve({.head = {.bytes = 2000, .headers = 5, .target = 100}});
  const auto c = client();
  const auto status = [&](std::string_view path, std::vector<H2Field> more) {
    std::vector<H2Field> fields{
        {":method", "GET"}, {":scheme", "http"}, {":path", path}, {":authority", "x"}};
    fields.insert(fields.end(), more.begin(), more.end());
    Answer& a = c->request(fields, H2Session::End::kYes);
    until([&] { return a.closed; });
    return a.status;
  };
  const std::string big(1500, 'b');
  EXPECT_EQ(status("/", {{"a", big}}), 200);
  EXPECT_EQ(status("/", {{"a", big}, {"b", big}}), 431);
  EXPECT_EQ(status("/", {{"a", ""}, {"b", ""}, {"c", ""}, {"d", ""}, {"e", ""}, {"f", ""}}), 431);
  EXPECT_EQ(status("/" + std::string(200, 'a'), {}), 414);
  EXPECT_EQ(status("/", {{"host", "y"}}), 400);
  EXPECT_EQ(status("/", {{"expect", "miracles"}}), 417);
  EXPECT_EQ(status("/", {{"content-length", "5"}}), 0) << "the stream is malformed: reset";
  EXPECT_EQ(handled, 1);
}

TEST_F(H2Server, ContinueIsSaidWhenTheBodyIsWanted) {
  serve();
  const auto raw = std::make_unique<io_linux::Collector>(connect());
  const std::string head = h2_get("/stream", "POST") + h2_literal("expect", "100-continue");
  io_linux::write_text(*raw->stream, h2_hello() + h2_frame(H2Type::kHeaders, kEndHeaders, 1, head));
  const auto heads = [&] {
    int count = 0;
    for (const H2Frame& f : h2_frames(raw->text)) count += f.type == H2Type::kHeaders;
    return count;
  };
  until([&] { return responders.size() == 1; });
  turns();
  EXPECT_EQ(heads(), 0);
  pull(0);
  until([&] { return heads() == 1; });
}

TEST_F(H2Server, AnHttp1RequestMayUpgrade) {
  serve();
  const auto raw = std::make_unique<io_linux::Collector>(connect());
  io_linux::write_text(*raw->stream,
                       "GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                       "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n");
  constexpr std::string_view kSwitch =
      "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n";
  const auto frames = [&] {
    return raw->text.size() < kSwitch.size() ? std::vector<H2Frame>{}
                                             : h2_frames(raw->text.substr(kSwitch.size()));
  };
  until([&] { return !frames().empty() && frames().back().type == H2Type::kData; });
  EXPECT_TRUE(raw->text.starts_with(kSwitch));
  EXPECT_EQ(frames()[0].type, H2Type::kSettings);
  EXPECT_EQ(frames().back().payload, "GET /up ");
  EXPECT_EQ(frames().back().stream, 1u);
  io_linux::write_text(
      *raw->stream,
      h2_hello() + h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream, 3, h2_get("/more")));
  until([&] { return frames().back().payload == "GET /more "; });
}

TEST_F(H2Server, UpgradesThatAreNoneStayHttp1) {
  serve();
  for (const std::string_view head :
       {"GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
        "POST /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nContent-Length: 1\r\n\r\nx",
        "GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"}) {
    const auto raw = std::make_unique<io_linux::Collector>(connect());
    io_linux::write_text(*raw->stream, head);
    until([&] { return raw->text.find("/up ") != std::string::npos; });
    EXPECT_TRUE(raw->text.starts_with("HTTP/1.1 200")) << raw->text;
  }
  const auto raw = std::make_unique<io_linux::Collector>(connect());
  io_linux::write_text(*raw->stream,
                       "GET /up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                       "Upgrade: h2c\r\nHTTP2-Settings: ?\r\n\r\n");
  until([&] { return raw->ended; });
  EXPECT_TRUE(raw->text.starts_with("HTTP/1.1 400")) << raw->text;
}

TEST_F(H2Server, DrainFinishesWhatRunsAndTakesNoMore) {
  serve();
  const auto idle = client();
  Answer& before = idle->get("/");
  const auto busy = client();
  Answer& running = busy->open("/stream");
  until([&] { return responders.size() == 1 && before.closed; });
  bool drained = false;
  server->drain([&] { drained = true; });
  until([&] { return idle->ended && busy->goaways > 0; });
  EXPECT_FALSE(drained);
  EXPECT_FALSE(busy->session.takes_requests());
  pull(0);
  busy->send(running, "rest");
  busy->finish(running);
  until([&] { return got == BodyStream::Got::kEnd; });
  EXPECT_EQ(text, "rest");
  responders[0].answer(Response::text(200, "last"));
  until([&] { return drained; });
  EXPECT_EQ(running.body, "last");
}

TEST_F(H2Server, APrefaceMayComeInPieces) {
  serve();
  const auto raw = std::make_unique<io_linux::Collector>(connect());
  const std::string all =
      h2_hello() + h2_frame(H2Type::kHeaders, kEndHeaders | kEndStream, 1, h2_get("/pieces"));
  for (const char c : all) {
    io_linux::write_text(*raw->stream, {&c, 1});
    turns(1);
  }
  until([&] { return raw->text.find("GET /pieces ") != std::string::npos; });
}

TEST_F(H2Server, APrefaceBehindARequestIsNoRequest) {
  serve();
  const auto raw = std::make_unique<io_linux::Collector>(connect());
  io_linux::write_text(*raw->stream, "GET / HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(kH2Preface));
  until([&] { return raw->ended; });
  EXPECT_EQ(handled, 1);
}

}  // namespace
}  // namespace thaw::http
