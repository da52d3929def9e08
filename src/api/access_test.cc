// Who may call services, and the tokens and keys with which callers say who they are.
#include <map>
#include <string>

#include "api/api_testing.h"
#include "base/base64.h"

namespace thaw::api {
namespace {

using ::testing::HasSubstr;
using AccessTest = ApiTest;

TEST_F(AccessTest, AServiceIsOpenUntilAPolicyIsSetAndAgainWhenItIsDeployedAnew) {
  deploy("demo");
  const std::string service = "/v1/projects/p1/locations/local/services/demo";
  const Json policy = get(service + ":getIamPolicy?options.requestedPolicyVersion=3");
  EXPECT_EQ(policy["bindings"].as_array()[0].string_or("role"), "roles/run.invoker");
  const Json wanted = Json::object({{"policy", policy}});
  EXPECT_EQ(call("POST", service + ":setIamPolicy", wanted.dump()).status, 200);
  EXPECT_TRUE(guard_.is_open("demo"));
  EXPECT_EQ(call("POST", service + ":setIamPolicy", R"({"policy":{}})").status, 200);
  EXPECT_FALSE(guard_.is_open("demo"));
  EXPECT_TRUE(get(service + ":getIamPolicy")["bindings"].as_array().empty());
  EXPECT_THAT(refused(call("POST", service + ":setIamPolicy", wanted.dump()), 409),
              HasSubstr("somebody else"));
  EXPECT_THAT(refused(call("POST", service + ":setIamPolicy",
                           R"({"policy":{"bindings":[{"role":"roles/run.invoker"}]}})"),
                      400),
              HasSubstr("policy.bindings[0].members"));
  const http::Response may = call("POST", service + ":testIamPermissions",
                                  R"({"permissions":["run.services.setIamPolicy"]})");
  EXPECT_THAT(may.body, HasSubstr("run.services.setIamPolicy"));
  refused(call("GET", "/v1/projects/p1/locations/local/services/x:getIamPolicy"), 404);
  refused(call("GET", service + ":getSecrets"), 404);
  EXPECT_EQ(get("/v1/projects/p1/services/run.googleapis.com").string_or("state"), "ENABLED");
  EXPECT_EQ(call("DELETE", service).status, 200);
  EXPECT_TRUE(guard_.is_open("demo"));
}

/// As gcloud sends it, or another client, with more annotations if wanted.
std::string body_of_client(const std::string& name, const std::string& client,
                           const std::string& more = "") {
  std::string body = service_body(name);
  const std::string labels = R"("labels":{"team":"a"})";
  return body.replace(
      body.find(labels), labels.size(),
      R"("annotations":{"run.googleapis.com/client-name":")" + client + "\"" + more + "}");
}

TEST_F(AccessTest, AServiceThatGcloudCreatesIsClosedUntilItsPolicySaysWhoMayCall) {
  const std::string service = "/v1/projects/p1/locations/local/services/demo";
  EXPECT_EQ(call("POST", kServices + "?dryRun=all", body_of_client("demo", "gcloud")).status, 200);
  EXPECT_FALSE(guard_.has_policy("demo"));
  EXPECT_EQ(call("POST", kServices, body_of_client("demo", "gcloud")).status, 200);
  EXPECT_FALSE(guard_.is_open("demo"));
  Json policy = get(service + ":getIamPolicy");
  EXPECT_TRUE(policy["bindings"].as_array().empty());
  // --allow-unauthenticated: read, changed and set by gcloud.
  policy.set("bindings", Json::Array{Json::object({{"role", "roles/run.invoker"},
                                                   {"members", Json::Array{"allUsers"}}})});
  EXPECT_EQ(
      call("POST", service + ":setIamPolicy", Json::object({{"policy", policy}}).dump()).status,
      200);
  EXPECT_TRUE(guard_.is_open("demo"));
  // Deployed over, it keeps the policy that it has.
  EXPECT_EQ(call("PUT", kServices + "/demo", body_of_client("demo", "gcloud")).status, 200);
  EXPECT_TRUE(guard_.is_open("demo"));
}

TEST_F(AccessTest, OnlyWhatGcloudCreatesIsClosedFromTheStart) {
  EXPECT_EQ(call("POST", kServices, body_of_client("other", "cloud-console")).status, 200);
  EXPECT_TRUE(guard_.is_open("other"));
  const std::string unchecked = R"(,"run.googleapis.com/invoker-iam-disabled":"true")";
  EXPECT_EQ(call("POST", kServices, body_of_client("free", "gcloud", unchecked)).status, 200);
  EXPECT_TRUE(guard_.is_open("free"));
  // A service that is there already stays as it is, whoever tries to create it again or changes it.
  deploy("demo");
  refused(call("POST", kServices, body_of_client("demo", "gcloud")), 409);
  EXPECT_EQ(call("PUT", kServices + "/demo", body_of_client("demo", "gcloud")).status, 200);
  EXPECT_FALSE(guard_.has_policy("demo"));
  // What was not created leaves no policy behind.
  std::string faulty = body_of_client("faulty", "gcloud");
  const std::string spec = R"("spec":{)";
  faulty.insert(faulty.find(spec) + spec.size(),
                R"("traffic":[{"revisionName":"absent","percent":100}],)");
  refused(call("POST", kServices, faulty), 400);
  EXPECT_FALSE(guard_.has_policy("faulty"));
}

TEST_F(AccessTest, APolicyThatACrashLeftBehindIsNotTheNextServices) {
  ASSERT_TRUE(guard_.set_policy("demo", {.bindings = {{"roles/run.invoker", {"allUsers"}}}}));
  EXPECT_EQ(call("POST", kServices, body_of_client("demo", "gcloud")).status, 200);
  EXPECT_FALSE(guard_.is_open("demo"));
  ASSERT_TRUE(guard_.set_policy("plain", {}));
  deploy("plain");
  EXPECT_TRUE(guard_.is_open("plain"));
}

TEST_F(AccessTest, GivesIdentityTokensAndTheKeysThatVerifyThem) {
  const Json configuration = get("/.well-known/openid-configuration");
  EXPECT_EQ(configuration.string_or("issuer"), "http://issuer");
  EXPECT_EQ(configuration.string_or("jwks_uri"), "http://issuer/oauth2/v3/certs");
  EXPECT_EQ(get("/oauth2/v3/certs"), signing_key().public_key_set());
  const std::string path = "/v1/projects/-/serviceAccounts/a@b.c:generateIdToken";
  const http::Response made = call("POST", path, R"({"audience":"http://x"})");
  ASSERT_EQ(made.status, 200) << made.body;
  const auto claims = identity::read_token(
      signing_key(), Json::parse(made.body)->string_or("token"), "http://issuer", loop_.wall_now());
  ASSERT_TRUE(claims) << claims.error().message();
  EXPECT_EQ(claims->audience, "http://x");
  EXPECT_EQ(claims->email, "a@b.c");
  refused(call("POST", path, "{}"), 400);
  refused(call("POST", "/v1/projects/-/serviceAccounts/nobody:generateIdToken",
               R"({"audience":"http://x"})"),
          400);
}

TEST_F(AccessTest, WhatIsNoAccountsWordGetsNoToken) {
  const std::string type = "grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer";
  for (const auto& [body, error] :
       std::map<std::string, const char*>{{"", "unsupported_grant_type"},
                                          {type, "invalid_request"},
                                          {type + "&assertion=a.b.c", "invalid_grant"}}) {
    const http::Response answer = call("POST", "/oauth2/v4/token", body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_EQ(Json::parse(answer.body)->string_or("error"), error) << answer.body;
  }
}

TEST_F(AccessTest, KeysOfServiceAccountsAreGivenOnce) {
  const std::string all = "/v1/projects/my-project/serviceAccounts";
  const http::Response made =
      call("POST", all, R"({"accountId":"uploader","serviceAccount":{"displayName":"U"}})");
  ASSERT_EQ(made.status, 200) << made.body;
  const std::string email = Json::parse(made.body)->string_or("email");
  EXPECT_EQ(email, "uploader@my-project.iam.gserviceaccount.com");
  EXPECT_EQ(get(all)["accounts"].as_array().size(), 1u);
  refused(call("POST", all, R"({"accountId":"uploader"})"), 409);
  EXPECT_THAT(refused(call("POST", all, R"({"accountId":"x"})"), 400), HasSubstr("accountId"));
  const std::string account = "/v1/projects/-/serviceAccounts/" + email;
  EXPECT_EQ(call("PATCH", account,
                 R"({"serviceAccount":{"displayName":"N","description":"D"},)"
                 R"("updateMask":"displayName"})")
                .status,
            200);
  EXPECT_EQ(get(account).string_or("displayName"), "N");
  EXPECT_EQ(get(account).string_or("description"), "");
  refused(call("PATCH", account, "{}"), 400);
  const std::string keys = account + "/keys";
  const http::Response key =
      call("POST", keys, R"({"privateKeyType":"TYPE_GOOGLE_CREDENTIALS_FILE"})");
  ASSERT_EQ(key.status, 200) << key.body;
  const auto file = Json::parse(*from_base64(Json::parse(key.body)->string_or("privateKeyData")));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->string_or("client_email"), email);
  EXPECT_EQ(file->string_or("token_uri"), "http://issuer/oauth2/v4/token");
  const Json shown = get(keys + "?keyTypes=USER_MANAGED");
  EXPECT_EQ(shown.dump().find("private"), std::string::npos);
  const std::string name = shown["keys"].as_array()[0].string_or("name");
  EXPECT_EQ(get("/v1/" + name).string_or("name"), name);
  EXPECT_EQ(call("DELETE", "/v1/" + name).status, 200);
  refused(call("GET", "/v1/" + name), 404);
  refused(call("POST", keys, R"({"privateKeyType":"TYPE_PKCS12_FILE"})"), 501);
  const http::Response blob = call("POST", "/v1/projects/-/serviceAccounts/" + email + ":signBlob",
                                   R"({"payload":"dGV4dA=="})");
  ASSERT_EQ(blob.status, 200) << blob.body;
  EXPECT_TRUE(signing_key().verifies(
      "text", *from_base64(Json::parse(blob.body)->string_or("signedBlob"))));
  refused(call("POST", "/v1/projects/-/serviceAccounts/x@y:signBlob", R"({"payload":"!"})"), 400);
  EXPECT_EQ(call("DELETE", "/v1/projects/-/serviceAccounts/" + email).status, 200);
  refused(call("GET", keys), 404);
}

}  // namespace
}  // namespace thaw::api
