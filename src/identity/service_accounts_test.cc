#include "identity/service_accounts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <random>

#include "base/base64.h"
#include "identity/token_grant.h"
#include "store/state.h"

namespace thaw::identity {
namespace {

using testing::HasSubstr;
using Verdict = ServiceAccounts::Verdict;

struct TestClock final : io::Clock {
  Instant now() const override { return Instant{}; }
  WallTime wall_now() const override { return *parse_rfc3339("2026-11-01T12:00:00Z"); }
};

struct SeededEntropy final : io::Entropy {
  uint64_t next() override { return chance(); }
  std::mt19937_64 chance{1};
};

/// Runs each job at once.
struct PromptWorker final : io::Worker {
  Status run(std::function<void()> job, std::function<void()> done) override {
    job();
    done();
    return {};
  }
};

class ServiceAccountsTest : public testing::Test {
 protected:
  ServiceAccounts::MadeKey make_key(const std::string& email) {
    Result<ServiceAccounts::MadeKey> made = Error(Code::kUnknown, "no answer");
    accounts_.create_key(email, "http://here/token", [&](auto got) { made = std::move(got); });
    EXPECT_TRUE(made) << made.error().message();
    return made ? *std::move(made) : ServiceAccounts::MadeKey();
  }
  /// What the owner of a key file does with it.
  static std::string sign(const Json& file, std::string_view text) {
    const std::string pem = file.string_or("private_key");
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    std::string signature(512, '\0');
    size_t size = signature.size();
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EXPECT_EQ(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key), 1);
    EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                             reinterpret_cast<const unsigned char*>(text.data()), text.size()),
              1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    BIO_free(bio);
    signature.resize(size);
    return signature;
  }

  TestClock clock_;
  SeededEntropy entropy_;
  PromptWorker worker_;
  std::unique_ptr<store::Database> database_ =
      *store::open_state(":memory:", "2026-11-01T00:00:00Z");
  ServiceAccounts::Parts parts_{
      .database = *database_, .clock = clock_, .entropy = entropy_, .worker = worker_};
  ServiceAccounts accounts_{parts_};
};

TEST_F(ServiceAccountsTest, AreMadeListedAndRemoved) {
  const auto made = accounts_.create({"my-project", "uploader", "Up", "loads"});
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(made->email, "uploader@my-project.iam.gserviceaccount.com");
  EXPECT_EQ(made->unique_id.size(), 21u);
  EXPECT_EQ(accounts_.create({"my-project", "uploader", "", ""}).error().code(),
            Code::kAlreadyExists);
  ASSERT_TRUE(accounts_.create({"other", "uploader", "", ""}));
  EXPECT_EQ(accounts_.accounts("my-project").size(), 1u);
  ServiceAccounts again(parts_);
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.account(made->email)->description, "loads");
  EXPECT_EQ(again.update(made->email, {.display_name = "New", .description = {}})->description,
            "loads");
  EXPECT_EQ(again.account(made->email)->display_name, "New");
  EXPECT_EQ(again.update("none@p", {}).error().code(), Code::kNotFound);
  EXPECT_FALSE(
      again.update(made->email, {.display_name = std::string(300, 'x'), .description = {}}));
  ASSERT_TRUE(again.remove(made->email));
  EXPECT_EQ(again.remove(made->email).error().code(), Code::kNotFound);
  EXPECT_EQ(again.account(made->email).error().code(), Code::kNotFound);
}

TEST_F(ServiceAccountsTest, BadNamesAreToldApart) {
  for (const char* id : {"", "short", "Upper-case", "1-digit-first", "ends-with-", "with_under",
                         "this-is-far-too-long-for-an-account"}) {
    const auto made = accounts_.create({"p", id, "", ""});
    ASSERT_FALSE(made) << id;
    EXPECT_THAT(made.error().message(), HasSubstr("accountId")) << id;
  }
  for (const char* project : {"", "-/x", "p q"}) {
    EXPECT_THAT(accounts_.create({project, "uploader", "", ""}).error().message(),
                HasSubstr("project"));
  }
  EXPECT_THAT(accounts_.create({"p", "uploader", "a\nb", ""}).error().message(),
              HasSubstr("displayName"));
  EXPECT_THAT(accounts_.create({"p", "uploader", "", std::string(257, 'x')}).error().message(),
              HasSubstr("description"));
}

