// The Open Inference Protocol's gRPC form over a real loopback socket.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/h2_testing.h"
#include "inference/server_testing.h"
#include "rpc/message.h"
#include "rpc/wire.h"

namespace thaw::inference {
namespace {

using testing::HasSubstr;

class InferenceOverGrpc : public ServerTest {
 protected:
  void connect() {
    std::unique_ptr<io::Stream> stream;
    const auto connecting = net_.connect(address_, [&](auto s) { stream = *std::move(s); });
    io_linux::run_until(loop_, [&] { return stream != nullptr; });
    client_h2_ = std::make_unique<http::H2TestClient>(loop_, std::move(stream));
  }
  const http::H2TestClient::Answer& infer(const std::string& message) {
    std::string framed;
    rpc::append_message(framed, message);
    auto& answer = client_h2_->request({{":method", "POST"},
                                        {":scheme", "http"},
                                        {":path", "/inference.GRPCInferenceService/ModelInfer"},
                                        {":authority", "x"},
                                        {"content-type", "application/grpc"},
                                        {"te", "trailers"}},
                                       http::H2Session::End::kNo);
    client_h2_->send(answer, framed);
    client_h2_->finish(answer);
    io_linux::run_until(loop_, [&] { return answer.closed; });
    return answer;
  }
  static std::string question(const std::string& context) {
    rpc::WireWriter out;
    out.bytes(3, "7");
    for (const auto& [name, text] : {std::pair<std::string, std::string>("question", "Who?"),
                                     std::pair<std::string, std::string>("context", context)}) {
      const auto tensor = out.begin(5);
      out.bytes(1, name);
      out.bytes(2, "BYTES");
      out.packed(3, std::vector<int64_t>{1});
      const auto contents = out.begin(5);
      out.bytes(8, text);
      out.end(contents);
      out.end(tensor);
    }
    return std::move(out).take();
  }

  std::unique_ptr<http::H2TestClient> client_h2_;
};

TEST_F(InferenceOverGrpc, AnswersInTensors) {
  serve({"distilbert-qa"});
  load();
  connect();
  const auto& answer = infer(question("Ada came."));
  EXPECT_EQ(answer.trailers.get("grpc-status"), "0");
  for (const char* word : {"distilbert-qa", "answer", "score", "Ada"}) {
    EXPECT_THAT(answer.body, HasSubstr(word));
  }
}

TEST_F(InferenceOverGrpc, ATextIsNoLongerThanThatOfAnyOtherPath) {
  serve({"distilbert-qa"});
  load();
  connect();
  const auto& answer = infer(question(std::string(kLongestText + 1, '"')));
  EXPECT_EQ(answer.headers.get("grpc-status"), "3");
  EXPECT_THAT(std::string(answer.headers.get("grpc-message")),
              HasSubstr("inputs[0].context: has 4194305 bytes"));
}

TEST_F(InferenceOverGrpc, WhatCannotWaitIsNotRead) {
  serve({"distilbert-qa"});  // loads never: all wait
  std::vector<std::shared_ptr<Answer>> waiting;
  for (int i = 0; i < 512; ++i) {
    waiting.push_back(send("POST", "/predict", R"({"question":"a","context":"b"})"));
  }
  const auto length = [&] {
    const auto metrics = send("GET", "/metrics");
    wait(metrics);
    return metrics->response->body;
  };
  while (length().find("inference_queue_length 512") == std::string::npos) {
  }
  connect();
  rpc::WireWriter no_tensor;
  no_tensor.bytes(5, "\xff");
  const auto& answer = infer(std::move(no_tensor).take());
  EXPECT_EQ(answer.headers.get("grpc-status"), "8") << answer.headers.get("grpc-message");
  EXPECT_EQ(answer.headers.get("retry-after"), "1");
  rpc::WireWriter other;
  other.bytes(1, "none");
  EXPECT_EQ(infer(std::move(other).take()).headers.get("grpc-status"), "5");
}

}  // namespace
}  // namespace thaw::inference
