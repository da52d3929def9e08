#include "rpc/router.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "http/h2_testing.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "rpc/message.h"

namespace thaw::rpc {
namespace {

using Answer = http::H2TestClient::Answer;
using http::H2Session;

std::string framed(std::string_view message) {
  std::string out;
  append_message(out, message);
  return out;
}

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    server.stream_bodies([this](const http::Request& head) { return router.takes(head); },
                         [this](auto head, auto body, auto responder) {
                           router.handle(std::move(head), std::move(body), std::move(responder));
                         });
    const auto address = *server.listen({"127.0.0.1", 0});
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net.connect(address, [&](auto s) { stream = *std::move(s); });
    until([&] { return stream != nullptr; });
    client = std::make_unique<http::H2TestClient>(loop, std::move(stream));
    router.add_unary("/t.Echo/Unary", [](Unary call) { call.answer("<" + call.message() + ">"); });
    router.add("/t.Echo/Stream", [this](Call c) { call.emplace(std::move(c)); });
  }
  void until(const std::function<bool()>& done) { io_linux::run_until(loop, done); }

  Answer& open(std::string_view path, std::vector<http::H2Field> more = {},
               std::string_view type = "application/grpc") {
    std::vector<http::H2Field> fields{{":method", "POST"},    {":scheme", "http"},
                                      {":path", path},        {":authority", "x"},
                                      {"content-type", type}, {"te", "trailers"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return client->request(fields, H2Session::End::kNo);
  }
  /// Sends one message and waits for the end.
  Answer& ask(std::string_view path, std::string_view bytes, std::vector<http::H2Field> more = {}) {
    Answer& answer = open(path, std::move(more));
    client->send(answer, bytes);
    client->finish(answer);
    until([&] { return answer.closed; });
    return answer;
  }
  /// Trailers-Only puts it into the head.
  static std::string status(const Answer& a) {
    return std::string(a.trailers.get("grpc-status")) + std::string(a.headers.get("grpc-status"));
  }
  void read() {
    call->next([this](Call::Got got, std::string message) { seen.emplace_back(got, message); });
  }
  /// Asks for the next message and waits for it.
  std::string read_one() {
    const size_t before = seen.size();
    read();
    until([&] { return seen.size() > before; });
    return seen.back().first == Call::Got::kMessage ? seen.back().second
           : seen.back().first == Call::Got::kEnd   ? "(end)"
                                                    : "(gone)";
  }

  io_linux::EpollLoop loop;
  io_linux::TcpNet net{loop};
  http::Server server{net, loop, {}, [](http::Request, http::Responder r) {
                        r.answer(http::Response::text(200, "not gRPC"));
                      }};
  Router router{loop, {.max_message = kib(100), .max_metadata = kib(2)}};
  std::unique_ptr<http::H2TestClient> client;
  std::optional<Call> call;
  std::vector<std::pair<Call::Got, std::string>> seen;
};

TEST_F(RouterTest, AUnaryCallHasOneMessageEachWayAndAStatus) {
  const Answer& a = ask("/t.Echo/Unary", framed("hi"));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.headers.get("content-type"), "application/grpc");
  EXPECT_EQ(a.body, framed("<hi>"));
  EXPECT_EQ(a.trailers.get("grpc-status"), "0");
}

TEST_F(RouterTest, AUnaryCallTakesExactlyOneMessage) {
  EXPECT_EQ(status(ask("/t.Echo/Unary", "")), "13");
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed("a") + framed("b"))), "13");
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed("cut").substr(0, 6))), "13");
}

TEST_F(RouterTest, ErrorsAreAStatusWithoutMessages) {
  router.add_unary("/t.Echo/Fail", [](Unary c) {
    c.answer(Error(Code::kNotFound, "no topic 'é'"), {{"grpc-status-details-bin", "AAEC"}});
  });
  const Answer& a = ask("/t.Echo/Fail", framed(""));
  EXPECT_EQ(a.status, 200);
  EXPECT_EQ(a.body, "");
  EXPECT_EQ(a.headers.get("grpc-status"), "5") << "one head with all, no trailers";
  EXPECT_EQ(a.headers.get("grpc-message"), "no topic '%C3%A9'");
  EXPECT_EQ(a.headers.get("grpc-status-details-bin"), "AAEC");
}

TEST_F(RouterTest, WhatTheProtocolRefusesIsToldInItsWords) {
  EXPECT_EQ(status(ask("/t.Echo/Missing", framed(""))), "12");
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed(""), {{"grpc-encoding", "gzip"}})), "12");
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed(""), {{"grpc-encoding", "identity"}})), "0");
  EXPECT_EQ(status(ask("/t.Echo/Unary", std::string("\1\0\0\0\0", 5))), "13");
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed(std::string(101 << 10, 'x')))), "8");
  const std::string big(3000, 'm');
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed(""), {{"x-big", big}})), "8");
  EXPECT_EQ(status(ask("/t.Echo/Unary", framed(""), {{"grpc-timeout", "soon"}})), "13");
}

