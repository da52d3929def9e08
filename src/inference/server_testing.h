// ServerTest: a ModelServer on a loopback socket, with the reference models of tests/data/encoders,
// and a client. For tests. Thread: the test's. Owner: itself. Limits: none.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/client.h"
#include "inference/model_server.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "tokenize/files.h"

namespace thaw::inference {

inline const std::string kFolder = THAW_SOURCE_DIR "/tests/data/encoders/";

class ServerTest : public ::testing::Test {
 protected:
  ~ServerTest() override {
    calls_.clear();
    server_.reset();
  }

  void serve(std::initializer_list<const char*> names) {
    std::vector<ModelSpec> specs;
    for (const char* name : names) specs.push_back({name, kFolder + name, {.threads = 1}});
    server_.emplace(net_, loop_, worker_, reader_, specs, Duration(0));
    address_ = *server_->listen({"127.0.0.1", 0});
  }
  void load() {
    std::optional<Status> loaded;
    server_->load([&](const Status& status) { loaded = status; });
    io_linux::run_until(loop_, [&] { return loaded.has_value(); });
    ASSERT_TRUE(*loaded) << loaded->error().message();
  }

  struct Answer {
    std::optional<http::Response> response;
    Json json() const { return *Json::parse(response->body); }
  };
  /// Sends and does not wait.
  std::shared_ptr<Answer> send(const std::string& method, const std::string& target,
                               std::string body = "", http::Headers headers = {}) {
    auto answer = std::make_shared<Answer>();
    http::Request request{.method = method, .target = target, .headers = std::move(headers)};
    request.body = std::move(body);
    calls_.push_back(client_.fetch(address_, std::move(request), seconds(60),
                                   [answer](Result<http::Response> got) {
                                     ASSERT_TRUE(got) << got.error().message();
                                     answer->response = *std::move(got);
                                   }));
    return answer;
  }
  void wait(const std::shared_ptr<Answer>& answer) {
    io_linux::run_until(loop_, [&] { return answer->response.has_value(); });
  }
  Json call(const std::string& method, const std::string& target, const std::string& body = "",
            int status = 200) {
    const auto answer = send(method, target, body);
    wait(answer);
    EXPECT_EQ(answer->response->status, status) << answer->response->body;
    last_ = *answer->response;
    return answer->json();
  }
  Json post(const std::string& target, const Json& body) {
    return call("POST", target, body.dump());
  }
  std::string refused(const std::string& target, const std::string& body, int status = 400) {
    const Json json = call("POST", target, body, status);
    EXPECT_EQ(json["error"].int_or("code", 0), status);
    return json["error"].string_or("message");
  }
  static Json reference(const std::string& name) {
    return *Json::parse(tokenize::read_text_file(kFolder + name + "/reference.json").value());
  }

  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  io_linux::ThreadWorker worker_{loop_}, reader_{loop_};
  std::optional<ModelServer> server_;
  io::SocketAddress address_;
  http::Client client_{net_, loop_};
  std::vector<std::unique_ptr<http::Call>> calls_;
  http::Response last_;
};

}  // namespace thaw::inference
