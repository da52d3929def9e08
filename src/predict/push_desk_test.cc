#include "predict/push_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "http/client.h"
#include "http/server.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "predict/server.h"
#include "predict/server_testing.h"

namespace thaw::predict {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// An object store that has nothing but inputs, and holds their contents back where it should.
class Store {
 public:
  Store(io::Net& net, io::Loop& loop)
      : server_(net, loop, {}, [this](const http::Request& request, http::Responder responder) {
          handle(request, std::move(responder));
        }) {
    address = server_.listen({"127.0.0.1", 0}).value();
  }

  void release_one() {
    http::Responder next = std::move(held.front());
    held.erase(held.begin());
    next.answer(content());
  }

  io::SocketAddress address;
  std::string input = "ds,y\n2024-01-01,1\n2024-01-02,3\n2024-01-03,2\n";
  size_t size = 0;  // that it says of the input; 0: its own
  bool holds = false;
  std::vector<http::Responder> held;  // reads
  std::vector<std::string> calls;

 private:
  http::Response content() const {
    http::Response some{206, {}, input};
    some.headers.add("content-range",
                     "bytes 0-x/" + std::to_string(size == 0 ? input.size() : size));
    return some;
  }
  void handle(const http::Request& request, http::Responder responder) {
    calls.push_back(request.method + " " + request.target.substr(0, request.target.find('?')));
    if (request.target.starts_with("/download")) {
      if (!holds) return responder.answer(content());
      return held.push_back(std::move(responder));
    }
    if (request.method == "GET") return responder.answer(http::Response::json(404, "{}"));
    http::Response done = http::Response::json(200, R"({"generation":"1"})");
    done.headers.add("location", "http://there:1/session");
    responder.answer(std::move(done));
  }

  http::Server server_;
};

class PushDeskTest : public testing::Test {
 protected:
  void SetUp() override { address_ = server_->listen({"127.0.0.1", 0}).value(); }

  /// Its index in statuses_.
  size_t post(std::string target, std::string body) {
    const size_t index = statuses_.size();
    statuses_.push_back(0);
    http::Request request{.method = "POST", .target = std::move(target)};
    request.headers.add("content-type", "text/csv");
    request.body = std::move(body);
    calls_.push_back(client_.fetch(address_, std::move(request), seconds(100),
                                   [this, index](const Result<http::Response>& got) {
                                     statuses_[index] = got ? got->status : -1;
                                     if (got) last_headers_ = got->headers;
                                   }));
    return index;
  }
  size_t push(const std::string& name) {
    return post("/", R"({"message":{"attributes":{"eventType":"OBJECT_FINALIZE","bucketId":"in",)"
                     R"("objectId":")" +
                         name + R"(","objectGeneration":"7"}}})");
  }
  void run_until(const std::function<bool()>& done) { io_linux::run_until(loop_, done); }
  /// Until what was sent to the server before has been looked at, and what follows from it.
  void settle() {
    http::Request request{.method = "GET", .target = "/storage/v1/ping"};
    bool done = false;
    const auto call = client_.fetch(store_->address, std::move(request), seconds(100),
                                    [&](const Result<http::Response>&) { done = true; });
    run_until([&] { return done; });
  }
  /// A file that says it is of 33 MiB, with a first chunk of 250 series.
  void make_large() {
    store_->input = "unique_id,ds,y\n";
    for (int i = 0; i < 252; ++i) {
      for (const char* rest : {",2024-01-01,1\n", ",2024-01-02,2\n"}) {
        store_->input += "s" + std::to_string(i) + rest;
      }
    }
    store_->size = 33 << 20;
  }

  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  HeldWorker worker_;
  std::unique_ptr<Store> store_ = std::make_unique<Store>(net_, loop_);
  std::unique_ptr<ForecastServer> server_ = std::make_unique<ForecastServer>(
      net_, loop_, worker_, nullptr, BatchOptions{store_->address, "out"});
  io::SocketAddress address_;
  http::Client client_{net_, loop_};
  std::vector<std::unique_ptr<http::Call>> calls_;
  std::vector<int> statuses_;
  http::Headers last_headers_;
};