TEST_F(ServiceAccountsTest, AKeyFileSignsForItsAccountUntilTheKeyIsDeleted) {
  const std::string email = accounts_.create({"p", "uploader", "", ""})->email;
  const std::string other = accounts_.create({"p", "another", "", ""})->email;
  EXPECT_EQ(accounts_.judge(email, "text", "x"), Verdict::kUnknownAccount);
  const auto first = make_key(email);
  const auto second = make_key(email);
  make_key(other);
  const Json file = *Json::parse(second.file);
  EXPECT_EQ(file.string_or("type"), "service_account");
  EXPECT_EQ(file.string_or("client_email"), email);
  EXPECT_EQ(file.string_or("private_key_id"), second.key.id);
  EXPECT_THAT(file.string_or("private_key"), HasSubstr("-----BEGIN PRIVATE KEY-----"));
  const std::string signature = sign(file, "text");
  EXPECT_EQ(accounts_.judge(email, "text", signature), Verdict::kGood);
  EXPECT_EQ(accounts_.judge(email, "other text", signature), Verdict::kWrong);
  EXPECT_EQ(accounts_.judge(other, "text", signature), Verdict::kWrong);
  EXPECT_EQ(accounts_.judge("nobody@p", "text", signature), Verdict::kUnknownAccount);
  EXPECT_EQ(accounts_.judge(email, "text", ""), Verdict::kWrong);

  ServiceAccounts again(parts_);
  ASSERT_TRUE(again.load());
  EXPECT_EQ(again.judge(email, "text", signature), Verdict::kGood);
  EXPECT_EQ(again.keys(email)->size(), 2u);
  ASSERT_TRUE(again.remove_key(email, second.key.id));
  EXPECT_EQ(again.judge(email, "text", signature), Verdict::kWrong);
  EXPECT_EQ(again.remove_key(email, second.key.id).error().code(), Code::kNotFound);
  ASSERT_TRUE(again.remove(email));
  auto rows = database_->query("SELECT count(*) FROM service_account_keys");
  ASSERT_TRUE(*rows.next());
  EXPECT_EQ(rows.integer(0), 1) << "keys go with their account";
}

TEST_F(ServiceAccountsTest, TheSecretHalfIsKeptNowhere) {
  const std::string email = accounts_.create({"p", "uploader", "", ""})->email;
  const auto made = make_key(email);
  auto rows = database_->query("SELECT public_key FROM service_account_keys");
  ASSERT_TRUE(*rows.next());
  EXPECT_THAT(std::string(rows.text(0)), HasSubstr("-----BEGIN PUBLIC KEY-----"));
  EXPECT_THAT(std::string(rows.text(0)), testing::Not(HasSubstr("PRIVATE")));
}

TEST_F(ServiceAccountsTest, AnAccountsWordForItselfIsTakenAndAnyOthersIsNot) {
  const std::string email = accounts_.create({"p", "uploader", "", ""})->email;
  const std::string other = accounts_.create({"p", "another", "", ""})->email;
  const Json file = *Json::parse(make_key(email).file);
  make_key(other);
  const int64_t now =
      std::chrono::floor<std::chrono::seconds>(clock_.wall_now().time_since_epoch()).count();
  const auto grant = [&](const std::string& name, Json value, std::string_view algorithm = "RS256",
                         std::string tail = "") {
    Json body = Json::object({{"iss", email},
                              {"aud", "http://here/token"},
                              {"iat", now},
                              {"exp", now + 3600},
                              {"scope", "s"}});
    body.set(name, std::move(value));
    std::string word =
        base64_url(Json::object({{"alg", algorithm}}).dump()) + "." + base64_url(body.dump());
    word += "." + base64_url(sign(file, word)) + tail;
    return read_grant(accounts_, word, {"http://here/token", "http://there"}, clock_.wall_now());
  };
  EXPECT_EQ(grant("sub", Json(email))->email, email);
  EXPECT_EQ(grant("target_audience", Json("http://svc"))->target_audience, "http://svc");
  EXPECT_TRUE(grant("aud", Json("http://there")));
  const std::pair<std::string, Json> wrong[] = {
      {"iss", Json(other)}, {"iss", Json("nobody@p")},    {"aud", Json("http://elsewhere")},
      {"exp", Json(now)},   {"exp", Json(now + 3601)},    {"exp", Json("tomorrow")},
      {"scope", Json("")},  {"sub", Json("someone@else")}};
  for (const auto& [name, value] : wrong) {
    const auto refused = grant(name, value);
    ASSERT_FALSE(refused) << name;
    EXPECT_THAT(refused.error().message(), HasSubstr(name)) << value.dump();
  }
  EXPECT_THAT(grant("iat", Json(now + 60)).error().message(), HasSubstr("of the future"));
  EXPECT_THAT(grant("x", Json(1), "none").error().message(), HasSubstr("RS256"));
  EXPECT_THAT(grant("x", Json(1), "HS256").error().message(), HasSubstr("RS256"));
  EXPECT_FALSE(grant("x", Json(1), "RS256", "AAAA"));
  EXPECT_FALSE(read_grant(accounts_, "a.b", {"http://here/token"}, clock_.wall_now()));
}

}  // namespace
}  // namespace thaw::identity
