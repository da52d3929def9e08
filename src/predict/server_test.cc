#include "predict/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "http/client.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "predict/server_testing.h"

namespace thaw::predict {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

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

TEST_F(ForecastServerTest, ACallerThatLeftIsCountedAsGone) {
  auto client = send(predict_call());
  auto late = send(predict_call());
  io_linux::run_until(loop_, [&] { return worker_.held.size() == 2; });
  client.reset();
  const auto health = send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*health, "\"ok\"");  // the close is seen with it
  worker_.held[1].first();   // was forecast before its caller left
  late.reset();
  const auto again = send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*again, "\"ok\"");
  worker_.finish_all();
  const auto metrics = send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*metrics, "inference_queue_length 0\n");
  EXPECT_THAT(metrics->text,
              HasSubstr("inference_requests_total{path=\"/predict\",code=\"499\"} 2\n"));
  EXPECT_THAT(metrics->text, Not(HasSubstr("path=\"/predict\",code=\"200\"")));
}

TEST_F(ForecastServerTest, AForecastThatTakesTooLongIsGivenUpAndToldSo) {
  ForecastServer server(net_, loop_, worker_, nullptr, {}, nullptr, {}, Duration(0));
  address_ = server.listen({"127.0.0.1", 0}).value();
  const auto client = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  worker_.finish_all();
  await(*client, "the forecast was given up after 0 s");
  EXPECT_THAT(client->text, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(client->text, HasSubstr("OUT_OF_RANGE"));
}

TEST_F(ForecastServerTest, MetricsAreReadAndNothingElse) {
  const auto head = send("HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  io_linux::run_until(loop_, [&] { return head->ended; });
  EXPECT_THAT(head->text, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(head->text, EndsWith("\r\n\r\n"));
  const auto post = send("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  await(*post, "use GET, HEAD");
  EXPECT_THAT(post->text, StartsWith("HTTP/1.1 405 "));
  EXPECT_THAT(post->text, HasSubstr("llow: GET, HEAD\r\n"));
}

TEST_F(ForecastServerTest, TellsTheStepsOfItsStart) {
  ForecastServer server(net_, loop_, worker_, nullptr, {}, nullptr,
                        {.began = milliseconds(20), .loaded = milliseconds(50)});
  address_ = server.listen({"127.0.0.1", 0}).value();
  const auto metrics = send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*metrics, "inference_start_seconds{step=\"exec\"} 0.02\n");
  await(*metrics, "inference_start_seconds{step=\"load\"} 0.05\n");
  await(*metrics, "inference_start_seconds{step=\"listen\"} ");
  EXPECT_THAT(metrics->text, Not(HasSubstr("step=\"first answer\"")));
  const auto client = send(predict_call());
  io_linux::run_until(loop_, [&] { return !worker_.held.empty(); });
  worker_.finish_all();
  await(*client, "yhat");
  const auto after = send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*after, "inference_start_seconds{step=\"first answer\"} ");
}

TEST_F(ForecastServerTest, TheBodiesThatWaitAreBounded) {
  constexpr size_t kBody = 30 << 20, kFit = ForecastServer::kMaxWaitingBytes / kBody;
  http::Client client(net_, loop_);
  std::vector<std::unique_ptr<http::Call>> calls;
  std::optional<int> status;
  const auto send_one = [&] {
    http::Request request{.method = "POST", .target = "/predict"};
    request.headers.add("content-type", "text/csv");
    request.body = std::string(kBody, 'x');
    calls.push_back(
        client.fetch(address_, std::move(request), seconds(60), [&](Result<http::Response> got) {
          ASSERT_TRUE(got) << got.error().message();
          status = got->status;
        }));
  };
  for (size_t i = 0; i < kFit; ++i) send_one();
  io_linux::run_until(loop_, [&] { return worker_.held.size() == kFit; });
  EXPECT_FALSE(status);
  send_one();  // after them, because bodies that come in are bounded too
  io_linux::run_until(loop_, [&] { return status.has_value(); });
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
  await(*client, "\"status\":\"INVALID_ARGUMENT\"");
  EXPECT_TRUE(client->text.starts_with("HTTP/1.1 413 ")) << client->text;
  const auto metrics = send("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  await(*metrics, "inference_requests_total{path=\"\",code=\"413\"} 1");
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
