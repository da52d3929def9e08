#include "domains/acme_order.h"

#include <gmock/gmock.h>

#include <map>
#include <random>

#include "base/base64.h"

namespace thaw::domains {
namespace {

using testing::HasSubstr;
using Method = AcmeRequest::Method;

constexpr const char* kToken = "0123456789abcdef_-";

/// An ACME server as far as an order sees it. Tests change what it says.
class Server {
 public:
  AcmeAnswer answer(const AcmeRequest& request) {
    seen.push_back(request.url);
    AcmeAnswer answer{.status = 200, .nonce = "n" + std::to_string(++nonces_)};
    if (request.method == Method::kPost) {
      EXPECT_FALSE(request.nonce.empty()) << request.url;
      EXPECT_TRUE(used_.insert({request.nonce, true}).second) << "a nonce was used twice";
      if (stale-- > 0) {
        answer.status = 400;
        answer.body = R"({"type": "urn:ietf:params:acme:error:badNonce", "detail": "stale"})";
        return answer;
      }
    }
    if (const auto found = instead.find(request.url); found != instead.end()) {
      answer.status = found->second.status;
      answer.body = found->second.body;
      answer.retry_after = found->second.retry_after;
      return answer;
    }
    if (request.url == "https://ca.test/dir") {
      answer.nonce = "";
      answer.body = R"({"newNonce": "https://ca.test/nonce", "newAccount": "https://ca.test/acct",
                        "newOrder": "https://ca.test/order"})";
    } else if (request.url == "https://ca.test/acct") {
      EXPECT_EQ(request.account, "");
      account_payload = request.payload;
      answer.status = 201;
      answer.location = "https://ca.test/acct/7";
      answer.body = R"({"status": "valid"})";
    } else if (request.url == "https://ca.test/order") {
      EXPECT_EQ(request.account, "https://ca.test/acct/7");
      order_payload = request.payload;
      answer.status = 201;
      answer.location = "https://ca.test/order/1";
      answer.body = order("pending");
    } else if (request.url == "https://ca.test/authz/1") {
      const bool is_done = told && waits-- <= 0;
      answer.body = authorization(is_done ? "valid" : "pending");
    } else if (request.url == "https://ca.test/chall/1") {
      told = true;
      answer.body = R"({"type": "http-01", "status": "processing"})";
    } else if (request.url == "https://ca.test/finalize/1") {
      finalize_payload = request.payload;
      answer.body = order("processing");
    } else if (request.url == "https://ca.test/order/1") {
      answer.body = order(issuing-- > 0 ? "processing" : "valid");
    } else if (request.url == "https://ca.test/cert/1") {
      answer.body = "-----BEGIN CERTIFICATE-----";
    }
    return answer;
  }

  static std::string order(const std::string& status) {
    return R"({"status": ")" + status + R"(", "authorizations": ["https://ca.test/authz/1"],
      "finalize": "https://ca.test/finalize/1", "certificate": "https://ca.test/cert/1"})";
  }
  static std::string authorization(const std::string& status) {
    return R"({"status": ")" + status + R"(", "challenges": [
      {"type": "dns-01", "url": "https://ca.test/chall/0", "token": "x"},
      {"type": "http-01", "url": "https://ca.test/chall/1", "token": ")" +
           std::string(kToken) + R"(", "error": {"type": "urn:ietf:params:acme:error:connection",
      "detail": "no route\u0007to a.test"}}]})";
  }

  std::map<std::string, AcmeAnswer> instead;
  std::vector<std::string> seen;
  std::string account_payload, order_payload, finalize_payload;
  int stale = 0;    // nonces that are refused
  int waits = 2;    // polls until the authorization is valid
  int issuing = 2;  // polls until the certificate is there
  bool told = false;

 private:
  std::map<std::string, bool> used_;
  int nonces_ = 0;
};

struct Outcome {
  std::string chain;
  std::string error;
  Code code = Code::kUnknown;
  std::optional<Duration> retry_after;
  std::string token;  // as it was while the challenge was told of
  Duration waited{0};
};

Outcome run(Server& server, std::string email = "") {
  AcmeOrder order({.directory = "https://ca.test/dir",
                   .domain = "a.test",
                   .request = "request",
                   .thumbprint = "print",
                   .email = std::move(email)});
  Outcome outcome;
  AcmeStep step = order.begin();
  while (true) {
    if (auto* request = std::get_if<AcmeRequest>(&step)) {
      if (request->url == "https://ca.test/chall/1") outcome.token = order.key_authorization();
      step = order.on_answer(server.answer(*request));
    } else if (auto* pause = std::get_if<AcmePause>(&step)) {
      EXPECT_GE(pause->time, seconds(1));
      EXPECT_LE(pause->time, seconds(60));
      outcome.waited += pause->time;
      step = order.on_pause_over();
    } else if (auto* issued = std::get_if<AcmeIssued>(&step)) {
      outcome.chain = issued->chain;
      return outcome;
    } else {
      const auto& refused = std::get<AcmeRefused>(step);
      outcome.error = refused.error.message();
      outcome.code = refused.error.code();
      outcome.retry_after = refused.retry_after;
      return outcome;
    }
  }
}

