#include "predict/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "base/json.h"
#include "http/client.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "predict/series.h"

namespace thaw::predict {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string daily_csv(int rows) {
  std::string text = "ds,y\r\n";
  for (int i = 0; i < rows; ++i) {
    const Timestamp at = parse_timestamp("2024-01-01").value() + i * kDay;
    text +=
        format_timestamp(at, ClockPart::kShortest) + "," + std::to_string(i % 7 + i * 0.1) + "\r\n";
  }
  return text;
}

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

/// A worker whose jobs run when the test says so.
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

class HeldWorker final : public io::Worker {
 public:
  Status run(std::function<void()> job, std::function<void()> done) override {
    if (is_full) return Error(Code::kResourceExhausted, "full");
    held.emplace_back(std::move(job), std::move(done));
    return {};
  }
  void finish_all() {
    for (auto& [job, done] : std::exchange(held, {})) {
      job();
      done();
    }
  }
  std::vector<std::pair<std::function<void()>, std::function<void()>>> held;
  bool is_full = false;
};

class ForecastServerTest : public testing::Test {
 protected:
  void SetUp() override { address_ = server_->listen({"127.0.0.1", 0}).value(); }

  std::unique_ptr<io_linux::Collector> send(const std::string& text) {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net_.connect(
        address_, [&](Result<std::unique_ptr<io::Stream>> made) { stream = *std::move(made); });
    io_linux::run_until(loop_, [&] { return stream != nullptr; });
    auto client = std::make_unique<io_linux::Collector>(std::move(stream));
    EXPECT_EQ(io_linux::write_text(*client->stream, text).bytes, text.size());
    return client;
  }
  void await(const io_linux::Collector& client, std::string_view text) {
    io_linux::run_until(loop_, [&] { return client.text.find(text) != std::string::npos; });
  }
  static std::string predict_call(const std::string& query = "") {
    const std::string body = daily_csv(30);
    return "POST /predict" + query + " HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n" +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  HeldWorker worker_;
  std::unique_ptr<ForecastServer> server_ = std::make_unique<ForecastServer>(net_, loop_, worker_);
  io::SocketAddress address_;
};

TEST_F(ForecastServerTest, AnswersForecastsOverHttp) {
  const auto client = send(predict_call("?periods=3"));
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  worker_.finish_all();
  await(*client, "\n2024-02-02,");
  EXPECT_THAT(client->text, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(ForecastServerTest, HealthAnswersWhileAForecastIsComputed) {
  const auto slow = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  const auto health = send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*health, "\"ok\"");
  EXPECT_EQ(slow->text, "");
  worker_.finish_all();
  await(*slow, "yhat");
}

TEST_F(ForecastServerTest, TooManyWaitingForecastsAnswer429) {
  std::vector<std::unique_ptr<io_linux::Collector>> clients;
  for (size_t i = 0; i < ForecastServer::kMaxWaiting; ++i) clients.push_back(send(predict_call()));
  io_linux::run_until(loop_, [&] { return worker_.held.size() == clients.size(); });
  const auto late = send(predict_call());
  await(*late, "RESOURCE_EXHAUSTED");
  EXPECT_THAT(late->text, StartsWith("HTTP/1.1 429"));
  worker_.finish_all();
  for (const auto& client : clients) await(*client, "yhat");
  const auto after = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  worker_.finish_all();
  await(*after, "yhat");
}

TEST_F(ForecastServerTest, CountsWhatItAnswered) {
  const auto client = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  worker_.finish_all();
  await(*client, "yhat");
  const auto metrics = send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*metrics, "inference_requests_total{path=\"/predict\",code=\"200\"} 1\n");
  await(*metrics, "inference_queue_length 0\n");
}

TEST_F(ForecastServerTest, TheBodiesThatWaitAreBounded) {
  constexpr size_t kBody = 30 << 20, kFit = ForecastServer::kMaxWaitingBytes / kBody;
  http::Client client(net_, loop_);
  std::vector<std::unique_ptr<http::Call>> calls;
  std::optional<int> status;
  for (size_t i = 0; i <= kFit; ++i) {
    http::Request request = post(std::string(kBody, 'x'), {{"content-type", "text/csv"}});
    request.target = "/predict";
    calls.push_back(
        client.fetch(address_, std::move(request), seconds(60), [&](Result<http::Response> got) {
          ASSERT_TRUE(got) << got.error().message();
          status = got->status;
        }));
  }
  io_linux::run_until(loop_, [&] { return status && worker_.held.size() == kFit; });
  EXPECT_EQ(status, 429);
  calls.clear();
  worker_.finish_all();
}

TEST_F(ForecastServerTest, AWorkerThatIsFullAnswers429) {
  worker_.is_full = true;
  const auto client = send(predict_call());
  await(*client, "RESOURCE_EXHAUSTED");
}

TEST_F(ForecastServerTest, AClientThatLeavesHarmsNobody) {
  auto client = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  client.reset();
  const auto health = send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*health, "\"ok\"");  // the loop has seen the close by now or sees it with this
  worker_.finish_all();
  const auto after = send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*after, "\"ok\"");
}

TEST_F(ForecastServerTest, ABodyOverTheLimitAnswers413) {
  const auto client = send("POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 33554433\r\n\r\n");
  await(*client, "413");
}

TEST_F(ForecastServerTest, DrainingFinishesWhatRuns) {
  const auto client = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  bool drained = false;
  server_->drain([&] { drained = true; });
  EXPECT_FALSE(drained);
  worker_.finish_all();
  io_linux::run_until(loop_, [&] { return drained; });
  await(*client, "yhat");
}

TEST_F(ForecastServerTest, ComputesOnAnotherThread) {
  io_linux::ThreadWorker thread(loop_);
  ForecastServer server(net_, loop_, thread);
  address_ = server.listen({"127.0.0.1", 0}).value();
  std::vector<std::unique_ptr<io_linux::Collector>> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(send(predict_call("?periods=2")));
  for (const auto& client : clients) await(*client, "\n2024-02-01,");
}

TEST_F(ForecastServerTest, MayGoBeforeItsJobsEnd) {
  const auto client = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  server_.reset();
  worker_.finish_all();
  io_linux::run_until(loop_, [&] { return client->ended || client->error != 0; });
  EXPECT_EQ(client->text.find("yhat"), std::string::npos);
}

}  // namespace
}  // namespace thaw::predict