TEST_F(PushDeskTest, ALargeFileGoesOnWhileAsManyForecastsWaitAsMay) {
  for (size_t i = 0; i < ForecastServer::kMaxWaiting; ++i) {
    post("/predict", "ds,y\n2024-01-01,1\n2024-01-02,2\n");
  }
  run_until([&] { return worker_.held.size() == ForecastServer::kMaxWaiting; });
  make_large();
  const size_t file = push("large.csv");
  run_until([&] { return worker_.held.size() == ForecastServer::kMaxWaiting + 1; });
  const size_t late = post("/predict", "ds,y\n2024-01-01,1\n2024-01-02,2\n");
  run_until([&] { return statuses_[late] == 429; });
  EXPECT_EQ(statuses_[file], 0);
  EXPECT_THAT(store_->calls, Not(Contains("DELETE /session")));
}

TEST_F(PushDeskTest, AWorkerThatIsFullEndsTheUploadToo) {
  make_large();
  worker_.is_full = true;
  const size_t file = push("large.csv");
  run_until([&] { return statuses_[file] != 0; });
  EXPECT_EQ(statuses_[file], 429);
  EXPECT_THAT(store_->calls, Contains("DELETE /session"));
  EXPECT_EQ(store_->calls.back(), "POST /upload/storage/v1/b/out/o") << "the status";
}

TEST_F(PushDeskTest, DeliveriesAreCountedAsTheyWereAnswered) {
  const auto counted = [&] {
    std::string text;
    http::Request request{.method = "GET", .target = "/metrics"};
    const auto call =
        client_.fetch(address_, std::move(request), seconds(100),
                      [&](const Result<http::Response>& got) { text = got ? got->body : "?"; });
    run_until([&] { return !text.empty(); });
    return text;
  };
  const size_t bad = post("/", "no push");
  run_until([&] { return statuses_[bad] != 0; });
  store_->holds = true;
  const size_t good = push("file"), left = push("file");
  run_until([&] { return store_->held.size() == 1; });
  settle();
  calls_[left].reset();
  EXPECT_THAT(counted(), HasSubstr("inference_requests_total{path=\"/\",code=\"400\"} 1\n"));
  store_->release_one();
  run_until([&] { return worker_.held.size() == 1; });
  worker_.finish_all();
  run_until([&] { return statuses_[good] == 200; });
  const std::string text = counted();
  EXPECT_THAT(text, HasSubstr("inference_requests_total{path=\"/\",code=\"200\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("inference_requests_total{path=\"/\",code=\"499\"} 1\n"));
}

TEST_F(PushDeskTest, InputsAreReadAFewAtATimeAndSmallOnesMakeRoomAtOnce) {
  store_->holds = true;
  for (int i = 0; i < 6; ++i) push("file" + std::to_string(i) + ".csv");
  run_until([&] { return store_->held.size() == 4; });
  settle();
  EXPECT_EQ(store_->held.size(), 4u);
  store_->release_one();
  run_until([&] { return worker_.held.size() == 1; });
  settle();
  EXPECT_EQ(store_->held.size(), 3u) << "some bytes, and 96 MiB that may come";
  store_->release_one();
  run_until([&] { return store_->held.size() == 3 && worker_.held.size() == 2; });
  worker_.finish_all();
  run_until([&] { return store_->held.size() == 4; });
  while (!store_->held.empty()) store_->release_one();
  run_until([&] { return worker_.held.size() == 4; });
  worker_.finish_all();
  run_until([&] { return statuses_ == std::vector<int>(6, 200); });
}

TEST_F(PushDeskTest, MoreDeliveriesThanMayWaitAreTold429UnlessTheirCallersLeft) {
  store_->holds = true;
  const auto looked_at = [&](const std::string& name) {
    return std::count(store_->calls.begin(), store_->calls.end(),
                      "GET /storage/v1/b/out/o/" + name);
  };
  for (size_t i = 1; i < PushDesk::kMaxPushes; ++i) push("file" + std::to_string(i));
  run_until([&] {
    return std::all_of(statuses_.begin() + 1, statuses_.end(), [&, i = 1](int) mutable {
      return looked_at("file" + std::to_string(i++)) == 1;
    });
  });
  // One of the two waits for the job that is under way, whichever comes first.
  const size_t one = push("file1"), other = push("file1");
  run_until([&] { return statuses_[one] != 0 || statuses_[other] != 0; });
  EXPECT_EQ(statuses_[one] + statuses_[other], 429);
  EXPECT_EQ(last_headers_.get("retry-after"), "1");
  calls_[statuses_[one] == 0 ? one : other].reset();
  run_until([&, late = push("late")]() mutable {
    if (statuses_[late] == 429) late = push("late");  // the close was not seen yet
    return looked_at("late") == 1;
  });
}

}  // namespace
}  // namespace thaw::predict
