#include "probes/grpc_question.h"

#include <gtest/gtest.h>

#include "http/h2_testing.h"
#include "rpc/wire.h"

namespace thaw::probes {
namespace {

constexpr Instant kNow{};

/// A server of HTTP/2 that answers one call.
class Server final : public http::H2Events, public http::H2StreamEvents {
 public:
  http::H2StreamEvents* on_request(int32_t stream, const http::RequestHead& head) override {
    id = stream;
    path = head.target;
    method = head.method;
    if (const auto* type = head.find("content-type")) content_type = type->value;
    return this;
  }
  http::H2StreamEvents* on_bad_request(int32_t, const http::HeadFault&) override { return nullptr; }
  void on_content(std::string_view content) override { body += content; }
  void on_end(http::Headers) override {
    if (broken) return session.reset(id, http::H2Error::kInternal);
    std::vector<http::H2Field> fields{{":status", status}, {"content-type", "application/grpc"}};
    if (!grpc_status_in_head.empty()) {
      fields.push_back({"grpc-status", grpc_status_in_head});
      return session.respond(id, fields, http::H2Session::End::kYes);
    }
    session.respond(id, fields, http::H2Session::End::kNo);
    session.send(id, answer);
    session.finish(id, {{"grpc-status", grpc_status}});
  }
  void on_sent() override {}
  void on_closed(http::H2Error) override {}

  std::string status = "200", grpc_status = "0", grpc_status_in_head, answer;
  bool broken = false;
  int32_t id = 0;
  std::string path, method, content_type, body;
  http::H2Session session{http::H2Session::Side::kServer, {}, *this, kNow};
};

std::string framed(std::string_view message) {
  std::string out;
  rpc::append_message(out, message);
  return out;
}

serving::Probe probe() {
  serving::Probe p;
  p.kind = serving::Probe::Kind::kGrpc;
  p.service = "models.Answers";
  return p;
}

/// What it makes of this server; nullopt: it waits for more.
std::optional<Verdict> ask(Server& server) {
  GrpcQuestion question(probe(), "127.0.0.1:8080", kNow);
  std::optional<Verdict> verdict;
  for (int turns = 0; turns < 10 && !verdict; ++turns) {
    std::string out;
    question.collect(out);
    server.session.receive(out, kNow);
    std::string back;
    server.session.collect(back, 1 << 20);
    if (!back.empty()) verdict = question.receive(back, kNow);
  }
  return verdict;
}

TEST(GrpcQuestion, AsksTheHealthServiceForTheServiceNamed) {
  Server server;
  server.answer = framed("\x08\x01");
  const auto verdict = ask(server);
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->passed()) << verdict->why;
  EXPECT_EQ(server.path, "/grpc.health.v1.Health/Check");
  EXPECT_EQ(server.method, "POST");
  EXPECT_EQ(server.content_type, "application/grpc");
  EXPECT_EQ(server.body, framed("\x0a\x0emodels.Answers"));
}

TEST(GrpcQuestion, OnlyServingPassesAndTheRestIsNamed) {
  struct Row {
    std::string answer;
    std::string why;
  };
  const Row rows[] = {
      {framed("\x08\x02"), "was answered with NOT_SERVING"},
      {framed("\x08\x03"), "was answered with SERVICE_UNKNOWN"},
      {framed(""), "was answered with UNKNOWN"},
      {framed("\x08\x7f"), "was answered with the unknown status 127"},
      {framed("\x08"), "was answered with a malformed message"},
      {std::string("\x01\0\0\0\x02\x08\x01", 7), "was answered with what is no message of gRPC"},
      {std::string("\0\xff\xff\xff\xff", 5), "was answered with what is no message of gRPC"},
      {"", "was answered without a message"},
      {framed("\x08\x01").substr(0, 6), "was answered without a message"},
  };
  for (const Row& row : rows) {
    Server server;
    server.answer = row.answer;
    const auto verdict = ask(server);
    ASSERT_TRUE(verdict) << row.why;
    EXPECT_EQ(verdict->why, "grpc.health.v1.Health/Check on port 8080 " + row.why);
  }
}

TEST(GrpcQuestion, AStatusOtherThanOkFails) {
  Server unimplemented;
  unimplemented.grpc_status_in_head = "12";
  EXPECT_EQ(ask(unimplemented)->why,
            "grpc.health.v1.Health/Check on port 8080 was answered with gRPC status 12, the server "
            "has no such method");
  Server late;
  late.answer = framed("\x08\x01");
  late.grpc_status = "14";
  EXPECT_EQ(ask(late)->why,
            "grpc.health.v1.Health/Check on port 8080 was answered with gRPC status 14");
  Server http;
  http.status = "404";
  EXPECT_EQ(ask(http)->why, "grpc.health.v1.Health/Check on port 8080 was answered with 404");
  Server broken;
  broken.broken = true;
  EXPECT_EQ(ask(broken)->why, "grpc.health.v1.Health/Check on port 8080 was broken off");
}

TEST(GrpcQuestion, AServerOfHttp1IsNoAnswer) {
  GrpcQuestion question(probe(), "127.0.0.1:8080", kNow);
  const auto verdict = question.receive("HTTP/1.1 400 Bad Request\r\n\r\n", kNow);
  ASSERT_TRUE(verdict);
  EXPECT_NE(verdict->why.find("not HTTP/2"), std::string::npos) << verdict->why;
}

}  // namespace
}  // namespace thaw::probes
