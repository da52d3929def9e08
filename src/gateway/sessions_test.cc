#include "gateway/sessions.h"

#include <gtest/gtest.h>

#include "gateway/gateway_testing.h"
#include "io_linux/kernel_entropy.h"

namespace thaw::gateway {
namespace {

std::string_view cookie_in(std::string_view lines, std::string_view name) {
  static std::string text;
  static http::RequestParser parser;
  text = "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(lines) + "\r\n";
  parser.reset();
  EXPECT_EQ(parser.parse(text), http::ParseState::kDone);
  return find_cookie(parser.head(), name);
}

TEST(Sessions, ACookieIsFoundAmongOthers) {
  EXPECT_EQ(cookie_in("Cookie: GAESA=a\r\n", "GAESA"), "a");
  EXPECT_EQ(cookie_in("Cookie: x=1; GAESA=b; y=2\r\n", "GAESA"), "b");
  EXPECT_EQ(cookie_in("Cookie: x=1\r\ncookie: GAESA=c;\r\n", "GAESA"), "c");
  EXPECT_EQ(cookie_in("Cookie: GAESA=a=b; GAESA=c\r\n", "GAESA"), "a=b");
  EXPECT_EQ(cookie_in("Cookie: XGAESA=1; gaesa=2; GAESA\r\n", "GAESA"), "");
  EXPECT_EQ(cookie_in("Cookie: ;;; =; GAESA=\r\n", "GAESA"), "");
  EXPECT_EQ(cookie_in("", "GAESA"), "");
}

class GatewaySessions : public GatewayTest {
 protected:
  GatewaySessions() : GatewayTest({.entropy = &entropy_}) {
    gateway->set_routes(RouteTable(
        "localhost",
        {{ServiceId("demo"),
          "",
          {{.revision = RevisionId("demo-1"), .percent = 50, .affinity = Affinity::kSession},
           {.revision = RevisionId("demo-2"), .percent = 50, .affinity = Affinity::kSession}}}}));
  }
  /// The answer's head; `cookie` is sent along.
  std::string ask(const std::string& cookie = "") {
    const std::string line = cookie.empty() ? "" : "Cookie: a=b; " + cookie + "\r\n";
    auto client = open("GET /x HTTP/1.1\r\nHost: demo.localhost\r\n" + line + "\r\n");
    until_ends_with(client, "ok");
    return client->text;
  }
  static std::string cookie_of(const std::string& answer) {
    const size_t at = answer.find("Set-Cookie: ");
    if (at == std::string::npos) return "";
    return answer.substr(at + 12, answer.find(';', at) - at - 12);
  }

  inline static io_linux::KernelEntropy entropy_;
};

TEST_F(GatewaySessions, AClientGetsACookieThatLeadsBackToItsInstanceAndRevision) {
  const std::string answer = ask();
  EXPECT_NE(answer.find("; Max-Age=2592000; Path=/; HttpOnly\r\n"), std::string::npos) << answer;
  EXPECT_NE(answer.find("Cache-Control: private\r\n"), std::string::npos) << answer;
  const std::string cookie = cookie_of(answer);
  ASSERT_EQ(cookie.size(), 6 + 32U);
  EXPECT_EQ(cookie.find("demo"), std::string::npos);
  const std::string revision = slots.revisions.back();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(cookie_of(ask(cookie)), "");
    EXPECT_EQ(slots.preferred.back(), slots.instance.str());
    EXPECT_EQ(slots.revisions.back(), revision);
  }
}

TEST_F(GatewaySessions, WhoGetsAnotherInstanceGetsItsCookie) {
  const std::string first = cookie_of(ask());
  slots.instance = InstanceId("demo-00001-abc-2");
  const std::string second = cookie_of(ask(first));
  EXPECT_EQ(slots.preferred.back(), "demo-00001-abc-1");
  EXPECT_EQ(second.size(), first.size());
  EXPECT_NE(second, first);
}

TEST_F(GatewaySessions, ACookieOfAnInstanceThatIsGoneOrOfNobodyIsWorthNothing) {
  const std::string cookie = cookie_of(ask());
  gateway->instance_gone(slots.instance);
  EXPECT_NE(cookie_of(ask(cookie)), "");
  EXPECT_EQ(slots.preferred.back(), "");
  for (const std::string& made : {std::string("GAESA=x"), "GAESA=" + std::string(32, '0'),
                                  "GAESA=" + std::string(5000, 'a')}) {
    ask(made);
    EXPECT_EQ(slots.preferred.back(), "") << made;
  }
}

TEST_F(GatewaySessions, ARevisionWithoutAShareLosesItsSessions) {
  const std::string cookie = cookie_of(ask());
  const std::string revision = slots.revisions.back();
  const std::string other = revision == "demo-1" ? "demo-2" : "demo-1";
  gateway->set_routes(RouteTable(
      "localhost",
      {{ServiceId("demo"),
        "",
        {{.revision = RevisionId(revision), .percent = 0, .affinity = Affinity::kSession},
         {.revision = RevisionId(other), .percent = 100, .affinity = Affinity::kSession}}}}));
  ask(cookie);
  EXPECT_EQ(slots.revisions.back(), other);
  EXPECT_EQ(slots.preferred.back(), "");
}

TEST_F(GatewaySessions, WithoutAffinityThereIsNoCookie) {
  const std::string cookie = cookie_of(ask());
  gateway->set_routes(RouteTable("localhost", {{ServiceId("demo"), "", {{RevisionId("demo-1")}}}}));
  EXPECT_EQ(cookie_of(ask(cookie)), "");
  EXPECT_EQ(slots.preferred.back(), "");
}

}  // namespace
}  // namespace thaw::gateway