TEST_F(RouterTest, OnlyGrpcIsTaken) {
  Answer& other = open("/t.Echo/Unary", {}, "application/json");
  client->finish(other);
  until([&] { return other.closed; });
  EXPECT_EQ(other.body, "not gRPC");
  Answer& web = open("/t.Echo/Unary", {}, "application/grpc-web");
  client->finish(web);
  until([&] { return web.closed; });
  EXPECT_EQ(web.body, "not gRPC");
  Answer& proto = open("/t.Echo/Unary", {}, "application/grpc+proto");
  client->send(proto, framed("p"));
  client->finish(proto);
  until([&] { return proto.closed; });
  EXPECT_EQ(proto.body, framed("<p>"));
}

TEST_F(RouterTest, MessagesGoBothWaysInAnyOrder) {
  Answer& a = open("/t.Echo/Stream", {{"x-token", "t"}});
  until([&] { return call.has_value(); });
  EXPECT_EQ(call->method(), "/t.Echo/Stream");
  EXPECT_EQ(call->metadata().get("x-token"), "t");
  call->set_metadata({{"x-session", "7"}});
  call->send("before anything was read");
  until([&] { return a.body.size() > 5; });
  EXPECT_EQ(a.headers.get("x-session"), "7");
  client->send(a, framed("one") + framed("two"));
  EXPECT_EQ(read_one(), "one");
  EXPECT_EQ(read_one(), "two");
  call->send("reply");
  until([&] { return a.body.ends_with("reply"); });
  client->finish(a);
  EXPECT_EQ(read_one(), "(end)");
  call->send("last");
  call->finish({}, {{"x-count", "2"}});
  until([&] { return a.closed; });
  EXPECT_TRUE(a.body.ends_with("last"));
  EXPECT_EQ(a.trailers.get("grpc-status"), "0");
  EXPECT_EQ(a.trailers.get("x-count"), "2");
}

TEST_F(RouterTest, ACancelledCallIsHeardOf) {
  Answer& a = open("/t.Echo/Stream");
  until([&] { return call.has_value(); });
  bool gone = false;
  call->when_gone([&] { gone = true; });
  read();
  client->session.reset(a.id, http::H2Error::kCancel);
  client->flush();
  until([&] { return gone && !seen.empty(); });
  EXPECT_EQ(seen.back().first, Call::Got::kGone);
  EXPECT_TRUE(call->is_gone());
  EXPECT_EQ(call->send("to nobody"), Call::Flow::kGone);
  call->finish({});
}

TEST_F(RouterTest, ADeadlineEndsTheCall) {
  Answer& a = open("/t.Echo/Stream", {{"grpc-timeout", "20m"}});
  until([&] { return call.has_value(); });
  EXPECT_TRUE(call->deadline().has_value());
  bool gone = false;
  call->when_gone([&] { gone = true; });
  read();
  until([&] { return a.closed && gone && !seen.empty(); });
  EXPECT_EQ(status(a), "4");
  EXPECT_EQ(seen.back().first, Call::Got::kGone);
}

TEST_F(RouterTest, ADeadlineInAThousandYearsIsNone) {
  for (const char* timeout : {"99999999H", "2562047H", "99999999M"}) {
    EXPECT_EQ(status(ask("/t.Echo/Unary", framed("hi"), {{"grpc-timeout", timeout}})), "0");
  }
}

TEST_F(RouterTest, ADroppedCallIsAnError) {
  Answer& a = open("/t.Echo/Stream");
  until([&] { return call.has_value(); });
  call->send("half");
  call.reset();
  until([&] { return a.closed; });
  EXPECT_EQ(a.trailers.get("grpc-status"), "13");
}

TEST_F(RouterTest, ACallMayFinishInsideItsCallback) {
  Answer& a = open("/t.Echo/Stream");
  until([&] { return call.has_value(); });
  call->next([&](Call::Got, std::string message) {
    call->send(message);
    call->finish(Error(Code::kAborted, "enough"));
    call.reset();
  });
  client->send(a, framed("x") + framed("y"));
  until([&] { return a.closed; });
  EXPECT_EQ(a.trailers.get("grpc-status"), "10");
  EXPECT_EQ(a.trailers.get("grpc-message"), "enough");
}

TEST_F(RouterTest, AStreamThatNobodyTakesSaysWait) {
  client->reads = false;
  Answer& a = open("/t.Echo/Stream");
  until([&] { return call.has_value(); });
  const std::string message(50'000, 'm');
  while (call->send(message) == Call::Flow::kGoOn) {
  }
  bool writable = false;
  call->when_writable([&] { writable = true; });
  client->reads = true;
  client->session.consume(a.id, a.body.size());
  client->flush();
  until([&] { return writable; });
  call->finish({});
  until([&] { return a.closed; });
}

}  // namespace
}  // namespace thaw::rpc
