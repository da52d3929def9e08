#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/base64.h"
#include "identity/guard.h"
#include "io_linux/local_disk.h"
#include "store/state.h"
#include "tls/owned.h"

namespace thaw::identity {
namespace {

using testing::HasSubstr;

constexpr std::string_view kIssuer = "http://127.0.0.1:8081";
constexpr std::string_view kCaller = "pusher@thaw.local";

struct TestClock final : io::Clock {
  Instant now() const override { return Instant{}; }
  WallTime wall_now() const override { return at; }
  WallTime at = *parse_rfc3339("2026-11-01T12:00:00Z");
};

const SigningKey& key() {
  static const SigningKey kKey = *SigningKey::make();
  return kKey;
}

Claims claims(const TestClock& clock) {
  return {.issuer = std::string(kIssuer),
          .audience = "http://qa.localhost:8080",
          .email = std::string(kCaller),
          .issued = clock.at,
          .expires = clock.at + kTokenLife};
}

std::string why_not(std::string_view token, WallTime now, std::string_view issuer = kIssuer) {
  const auto read = read_token(key(), token, issuer, now);
  return read ? "" : read.error().message();
}

/// The token with another header or body, signed anew.
std::string forged(const Json& header, const Json& body) {
  const std::string text = base64_url(header.dump()) + "." + base64_url(body.dump());
  return text + "." + base64_url(*key().sign(text));
}

TEST(IdToken, ComesBackAsItWasMade) {
  const TestClock clock;
  const Claims made = claims(clock);
  const auto read = read_token(key(), *make_token(key(), made), kIssuer, clock.at);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, made);
}

TEST(IdToken, EveryOtherTokenIsRefused) {
  const TestClock clock;
  const std::string good = *make_token(key(), claims(clock));
  EXPECT_EQ(why_not(good, clock.at), "");
  EXPECT_THAT(why_not(good, clock.at + kTokenLife), HasSubstr("expired"));
  EXPECT_THAT(why_not(good, clock.at - seconds(31)), HasSubstr("future"));
  EXPECT_EQ(why_not(good, clock.at - seconds(29)), "");
  EXPECT_THAT(why_not(good, clock.at, "https://accounts.google.com"), HasSubstr("issuer"));
  const auto read = read_token(*SigningKey::make(), good, kIssuer, clock.at);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message(), HasSubstr("unknown key"));
  for (size_t i = 0; i < good.size(); i += 7) {
    std::string changed = good;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(why_not(changed, clock.at), "") << i;
  }
  for (const std::string_view text :
       {"", ".", "..", "...", "a.b.c", "a.b", "e30.e30.", "e30.e30.e30", "!.!.!"}) {
    EXPECT_NE(why_not(text, clock.at), "") << text;
  }
  EXPECT_THAT(why_not(std::string(kMaxToken + 1, 'a'), clock.at), HasSubstr("8 KiB"));
}

TEST(IdToken, TheAlgorithmIsNotTheTokensChoice) {
  const TestClock clock;
  const std::string good = *make_token(key(), claims(clock));
  const Json body = *Json::parse(*from_base64(
      std::string_view(good).substr(good.find('.') + 1, good.rfind('.') - good.find('.') - 1)));
  for (const char* algorithm : {"none", "HS256", "rs256", ""}) {
    const Json header = Json::object({{"alg", algorithm}, {"kid", key().id()}});
    EXPECT_THAT(why_not(forged(header, body), clock.at), HasSubstr("RS256")) << algorithm;
  }
  const Json header = Json::object({{"alg", "RS256"}, {"kid", key().id()}});
  EXPECT_EQ(why_not(forged(header, body), clock.at), "");
  for (const char* member : {"exp", "iat"}) {
    for (const Json& value : {Json(-1), Json("soon"), Json(nullptr), Json(INT64_MAX)}) {
      Json changed = body;
      changed.set(member, value);
      EXPECT_NE(why_not(forged(header, changed), clock.at), "") << member << " " << value.dump();
    }
  }
  Json nobody = body;
  nobody.set("email", "");
  EXPECT_THAT(why_not(forged(header, nobody), clock.at), HasSubstr("nobody"));
}

std::string encrypted_key() {
  const tls::Owned<EVP_PKEY, EVP_PKEY_free> made(EVP_RSA_gen(2048));
  const tls::Owned<BIO, BIO_free_all> text(BIO_new(BIO_s_mem()));
  const unsigned char phrase[] = "secret";
  EXPECT_EQ(PEM_write_bio_PrivateKey(text.get(), made.get(), EVP_aes_256_cbc(), phrase, 6, nullptr,
                                     nullptr),
            1);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(text.get(), &bytes);
  return std::string(bytes, static_cast<size_t>(size));
}

