// Domains that lead to services: routing, the way to HTTPS, and an ACME server's questions.
#include <gmock/gmock.h>

#include "gateway/gateway_testing.h"

namespace thaw::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

struct OneChallenge final : Challenges {
  std::optional<std::string> answer(std::string_view token) override {
    if (token != "token") return std::nullopt;
    return "token.print";
  }
} challenge;

class GatewayDomains : public GatewayTest {
 protected:
  GatewayDomains() : GatewayTest({.challenges = &challenge}) {
    Route route{ServiceId("demo"), "", {{RevisionId("demo-1")}}};
    route.domains = {{"open.test.org"}, {"moved.test.org", 443}, {"port.test.org", 8443}};
    gateway->set_routes(RouteTable("localhost", {route}));
  }
  std::string ask(std::string_view method, std::string_view host, std::string_view target) {
    const auto client = open(fmt_request(method, host, target));
    until([&] { return client->text.find("\r\n\r\n") != std::string::npos; });
    return client->text;
  }
  static std::string fmt_request(std::string_view method, std::string_view host,
                                 std::string_view target) {
    std::string text(method);
    for (const std::string_view part :
         {std::string_view(" "), target, std::string_view(" HTTP/1.1\r\nHost: "), host,
          std::string_view("\r\nContent-Length: 0\r\n\r\n")}) {
      text += part;
    }
    return text;
  }
};

TEST_F(GatewayDomains, LeadToTheirService) {
  EXPECT_THAT(ask("GET", "Open.Test.org.:80", "/"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET", "demo.localhost", "/"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("GET", "other.test.org", "/"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(GatewayDomains, WithACertificateTheyAreServedThroughHttpsOnly) {
  EXPECT_THAT(ask("GET", "Moved.test.org:80", "/a?b=1"),
              testing::AllOf(StartsWith("HTTP/1.1 301 "),
                             HasSubstr("\r\nLocation: https://moved.test.org/a?b=1\r\n")));
  EXPECT_THAT(ask("POST", "port.test.org", "/a"),
              testing::AllOf(StartsWith("HTTP/1.1 308 "),
                             HasSubstr("\r\nLocation: https://port.test.org:8443/a\r\n")));
  EXPECT_THAT(ask("GET", "moved.test.org", "http://moved.test.org?x"),
              HasSubstr("\r\nLocation: https://moved.test.org/?x\r\n"));
  EXPECT_TRUE(instance.requests.empty());
}

TEST_F(GatewayDomains, AnAcmeServerIsAnsweredAtAnyHost) {
  for (const char* host : {"moved.test.org", "open.test.org", "unknown.test.org"}) {
    EXPECT_THAT(ask("GET", host, "/.well-known/acme-challenge/token"),
                testing::AllOf(StartsWith("HTTP/1.1 200 "), testing::EndsWith("token.print\n")));
  }
  EXPECT_TRUE(instance.requests.empty());
}

TEST_F(GatewayDomains, OtherTokensAreForTheService) {
  EXPECT_THAT(ask("GET", "moved.test.org", "/.well-known/acme-challenge/other"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(ask("POST", "open.test.org", "/.well-known/acme-challenge/token"),
              Not(HasSubstr("token.print")));
  EXPECT_EQ(instance.requests.size(), 2u);
}

}  // namespace
}  // namespace thaw::gateway
