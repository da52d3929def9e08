#include "gateway/forwarding.h"

#include <gtest/gtest.h>

#include "gateway/route_table.h"

namespace thaw::gateway {
namespace {

Trace fixed_trace() { return continue_trace({}, {0x1111, 0x2222, 0xabc}); }

std::string forward(const std::string& request, std::string_view ip = "9.9.9.9") {
  http::RequestParser parser;
  EXPECT_EQ(parser.parse(request), http::ParseState::kDone) << parser.fault().reason;
  std::string out;
  append_request_head(out, parser.head(), {.peer_ip = ip, .trace = fixed_trace()});
  return out;
}

std::string answer(const std::string& response, const ResponseFacts& facts = {}) {
  http::ResponseParser parser;
  EXPECT_EQ(parser.parse(response, false), http::ParseState::kDone) << parser.fault().reason;
  std::string out;
  append_response_head(out, parser.head(), facts);
  return out;
}

TEST(Forwarding, AddsTheHeadersOfTheContract) {
  EXPECT_EQ(forward("GET /a?b HTTP/1.1\r\nHost: demo.localhost\r\nAccept: */*\r\n\r\n"),
            "GET /a?b HTTP/1.1\r\nHost: demo.localhost\r\nAccept: */*\r\n"
            "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: http\r\n"
            "Forwarded: for=9.9.9.9;proto=http\r\n"
            "X-Cloud-Trace-Context: 00000000000011110000000000002223/2748;o=1\r\n"
            "traceparent: 00-00000000000011110000000000002223-0000000000000abc-01\r\n\r\n");
}

TEST(Forwarding, TheFirstClientStaysFirst) {
  const std::string out = forward(
      "GET / HTTP/1.1\r\nHost: d\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-for: 2.2.2.2\r\n"
      "X-Forwarded-Proto: gopher\r\nForwarded: for=1.1.1.1\r\n\r\n",
      "::1");
  EXPECT_NE(out.find("X-Forwarded-For: 1.1.1.1, 2.2.2.2, ::1\r\n"), std::string::npos) << out;
  EXPECT_NE(out.find("Forwarded: for=1.1.1.1, for=\"[::1]\";proto=http\r\n"), std::string::npos);
  EXPECT_EQ(out.find("gopher"), std::string::npos);
}

TEST(Forwarding, HopByHopHeadersEndHere) {
  const std::string out = forward(
      "POST / HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\n"
      "Connection: close, X-Mine, Host, Content-Length\r\nX-Mine: 1\r\nKeep-Alive: 5\r\nTE: "
      "trailers\r\n"
      "Proxy-Authorization: secret\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nTrailer: T\r\n"
      "X-Google-Internal: 1\r\nX-Googleish: stays\r\nExpect: 100-continue\r\n\r\n");
  for (const char* gone : {"X-Mine", "Keep-Alive", "TE:", "Proxy-", "Upgrade", "Trailer",
                           "X-Google-", "Expect", "Connection"}) {
    EXPECT_EQ(out.find(gone), std::string::npos) << gone << " in " << out;
  }
  EXPECT_NE(out.find("Host: d\r\n"), std::string::npos);
  EXPECT_NE(out.find("Content-Length: 1\r\n"), std::string::npos);
  EXPECT_NE(out.find("X-Googleish: stays\r\n"), std::string::npos);
}

TEST(Forwarding, OnlyWebSocketsMayUpgrade) {
  const std::string get = "GET / HTTP/1.1\r\nHost: d\r\nConnection: Upgrade, HTTP2-Settings\r\n";
  EXPECT_EQ(forward(get + "Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n").find("pgrade"),
            std::string::npos);
  EXPECT_NE(forward(get + "Upgrade: WebSocket\r\n\r\n")
                .find("Upgrade: websocket\r\nConnection: Upgrade\r\n"),
            std::string::npos);
}

TEST(Forwarding, AnAbsoluteTargetBecomesAPathAndItsHostCounts) {
  EXPECT_TRUE(forward("GET http://demo.localhost/p?q HTTP/1.1\r\nHost: liar\r\n\r\n")
                  .starts_with("GET /p?q HTTP/1.1\r\nHost: demo.localhost\r\n"));
  EXPECT_TRUE(forward("GET http://demo.localhost?q HTTP/1.1\r\nHost: liar\r\n\r\n")
                  .starts_with("GET /?q HTTP/1.1\r\n"));
  EXPECT_TRUE(forward("OPTIONS * HTTP/1.1\r\nHost: d\r\n\r\n").starts_with("OPTIONS * HTTP/1.1"));
}

TEST(Forwarding, ACookieMakesTheAnswerPrivate) {
  const std::string out = answer(
      "HTTP/1.1 200 Fine\r\nCache-Control: public\r\nSet-Cookie: a=b\r\nConnection: x-hop\r\n"
      "X-Hop: 1\r\nKeep-Alive: 1\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(out,
            "HTTP/1.1 200 Fine\r\nSet-Cookie: a=b\r\nContent-Length: 3\r\n"
            "Cache-Control: private\r\n\r\n");
}

TEST(Forwarding, TheConnectionIsSaidForTheClientsVersion) {
  const std::string plain = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(answer(plain, {.client_minor_version = 0}),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(answer(plain, {.connection = Connection::kClose}),
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(Trace, ContinuesWhatTheCallerBegan) {
  const std::array<uint64_t, 3> random{1, 2, 3};
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  Trace trace = continue_trace({.traceparent = "00-" + id + "-b7ad6b7169203331-00"}, random);
  EXPECT_EQ(trace.id(), id);
  EXPECT_FALSE(trace.sampled);
  EXPECT_EQ(trace.parent, 0xb7ad6b7169203331u);
  const std::string cloud = "0AF7651916CD43DD8448EB211C80319C/123;o=1";
  trace = continue_trace({.cloud_context = cloud}, random);
  EXPECT_EQ(trace.id(), id);
  EXPECT_EQ(trace.span, 3u);
}

TEST(Trace, BeginsANewOneInsteadOfContinuingNonsense) {
  const std::string zero(32, '0');
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  for (const std::string& parent :
       {std::string("x"), "00-" + zero + "-b7ad6b7169203331-01",
        "00-" + id + "-0000000000000000-01", "ff-" + id + "-b7ad6b7169203331-01",
        "00-" + id + "-b7ad6b7169203331-01-x", "00-" + id + "-B7AD6B7169203331-01"}) {
    const Trace trace =
        continue_trace({.traceparent = parent, .cloud_context = "short/1"}, {1, 2, 3});
    EXPECT_EQ(trace.id(), "00000000000000010000000000000003") << parent;
  }
}

TEST(RouteTable, NamesAreComparedWithoutCasePortAndDot) {
  const RouteTable table("localhost",
                         {{ServiceId("demo"), "", {}}, {ServiceId("demo"), "blue", {}}});
  for (const char* host :
       {"demo.localhost", "DEMO.LocalHost:8080", "demo.localhost.", "demo.localhost.:80"}) {
    ASSERT_NE(table.find(host), nullptr) << host;
    EXPECT_EQ(table.find(host)->tag, "");
  }
  EXPECT_EQ(table.find("blue---demo.localhost")->tag, "blue");
  for (const char* host : {"", "localhost", "demo", "x.demo.localhost", "red---demo.localhost",
                           "[::1]:80", ":", "demo.localhost.."}) {
    EXPECT_EQ(table.find(host), nullptr) << host;
  }
  EXPECT_EQ(table.names(10), std::vector<std::string>{"demo.localhost"});
}

TEST(RouteTable, OneServiceChangesWithoutTheOthers) {
  RouteTable table("localhost", {{ServiceId("demo"), "", {}}, {ServiceId("demo"), "blue", {}}});
  const auto held = table.find("demo.localhost");
  table.set(ServiceId("other"), {{ServiceId("other"), "", {}}});
  table.set(ServiceId("demo"), {{ServiceId("demo"), "", {{RevisionId("demo-2")}}}});
  EXPECT_EQ(table.find("blue---demo.localhost"), nullptr);
  EXPECT_EQ(table.find("demo.localhost")->targets.size(), 1u);
  EXPECT_TRUE(held->targets.empty()) << "a request keeps what it found";
  EXPECT_NE(table.find("other.localhost"), nullptr);
  table.set(ServiceId("demo"), {});
  EXPECT_EQ(table.names(10), std::vector<std::string>{"other.localhost"});
}

TEST(RouteTable, ADomainMovesFromServiceToService) {
  const auto with = [](const char* service, std::vector<Domain> domains) {
    return std::vector<Route>{{.service = ServiceId(service), .domains = std::move(domains)}};
  };
  RouteTable table("localhost", with("b", {{"api.example.org", 0}}));
  // The one that gets it is told first.
  table.set(ServiceId("a"), with("a", {{"api.example.org", 0}}));
  table.set(ServiceId("b"), with("b", {}));
  EXPECT_EQ(table.find("api.example.org")->service, ServiceId("a"));
}

TEST(RouteTable, SharesAreKeptInTheMean) {
  const Route route{
      ServiceId("demo"), "", {{RevisionId("a"), 90}, {RevisionId("b"), 10}, {RevisionId("c"), 0}}};
  int a = 0, b = 0;
  for (uint64_t random = 0; random < 1000; ++random) {
    const std::string& name = route.choose(random)->revision.str();
    (name == "a" ? a : b) += 1;
    EXPECT_NE(name, "c");
  }
  EXPECT_EQ(a, 900);
  EXPECT_EQ(b, 100);
}

TEST(Trace, IsSampledAsOpenTelemetrysSamplersSay) {
  using Root = Sampler::Root;
  const std::string low = "ffffffffffffffff8000000000000001";  // 63 bits count
  const std::string high = "00000000000000007fffffffffffffff";
  const auto sampled = [](const std::string& id, std::string_view flags, const Sampler& sampler) {
    const std::string parent = "00-" + id + "-00f067aa0ba902b7-" + std::string(flags);
    return continue_trace({.traceparent = parent}, {1, 2, 3}, sampler).sampled;
  };
  EXPECT_TRUE(sampled(high, "01", {.root = Root::kOff}));
  EXPECT_FALSE(sampled(high, "00", {.root = Root::kOn}));
  EXPECT_TRUE(sampled(high, "00", {.root = Root::kOn, .follows_parent = false}));
  EXPECT_FALSE(sampled(high, "01", {.root = Root::kOff, .follows_parent = false}));
  const Sampler half{.root = Root::kRatio, .ratio = 0.5, .follows_parent = false};
  EXPECT_TRUE(sampled(low, "00", half));
  EXPECT_FALSE(sampled(high, "01", half));
  EXPECT_FALSE(continue_trace({}, {1, 2, 3}, {.root = Root::kOff}).sampled);
  const Sampler none{.root = Root::kRatio, .ratio = 0};
  EXPECT_FALSE(continue_trace({}, {1, 0, 3}, none).sampled);
}

TEST(Trace, TheCallersSpanIsTheParent) {
  const std::string id = "0af7651916cd43dd8448eb211c80319c";
  const auto parent_of = [&](const std::string& context) {
    return continue_trace({.cloud_context = context}, {1, 2, 3}).parent;
  };
  EXPECT_EQ(parent_of(id + "/123;o=1"), 123u);
  EXPECT_EQ(parent_of(id + "/18446744073709551615"), ~uint64_t{0});
  for (const char* none : {"", "/", "/x", "/99999999999999999999999", ";o=1"}) {
    EXPECT_EQ(parent_of(id + none), 0u) << none;
  }
}

}  // namespace
}  // namespace thaw::gateway
