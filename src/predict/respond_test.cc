#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/json.h"
#include "predict/server.h"
#include "predict/server_testing.h"

namespace thaw::predict {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

http::Request post(std::string body, http::Headers headers = {}, http::Query query = {}) {
  http::Request request;
  request.method = "POST";
  request.path = "/predict";
  request.headers = std::move(headers);
  request.query = std::move(query);
  request.body = std::move(body);
  return request;
}

http::Request get(std::string path, std::string method = "GET") {
  http::Request request;
  request.method = std::move(method);
  request.path = std::move(path);
  return request;
}

/// The error's message, after holding it to the envelope of Google's APIs.
std::string error_message(const http::Response& response, int status, std::string_view name) {
  EXPECT_EQ(response.status, status);
  const Json body = Json::parse(response.body).value();
  EXPECT_EQ(body["error"]["code"].as_int(), status);
  EXPECT_EQ(body["error"]["status"].as_string(), name);
  return body["error"].string_or("message");
}

TEST(Respond, AnswersCsvWithCsvAndJsonWithJson) {
  const http::Response csv = respond(post(daily_csv(40), {{"content-type", "text/csv"}}));
  EXPECT_EQ(csv.status, 200);
  EXPECT_EQ(csv.headers.get("content-type"), "text/csv; charset=utf-8");
  EXPECT_THAT(csv.body, StartsWith("ds,yhat,yhat_lower,"));
  EXPECT_EQ(std::count(csv.body.begin(), csv.body.end(), '\n'), 29);

  const http::Response json = respond(
      post(R"({"history":[{"ds":"2024-01-01","y":1},{"ds":"2024-01-02","y":3}],"periods":2})",
           {{"content-type", "application/json"}}));
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(Json::parse(json.body).value()["forecast"].as_array().size(), 2u);

  const http::Response list =
      respond(post(R"([{"ds":"2024-01-01","y":1},{"ds":"2024-01-02","y":3}])"));
  EXPECT_EQ(Json::parse(list.body).value().as_array().size(), 28u);
}

TEST(Respond, AcceptChoosesAnotherForm) {
  const auto type = [](const char* accept) {
    const http::Response response = respond(post(daily_csv(30), {{"accept", accept}}));
    EXPECT_EQ(response.status, 200);
    return std::string(response.headers.get("content-type"));
  };
  EXPECT_THAT(type("application/json"), StartsWith("application/json"));
  EXPECT_THAT(type("text/plain"), StartsWith("text/plain"));
  EXPECT_THAT(type("*/*"), StartsWith("text/csv"));
  EXPECT_THAT(type("image/png"), StartsWith("text/csv"));
  EXPECT_THAT(type("text/csv;q=0.5, application/json;q=0.9"), StartsWith("application/json"));
  EXPECT_THAT(type(",;q=,,q"), StartsWith("text/csv"));
}

TEST(Respond, QueryParametersAreOptions) {
  const http::Response response = respond(
      post(daily_csv(40), {}, {{"periods", "2"}, {"freq", "W"}, {"interval_width", "0.5"}}));
  EXPECT_THAT(response.body, HasSubstr("\n2024-02-11,"));
  EXPECT_THAT(response.body, HasSubstr("\n2024-02-18,"));
  EXPECT_EQ(std::count(response.body.begin(), response.body.end(), '\n'), 3);
  EXPECT_EQ(
      error_message(respond(post(daily_csv(40), {}, {{"priods", "2"}})), 400, "INVALID_ARGUMENT"),
      "no option 'priods': did you mean 'periods'?");
  EXPECT_EQ(error_message(respond(post(daily_csv(40), {}, {{"seed", "2"}, {"seed", "3"}})), 400,
                          "INVALID_ARGUMENT"),
            "the option 'seed' is given twice");
  EXPECT_THAT(error_message(respond(post(daily_csv(40), {}, {{"growth", "logistic"}})), 400,
                            "INVALID_ARGUMENT"),
              HasSubstr("give the option cap"));
  EXPECT_EQ(respond(post(daily_csv(40), {}, {{"growth", "logistic"}, {"cap", "1000"}})).status,
            200);
}

TEST(Respond, FaultsOfTheBodyNameTheirPlace) {
  EXPECT_THAT(error_message(respond(post("")), 400, "INVALID_ARGUMENT"), HasSubstr("is empty"));
  EXPECT_THAT(error_message(respond(post("ds,y\n2024-01-01,x\n")), 400, "INVALID_ARGUMENT"),
              HasSubstr("line 2: column 'y': 'x'"));
  EXPECT_THAT(error_message(respond(post("ds,y\n2024-01-01,1\n")), 400, "INVALID_ARGUMENT"),
              HasSubstr("at least 2 are needed"));
  EXPECT_THAT(error_message(respond(post("{\"history\": [")), 400, "INVALID_ARGUMENT"),
              HasSubstr("line 1"));
}

TEST(Respond, HasHealthAndUsageAndNothingElse) {
  EXPECT_EQ(respond(get("/health")).body, "{\"status\":\"ok\"}\n");
  EXPECT_EQ(respond(get("/health", "HEAD")).status, 200);
  EXPECT_THAT(respond(get("/")).body, HasSubstr("POST /predict"));
  EXPECT_THAT(error_message(respond(get("/prdict")), 404, "NOT_FOUND"), HasSubstr("/predict"));
  const http::Response wrong = respond(get("/predict"));
  EXPECT_THAT(error_message(wrong, 405, "UNIMPLEMENTED"), HasSubstr("use POST"));
  EXPECT_EQ(wrong.headers.get("allow"), "POST");
  EXPECT_EQ(respond(get("/health", "DELETE")).headers.get("allow"), "GET, HEAD");
}

TEST(Respond, DrawsWithPlainLettersWhereTheTextIsToBeAscii) {
  const auto drawn = [](const char* accept) {
    return respond(post(daily_csv(40), {{"accept", accept}})).body;
  };
  const auto is_ascii = [](const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0; });
  };
  EXPECT_TRUE(is_ascii(drawn("text/plain;charset=us-ascii")));
  EXPECT_THAT(drawn("text/plain; charset=US-ASCII"), HasSubstr("* history"));
  EXPECT_FALSE(is_ascii(drawn("text/plain")));
}

