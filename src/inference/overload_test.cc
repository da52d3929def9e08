// The model server when more is asked than can wait.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <utility>

#include "inference/server_testing.h"

namespace thaw::inference {
namespace {

/// Runs `work` on a thread whose stack is small.
void with_small_stack(std::function<void()> work) {
  constexpr size_t kStack = 512 << 10;
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kStack), 0);
  pthread_t thread{};
  const auto run = [](void* function) -> void* {
    (*static_cast<std::function<void()>*>(function))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

using Overload = ServerTest;

/// One that is refused has its next request taken, which displaces another, and so on.
TEST_F(Overload, RefusalsDoNotNest) {
  with_small_stack([this] {
    serve({"bert-seqcls"});  // loads never: all wait
    constexpr size_t kCallers = 512;
    const auto request = [](const std::string& caller) {
      const std::string body = R"({"inputs":"x"})";
      return fmt::format(
          "POST /predict HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {}\r\nContent-Length: "
          "{}\r\n\r\n{}",
          caller, body.size(), body);
    };
    std::vector<std::unique_ptr<io_linux::Collector>> clients;
    const auto ask = [&](const std::string& bytes) {
      std::unique_ptr<io::Stream> stream;
      const auto connecting = net_.connect(address_, [&](auto s) { stream = *std::move(s); });
      io_linux::run_until(loop_, [&] { return stream != nullptr; });
      clients.push_back(std::make_unique<io_linux::Collector>(std::move(stream)));
      io_linux::write_text(*clients.back()->stream, bytes);
    };
    for (size_t i = 0; i < kCallers; ++i) {
      ask(request("loud") + request(fmt::format("quiet {}", i)));
    }
    for (int i = 0; i < 20; ++i) loop_.turn(milliseconds(1));
    ask(request("another"));
    const auto told = [&] {
      return std::count_if(clients.begin(), clients.end(), [](const auto& each) {
        return each->text.starts_with("HTTP/1.1 429 ");
      });
    };
    io_linux::run_until(loop_, [&] { return told() >= 500; });
    clients.clear();
    server_.reset();
  });
}

TEST_F(Overload, ABodyThatCannotWaitIsNotSent) {
  serve({"bert-seqcls"});  // loads never: all wait
  std::vector<std::shared_ptr<Answer>> waiting;
  for (int i = 0; i < 512; ++i) waiting.push_back(send("POST", "/predict", R"({"inputs":"x"})"));
  const auto ask = [&](const std::string& path) {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net_.connect(address_, [&](auto s) { stream = *std::move(s); });
    io_linux::run_until(loop_, [&] { return stream != nullptr; });
    io_linux::Collector client(std::move(stream));
    io_linux::write_text(*client.stream, fmt::format("POST {} HTTP/1.1\r\nHost: x\r\n"
                                                     "Expect: 100-continue\r\n"
                                                     "Content-Length: 1000000\r\n\r\n",
                                                     path));
    io_linux::run_until(loop_, [&] { return client.ended; });
    return client.text.substr(0, 12);
  };
  const auto is_full = [&] {
    const auto metrics = send("GET", "/metrics");
    wait(metrics);
    return metrics->response->body.find("inference_queue_length 512") != std::string::npos;
  };
  while (!is_full()) {
  }
  EXPECT_EQ(ask("/predict"), "HTTP/1.1 429");
  EXPECT_EQ(ask("/models/none/predict"), "HTTP/1.1 404");
}

/// Its jobs are done when the test says so.
struct HeldWorker final : io::Worker {
  Status run(std::function<void()> job, std::function<void()> done) override {
    held.emplace_back(std::move(job), std::move(done));
    return {};
  }
  void finish_all() {
    for (const auto& [job, done] : std::exchange(held, {})) {
      job();
      done();
    }
  }
  std::vector<std::pair<std::function<void()>, std::function<void()>>> held;
};

TEST_F(Overload, LargeBodiesAreReadAsideAndThoseAreBounded) {
  HeldWorker reader;
  server_.emplace(net_, loop_, worker_, reader,
                  std::vector<ModelSpec>{{"m", kFolder + "bert-seqcls", {.threads = 1}}},
                  Duration(0));
  address_ = *server_->listen({"127.0.0.1", 0});
  load();
  const std::string text(300'000, 'a');
  const auto read = send("POST", "/predict", Json::object({{"inputs", text}}).dump());
  const auto huge = send("POST", "/predict", R"({"inputs":")" + std::string(30 << 20, 'a') + "\"}");
  const auto left = send("POST", "/predict", std::string(300'000, '['));
  io_linux::run_until(loop_, [&] { return reader.held.size() == 3; });
  call("POST", "/predict", R"({"inputs":"small ones go on"})");
  const auto too_much = send("POST", "/predict", std::string(32 << 20, '['));
  const auto more = send("POST", "/predict", std::string(32 << 20, '['));
  io_linux::run_until(loop_, [&] { return too_much->response || more->response; });
  const auto& refused = too_much->response ? too_much : more;
  EXPECT_EQ(refused->response->status, 429);
  EXPECT_NE(refused->response->headers.get("retry-after"), "");
  calls_[2].reset();  // the one that is left
  for (int i = 0; i < 20; ++i) loop_.turn(milliseconds(1));
  reader.finish_all();
  wait(read);
  EXPECT_EQ(read->response->status, 200);
  wait(huge);
  EXPECT_EQ(huge->response->status, 400);
  EXPECT_FALSE(left->response);
  server_.reset();
  reader.finish_all();
}

}  // namespace
}  // namespace thaw::inference