TEST(AcmeOrder, GoesFromTheDirectoryToTheChain) {
  Server server;
  const Outcome outcome = run(server, "me@a.test");
  EXPECT_EQ(outcome.chain, "-----BEGIN CERTIFICATE-----") << outcome.error;
  EXPECT_EQ(outcome.token, std::string(kToken) + ".print");
  EXPECT_EQ(server.account_payload,
            R"({"termsOfServiceAgreed":true,"contact":["mailto:me@a.test"]})");
  EXPECT_EQ(server.order_payload, R"({"identifiers":[{"type":"dns","value":"a.test"}]})");
  EXPECT_EQ(server.finalize_payload, R"({"csr":")" + base64_url("request") + R"("})");
  EXPECT_EQ(server.seen[0], "https://ca.test/dir");
  EXPECT_EQ(server.seen[1], "https://ca.test/nonce");
}

TEST(AcmeOrder, ARefusedNonceIsReplacedAndTheRequestRepeated) {
  Server server;
  server.stale = 5;
  EXPECT_EQ(run(server).error, "");
  Server endless;
  endless.stale = 1 << 30;
  EXPECT_THAT(run(endless).error, HasSubstr("https://ca.test/acct: the ACME server answered 400: "
                                            "badNonce: stale"));
}

TEST(AcmeOrder, AnAuthorizationFromBeforeNeedsNoChallenge) {
  Server server;
  server.instead["https://ca.test/authz/1"] = {.status = 200,
                                               .body = Server::authorization("valid")};
  const Outcome outcome = run(server);
  EXPECT_EQ(outcome.error, "");
  EXPECT_EQ(outcome.token, "");
  EXPECT_FALSE(server.told);
}

TEST(AcmeOrder, WhatTheServerSaysIsPassedOnWithoutControlCharacters) {
  Server server;
  server.instead["https://ca.test/authz/1"] = {.status = 200,
                                               .body = Server::authorization("invalid")};
  const Outcome outcome = run(server);
  EXPECT_EQ(outcome.code, Code::kFailedPrecondition);
  EXPECT_THAT(outcome.error,
              HasSubstr("a.test could not be validated: connection: no route to a.test"));
}

TEST(AcmeOrder, ARateLimitSaysWhenToComeAgain) {
  Server server;
  server.instead["https://ca.test/order"] = {
      .status = 429,
      .retry_after = seconds(3600),
      .body = R"({"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many"})"};
  const Outcome outcome = run(server);
  EXPECT_EQ(outcome.code, Code::kUnavailable);
  EXPECT_EQ(outcome.retry_after, seconds(3600));
  EXPECT_THAT(outcome.error, HasSubstr("429: rateLimited: too many"));
}

TEST(AcmeOrder, AServerThatNeverEndsIsLeft) {
  Server server;
  server.waits = 1 << 30;
  EXPECT_THAT(run(server).error, HasSubstr("does not come to an end"));
}

TEST(AcmeOrder, WhatIsNoAnswerOfAnAcmeServerIsAnError) {
  const struct {
    const char *url, *body, *part;
  } cases[] = {
      {"https://ca.test/dir", "<html>", "answers no JSON object"},
      {"https://ca.test/dir", R"({"newNonce": "http://ca.test/n"})", "is no ACME directory"},
      {"https://ca.test/order", R"({"status": "pending"})", "an order without URL"},
      {"https://ca.test/authz/1", R"({"status": "pending", "challenges": []})",
       "no http-01 challenge is offered"},
      {"https://ca.test/authz/1",
       R"({"status": "pending", "challenges": [{"type": "http-01", "url": "https://ca.test/chall/1",
           "token": "../../etc/passwd"}]})",
       "without a good token"},
      {"https://ca.test/authz/1",
       R"({"status": "pending", "challenges": [{"type": "http-01", "url": "file:///x",
           "token": "0123456789abcdef"}]})",
       "'file:///x' is no https URL"},
      {"https://ca.test/order/1", R"({"status": "invalid", "error": {"detail": "revoked"}})",
       "the order is invalid: revoked"},
  };
  for (const auto& [url, body, part] : cases) {
    Server server;
    server.instead[url] = {.status = 200, .body = body};
    if (std::string(url) == "https://ca.test/order") {
      server.instead[url].location = "https://ca.test/order/1";
    }
    const Outcome outcome = run(server);
    EXPECT_EQ(outcome.chain, "");
    EXPECT_THAT(outcome.error, HasSubstr(part)) << url;
  }
}

/// Whatever a server says, an order ends, within its number of steps.
TEST(AcmeOrder, EndsWhateverComes) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    Server server;
    server.stale = static_cast<int>(random() % 4);
    for (const char* url : {"dir", "nonce", "acct", "order", "authz/1", "chall/1", "finalize/1",
                            "order/1", "cert/1"}) {
      if (random() % 6 != 0) continue;
      const char* const bodies[] = {"",
                                    "{}",
                                    "[]",
                                    "nonsense",
                                    R"({"status": "valid"})",
                                    R"({"status": "pending", "challenges": [1, {}, null]})",
                                    R"({"authorizations": [1], "finalize": "https://a"})"};
      AcmeAnswer& answer = server.instead["https://ca.test/" + std::string(url)];
      answer.status = random() % 2 == 0 ? 200 : static_cast<int>(400 + random() % 200);
      answer.body = bodies[random() % std::size(bodies)];
      if (random() % 2 == 0) answer.retry_after = seconds(static_cast<double>(random() % 100'000));
    }
    const Outcome outcome = run(server);
    EXPECT_NE(outcome.chain.empty(), outcome.error.empty()) << seed;
    EXPECT_LE(server.seen.size(), 401u);
  }
}

}  // namespace
}  // namespace thaw::domains