TEST(SigningKey, IsKeptForItsOwnerOnlyAndReadAgain) {
  char folder[] = "/tmp/thaw-identity-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/key.pem";
  io_linux::LocalDisk disk;
  const auto made = SigningKey::load_or_make(disk, path);
  ASSERT_TRUE(made) << made.error().message();
  struct stat info {};
  ASSERT_EQ(::stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  const auto read = SigningKey::load_or_make(disk, path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id(), made->id());
  EXPECT_TRUE(read->verifies("x", *made->sign("x")));
  ::chmod(path.c_str(), 0644);
  EXPECT_THAT(SigningKey::load_or_make(disk, path).error().message(), HasSubstr("chmod 600"));
  ASSERT_TRUE(disk.write_file_durably(path, "-----BEGIN PRIVATE KEY-----\nAAAA\n"));
  EXPECT_THAT(SigningKey::load_or_make(disk, path).error().message(), HasSubstr("no RSA key"));
  // Nobody may be at the terminal that would be asked for its passphrase.
  ASSERT_TRUE(disk.write_file_durably(path, encrypted_key()));
  EXPECT_THAT(SigningKey::load_or_make(disk, path).error().message(), HasSubstr("no RSA key"));
  std::filesystem::remove_all(folder);
}

TEST(SigningKey, ShowsItsPublicHalfOnly) {
  const Json set = key().public_key_set();
  const Json& shown = set["keys"].as_array()[0];
  EXPECT_EQ(shown.string_or("kid"), key().id());
  EXPECT_EQ(from_base64(shown.string_or("n"))->size(), 256U);
  EXPECT_EQ(shown.string_or("e"), "AQAB");
  EXPECT_EQ(shown.find("d"), nullptr);
}

TEST(Policy, NamesTheFaultyField) {
  const struct {
    const char *policy, *says;
  } rows[] = {
      {"[]", "policy is no mapping"},
      {R"({"bindings":{}})", "policy.bindings is no list"},
      {R"({"bindings":[7]})", "policy.bindings[0] is no mapping"},
      {R"({"bindings":[{"role":"run.invoker"}]})", "bindings[0].role must begin"},
      {R"({"bindings":[{"role":"roles/run.invoker"}]})", "members is no list"},
      {R"({"bindings":[{"role":"roles/run.invoker","members":["a@b"]}]})",
       "members[0] is no member"},
      {R"({"bindings":[{"role":"roles/run.invoker","members":["user:a b"]}]})", "is no member"},
      {R"({"bindings":[{"role":"roles/run.invoker","members":[],"condition":{"title":"t"}}]})",
       "conditions are not supported"},
      {R"({"etag":"AAAA","bindings":[]})", "somebody else"},
  };
  for (const auto& row : rows) {
    const auto policy = read_policy(*Json::parse(row.policy), open_policy());
    ASSERT_FALSE(policy) << row.policy;
    EXPECT_THAT(policy.error().message(), HasSubstr(row.says)) << row.policy;
  }
  Json shown = policy_json(open_policy());
  shown.set("etag", etag_of(open_policy()));
  const auto same = read_policy(shown, open_policy());
  ASSERT_TRUE(same) << same.error().message();
  EXPECT_EQ(*same, open_policy());
}

class GuardTest : public testing::Test {
 protected:
  static Policy for_caller(std::string member) { return {{{std::string(kInvoker), {member}}}}; }
  int answer(std::string_view authorization, std::string_view host = "qa.localhost") {
    const auto refusal = guard_.refusal({.service = "qa",
                                         .host = host,
                                         .own_host = "qa.localhost",
                                         .authorization = authorization,
                                         .audiences = [this] { return audiences_; }});
    return refusal ? refusal->status : 200;
  }
  std::string token(std::string_view audience = "http://qa.localhost:8080/push",
                    std::string_view email = kCaller) {
    return "Bearer " + guard_.token_for(email, audience)->text;
  }

  TestClock clock_;
  std::unique_ptr<store::Database> database_ =
      *store::open_state(":memory:", "2026-11-01T00:00:00Z");
  std::vector<std::string> audiences_ = {"my-audience"};
  Guard guard_{*database_, clock_, key(), std::string(kIssuer)};
};

TEST_F(GuardTest, AServiceIsOpenUntilItIsGivenAPolicy) {
  EXPECT_TRUE(guard_.is_open("qa"));
  EXPECT_EQ(answer(""), 200);
  ASSERT_TRUE(guard_.set_policy("qa", Policy()));
  EXPECT_FALSE(guard_.is_open("qa"));
  EXPECT_TRUE(guard_.is_open("other"));
  EXPECT_EQ(answer(""), 403);
  ASSERT_TRUE(guard_.set_policy("qa", open_policy()));
  EXPECT_EQ(answer(""), 200);
}

TEST_F(GuardTest, APrivateServiceTakesItsInvokersForItselfOnly) {
  ASSERT_TRUE(guard_.set_policy("qa", for_caller("serviceAccount:" + std::string(kCaller))));
  EXPECT_EQ(answer(""), 403);
  EXPECT_EQ(answer("Basic dTpw"), 403);
  EXPECT_EQ(answer("Bearer nonsense"), 401);
  EXPECT_EQ(answer(token()), 200);
  EXPECT_EQ(answer(token("https://QA.localhost")), 200);
  EXPECT_EQ(answer(token("my-audience")), 200);
  EXPECT_EQ(answer(token("http://other.localhost:8080")), 401);
  EXPECT_EQ(answer(token("http://qa.localhost.evil.example")), 401);
  EXPECT_EQ(answer(token("http://qa.localhost@evil.example")), 401);
  EXPECT_EQ(answer(token("http://qa.localhost", "other@thaw.local")), 403);
  const std::string late = token();
  clock_.at += kTokenLife;
  EXPECT_EQ(answer(late), 401);  // although it was good before
}

TEST_F(GuardTest, ATokenForTheServicesOwnUrlIsGoodAtItsTagsAndDomains) {
  ASSERT_TRUE(guard_.set_policy("qa", for_caller("serviceAccount:" + std::string(kCaller))));
  for (const std::string_view host : {"tag---qa.localhost", "qa.example.org"}) {
    EXPECT_EQ(answer(token(), host), 200) << host;
    EXPECT_EQ(answer(token("https://qa.localhost"), host), 200) << host;
    EXPECT_EQ(answer(token("https://" + std::string(host)), host), 200) << host;
    EXPECT_EQ(answer(token("http://other.localhost"), host), 401) << host;
    EXPECT_EQ(answer(token("ftp://qa.localhost"), host), 401) << host;
    EXPECT_EQ(answer(token("qa.localhost"), host), 401) << host;
  }
  // One for a tag or a domain is for that one only.
  EXPECT_EQ(answer(token("http://tag---qa.localhost")), 401);
  EXPECT_EQ(answer(token("http://tag---qa.localhost"), "qa.example.org"), 401);
}

TEST_F(GuardTest, EverybodyWithATokenMayBeMeant) {
  ASSERT_TRUE(guard_.set_policy("qa", for_caller("allAuthenticatedUsers")));
  EXPECT_EQ(answer(""), 403);
  EXPECT_EQ(answer(token("http://qa.localhost", "any@body")), 200);
}

TEST_F(GuardTest, PoliciesSurviveARestartAndGoWithTheirService) {
  ASSERT_TRUE(guard_.set_policy("qa", Policy()));
  ASSERT_TRUE(guard_.set_policy("gone", Policy()));
  ASSERT_TRUE(guard_.forget("gone"));
  ASSERT_TRUE(database_->execute("INSERT INTO iam_policies VALUES('damaged', '{')"));
  Guard again(*database_, clock_, key(), std::string(kIssuer));
  ASSERT_TRUE(again.load());
  EXPECT_FALSE(again.is_open("qa"));
  EXPECT_TRUE(again.is_open("gone"));
  EXPECT_FALSE(again.is_open("damaged"));
}

TEST_F(GuardTest, OneTokenIsGivenUntilItIsNearlyOver) {
  const std::string first = token();
  clock_.at += std::chrono::minutes(54);
  EXPECT_EQ(token(), first);
  clock_.at += std::chrono::minutes(2);
  EXPECT_NE(token(), first);
}

TEST_F(GuardTest, ATokenThatIsHandedOutHasMoreThanFiveMinutesLeft) {
  for (int second = 0; second < 2 * 3600; ++second) {
    const auto token = guard_.token_for(kCaller, "http://qa.localhost");
    ASSERT_TRUE(token);
    ASSERT_GT(token->expires - clock_.at, std::chrono::minutes(5)) << second;
    ASSERT_LE(token->expires - clock_.at, kTokenLife) << second;
    clock_.at += seconds(1);
  }
}

TEST_F(GuardTest, ManyTokensAreRememberedWithinABound) {
  ASSERT_TRUE(guard_.set_policy("qa", for_caller("allAuthenticatedUsers")));
  for (int i = 0; i < 1100; ++i) {
    ASSERT_EQ(answer(token("http://qa.localhost", "a" + std::to_string(i) + "@b")), 200);
  }
}

TEST(HostOfUrl, TakesHttpUrlsOnly) {
  EXPECT_EQ(host_of_url("http://A.b:80/c"), "a.b");
  EXPECT_EQ(host_of_url("https://a.b?c"), "a.b");
  EXPECT_EQ(host_of_url("ftp://a.b"), "");
  EXPECT_EQ(host_of_url("a.b"), "");
  EXPECT_EQ(host_of_url("http://u@a.b"), "");
}

}  // namespace
}  // namespace thaw::identity