TEST(Respond, CrossValidatesAsTheCommandDoes) {
  const auto asked = [](http::Query query, http::Headers headers) {
    http::Request request = post(daily_csv(100), std::move(headers), std::move(query));
    request.path = "/cross_validate";
    return respond(request);
  };
  const http::Query query = {
      {"horizon", "7 days"}, {"period", "7d"}, {"initial", "50 days"}, {"n_changepoints", "2"}};
  const http::Response csv = asked(query, {{"content-type", "text/csv"}});
  EXPECT_EQ(csv.status, 200) << csv.body;
  EXPECT_THAT(csv.body, StartsWith("horizon,mse,rmse,mae,mape,mdape,smape,coverage\n"));
  const http::Response json =
      asked(query, {{"content-type", "text/csv"}, {"accept", "application/json"}});
  EXPECT_EQ(Json::parse(json.body).value()["metrics"].as_array().size(), 7u);
  EXPECT_THAT(error_message(asked({}, {}), 400, "INVALID_ARGUMENT"), HasSubstr("horizon"));
  EXPECT_THAT(error_message(asked({{"horizon", "a while"}}, {}), 400, "INVALID_ARGUMENT"),
              HasSubstr("a while"));
  EXPECT_THAT(error_message(asked({{"horizon", "90 days"}}, {}), 400, "INVALID_ARGUMENT"),
              HasSubstr("too short"));
  http::Request many = post(daily_csv(40'000), {}, {{"horizon", "30d"}, {"period", "60d"}});
  many.path = "/cross_validate";
  EXPECT_THAT(error_message(respond(many), 400, "INVALID_ARGUMENT"),
              HasSubstr("make period longer"));
}

TEST(Respond, CrossValidationsHaveOneBoundOfDrawsAndEndWithTheirCaller) {
  http::Request many = post(daily_csv(1500), {},
                            {{"horizon", "300 days"},
                             {"period", "10d"},
                             {"initial", "100 days"},
                             {"uncertainty_samples", "10000"}});
  many.path = "/cross_validate";
  EXPECT_THAT(error_message(respond(many), 400, "INVALID_ARGUMENT"),
              HasSubstr("lower uncertainty_samples or make period longer"));
  http::Request few = post(daily_csv(100), {}, {{"horizon", "7 days"}, {"initial", "50 days"}});
  few.path = "/cross_validate";
  int asked = 0;
  const auto is_wanted = [&] { return ++asked <= 2; };
  error_message(respond(few, nullptr, nullptr, is_wanted), 499, "CANCELLED");
  EXPECT_LE(asked, 2 + 5) << "the fit under way, and no cutoff after it";
}

TEST(Respond, DescribesItselfInOpenApiWithExamplesThatWork) {
  const Json api = Json::parse(respond(get("/openapi.json")).body).value();
  for (const char* path : {"/predict", "/cross_validate", "/ready", "/metrics"}) {
    EXPECT_NE(api["paths"].find(path), nullptr) << path;
  }
  for (const auto& [path, operations] : api["paths"].as_object()) {
    const Json& content = operations["post"]["requestBody"]["content"];
    if (!content.is_object()) continue;
    for (const auto& [type, media] : content.as_object()) {
      const Json& example = media["example"];
      http::Request request = post(example.is_string() ? example.as_string() : example.dump(),
                                   {{"content-type", type}});
      request.path = path;
      const std::string query = operations["post"].string_or("x-example-query");
      const size_t equals = query.find('=');
      request.query = {{query.substr(0, equals), query.substr(equals + 1)}};
      EXPECT_EQ(respond(request).status, 200) << path << " " << respond(request).body;
    }
  }
  EXPECT_THAT(respond(get("/docs")).body, StartsWith("<!doctype html>"));
  EXPECT_THAT(respond(get("/docs")).headers.get("content-security-policy"), HasSubstr("'none'"));
}

}  // namespace
}  // namespace thaw::predict
