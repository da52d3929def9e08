#include "api/metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "control/control_testing.h"

namespace thaw::api {
namespace {

using testing::HasSubstr;

struct TestClock final : io::Clock {
  Instant now() const override { return at; }
  WallTime wall_now() const override { return wall; }
  Instant at{};
  WallTime wall = *parse_rfc3339("2026-11-01T12:00:00Z");
};

class Metadata : public testing::Test {
 protected:
  http::Response get(const std::string& path, http::Query query = {},
                     http::Headers headers = {{"Metadata-Flavor", "Google"}}) {
    http::Request request;
    request.path = path;
    request.query = std::move(query);
    request.headers = std::move(headers);
    return server_.answer(request);
  }
  std::string text(const std::string& path, http::Query query = {}) {
    const http::Response answer = get("/computeMetadata/v1/" + path, std::move(query));
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_EQ(answer.headers.get("metadata-flavor"), "Google") << path;
    return answer.body;
  }

  TestClock clock_;
  std::unique_ptr<store::Database> database_ =
      *store::open_state(":memory:", "2026-11-01T12:00:00Z");
  identity::Guard guard_{*database_, clock_, *identity::SigningKey::make(), "http://issuer"};
  MetadataServer server_{guard_, clock_, {"thaw", "demo-00001-abc-1", "worker"}};
};

TEST_F(Metadata, TellsOfProjectInstanceAndAccount) {
  EXPECT_EQ(text("project/project-id"), "thaw");
  const std::string number = text("project/numeric-project-id");
  EXPECT_EQ(number.size(), 12U);
  EXPECT_EQ(text("instance/region"), "projects/" + number + "/regions/local");
  EXPECT_EQ(text("instance/zone"), "projects/" + number + "/zones/local-1");
  EXPECT_EQ(text("instance/id"), "demo-00001-abc-1");
  const std::string email = "worker@thaw.iam.gserviceaccount.com";
  EXPECT_EQ(text("instance/service-accounts/default/email"), email);
  EXPECT_EQ(text("instance/service-accounts/" + email + "/email"), email);
  EXPECT_EQ(text("instance/service-accounts/default/scopes"),
            "https://www.googleapis.com/auth/cloud-platform");
}

TEST_F(Metadata, FoldersAreListedOrToldAtOnce) {
  EXPECT_EQ(text(""), "instance/\nproject/\nuniverse/\n");
  EXPECT_EQ(text("project/"), "numeric-project-id\nproject-id\n");
  EXPECT_EQ(text("instance"), "id\nregion\nservice-accounts/\nzone\n");
  const auto tree =
      Json::parse(text("instance/service-accounts/default/", {{"recursive", "true"}}));
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->dump(), R"({"aliases":["default"],"email":"worker@thaw.iam.gserviceaccount.com",)"
                          R"("scopes":["https://www.googleapis.com/auth/cloud-platform"]})");
  const auto all = Json::parse(text("", {{"recursive", "true"}}));
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)["project"].string_or("projectId"), "thaw");
  EXPECT_TRUE((*all)["project"]["numericProjectId"].is_number());
  EXPECT_TRUE((*all)["instance"]["serviceAccounts"]["default"]["email"].is_string());
}

TEST_F(Metadata, AnIdentityTokenIsForItsAccountAndTheAudienceAskedFor) {
  const std::string path = "instance/service-accounts/default/identity";
  const std::string token = text(path, {{"audience", "http://demo.localhost"}});
  const auto claims = identity::read_token(guard_.key(), token, guard_.issuer(), clock_.wall_now());
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ(claims->email, server_.email());
  EXPECT_EQ(claims->audience, "http://demo.localhost");
  EXPECT_EQ(get("/computeMetadata/v1/" + path).status, 400);
  EXPECT_EQ(get("/computeMetadata/v1/" + path, {{"audience", std::string(2001, 'a')}}).status, 400);
}

TEST_F(Metadata, AnAccessTokenOpensNoService) {
  const auto answer = Json::parse(text("instance/service-accounts/default/token"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->string_or("token_type"), "Bearer");
  const auto claims = identity::read_token(guard_.key(), answer->string_or("access_token"),
                                           guard_.issuer(), clock_.wall_now());
  ASSERT_TRUE(claims);
  EXPECT_EQ(identity::host_of_url(claims->audience), "");
}

TEST_F(Metadata, AnAccessTokenSaysHowManySecondsItHasLeft) {
  const auto ask = [this] { return *Json::parse(text("instance/service-accounts/default/token")); };
  EXPECT_EQ(ask()["expires_in"].as_int(), 3600);
  clock_.wall += seconds(3000);
  EXPECT_EQ(ask()["expires_in"].as_int(), 600);
  clock_.wall += milliseconds(500);
  EXPECT_EQ(ask()["expires_in"].as_int(), 599);
  // One that is fetched anew five minutes before the end, as Google's libraries do, is another.
  clock_.wall += seconds(299);
  EXPECT_EQ(ask()["expires_in"].as_int(), 3600);
}

TEST_F(Metadata, OthersAccountsAreNotThere) {
  for (const char* account : {"other@thaw.iam.gserviceaccount.com", "worker", "..", ""}) {
    const std::string path =
        std::string("/computeMetadata/v1/instance/service-accounts/") + account + "/identity";
    EXPECT_EQ(get(path, {{"audience", "http://x"}}).status, 404) << path;
  }
}

TEST_F(Metadata, WhoCannotSetAHeaderOrCameThroughAProxyIsRefused) {
  const std::string path = "/computeMetadata/v1/project/project-id";
  EXPECT_EQ(get(path, {}, {}).status, 403);
  EXPECT_EQ(get(path, {}, {{"Metadata-Flavor", "Other"}}).status, 403);
  EXPECT_EQ(get(path, {}, {{"Metadata-Flavor", "Google"}, {"X-Forwarded-For", "1.2.3.4"}}).status,
            403);
  EXPECT_EQ(get("/", {}, {}).headers.get("metadata-flavor"), "Google");
  EXPECT_EQ(get("/computeMetadata/v1/nothing").status, 404);
  EXPECT_EQ(get("/computeMetadata/v1/project/project-id/x").status, 404);
  EXPECT_EQ(get("/other").status, 404);
  EXPECT_EQ(get("/computeMetadata/v2/").status, 404);
  http::Request post;
  post.method = "POST";
  post.path = path;
  EXPECT_EQ(server_.answer(post).status, 405);
}

TEST_F(Metadata, TokensAreRationed) {
  const std::string path = "/computeMetadata/v1/instance/service-accounts/default/identity";
  int given = 0;
  for (int i = 0; i < 100; ++i) {
    given += get(path, {{"audience", "http://a" + std::to_string(i % 3)}}).status == 200 ? 1 : 0;
  }
  EXPECT_EQ(given, MetadataServer::kBurst);
  EXPECT_EQ(get(path, {{"audience", "http://a"}}).status, 429);
  clock_.at += seconds(1);
  EXPECT_EQ(get(path, {{"audience", "http://a"}}).status, 200);
}

TEST(MetadataAccount, NamesAreCompletedAsOnGoogleCloud) {
  EXPECT_EQ(account_email("a@b.c", "thaw"), "a@b.c");
  EXPECT_EQ(account_email("a", "thaw"), "a@thaw.iam.gserviceaccount.com");
  EXPECT_THAT(account_email("", "thaw"), HasSubstr("-compute@developer.gserviceaccount.com"));
}

}  // namespace
}  // namespace thaw::api
