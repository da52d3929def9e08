// Pushes to a real server on loopback.
#include "messaging/pusher.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/base64.h"
#include "http/server.h"
#include "io_linux/kernel_entropy.h"
#include "io_linux/loop_testing.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "store/state.h"

namespace thaw::messaging {
namespace {

const std::string kTopic = "projects/p/topics/news";
const std::string kSub = "projects/p/subscriptions/pusher";

Instant at(double time) { return Instant(seconds(time)); }

TEST(PushPace, GrowsWithSuccessHalvesAndPausesWithFailure) {
  PushPace pace;
  EXPECT_EQ(pace.room(at(0), 0, 0), 3);
  for (int i = 0; i < 5; ++i) pace.succeeded();
  EXPECT_EQ(pace.room(at(0), 2, 0), 6);
  pace.failed(at(0));
  EXPECT_EQ(pace.room(at(0.05), 0, 0), 0);
  EXPECT_EQ(pace.room(at(0.1), 0, 0), 4);
  pace.failed(at(1));
  EXPECT_EQ(pace.paused_until(), at(1.2));
  for (int i = 0; i < 20; ++i) pace.failed(at(2));
  EXPECT_EQ(pace.paused_until(), at(62));
  EXPECT_EQ(pace.room(at(62), 0, 0), 1);
}

TEST(PushPace, AServiceOfOursTakesWhatItHasPlacesForWhateverFails) {
  PushPace pace;
  pace.failed(at(0));
  EXPECT_EQ(pace.room(at(0), 5, 12), 7);
  EXPECT_EQ(pace.room(at(0), 12, 12), 0);
  EXPECT_EQ(pace.room(at(0), 0, 100'000), PushPace::kMost);
}

TEST(Endpoint, IsTakenApart) {
  const auto full = parse_endpoint("http://Demo.localhost:8080/in?x=1");
  ASSERT_TRUE(full);
  EXPECT_EQ(full->host, "demo.localhost");
  EXPECT_EQ(full->port, 8080);
  EXPECT_EQ(full->target, "/in?x=1");
  EXPECT_EQ(full->authority(), "demo.localhost:8080");
  EXPECT_EQ(parse_endpoint("http://[::1]:9?q")->host, "[::1]");
  EXPECT_EQ(parse_endpoint("http://[::1]:9?q")->target, "/?q");
  EXPECT_EQ(parse_endpoint("http://host")->target, "/");
  for (const char* bad : {"", "ftp://x", "http://", "http://a:0/", "http://a:70000/", "http://a b/",
                          "http://u@h/", "http://h/\r\nx: y", "http://h/#f", "https://h/"}) {
    EXPECT_EQ(parse_endpoint(bad).error().code(), Code::kInvalidArgument) << bad;
  }
  EXPECT_EQ(parse_endpoint("https://h/").error().message(),
            "pushConfig.pushEndpoint: 'https://h/' is an https:// URL; Thaw pushes to http:// "
            "endpoints only");
}

TEST(PushRequest, HasTheShapesOfTheRealService) {
  Subscription sub{.name = kSub, .topic = kTopic};
  sub.push = PushConfig{.endpoint = "http://h/"};
  const Received received{"id", {7, WallTime(seconds(1)), {"hi", {{"k", "v"}}, "key"}}, 3};
  EXPECT_EQ(push_request(sub, received).body,
            R"({"message":{"data":"aGk=","attributes":{"k":"v"},"messageId":"7",)"
            R"("publishTime":"1970-01-01T00:00:01Z","message_id":"7",)"
            R"("publish_time":"1970-01-01T00:00:01Z","orderingKey":"key"},)"
            R"("subscription":"projects/p/subscriptions/pusher","deliveryAttempt":3})");
  sub.push->wrapping = PushConfig::Wrapping::kPlainWithMetadata;
  Received hostile = received;
  hostile.stored.message.attributes = {
      {"k", "v"}, {"Host", "evil"}, {"bad name", "x"}, {"b", "\r\n"}};
  const http::Request plain = push_request(sub, hostile);
  EXPECT_EQ(plain.body, "hi");
  EXPECT_EQ(plain.headers.get("x-goog-pubsub-message-id"), "7");
  EXPECT_EQ(plain.headers.get("k"), "v");
  for (const char* absent : {"host", "bad name", "b"}) {
    EXPECT_FALSE(plain.headers.find(absent)) << absent;
  }
}

class PusherTest : public ::testing::Test, public PushTargets {
 protected:
  PusherTest() {
    char path[] = "/tmp/thaw-push-XXXXXX";
    folder_ = ::mkdtemp(path);
    database_ = *store::open_state(folder_ + "/state.db", "2026-01-01T00:00:00Z");
    journal_ = *store::open_state(folder_ + "/state.db", "2026-01-01T00:00:00Z");
    worker_.emplace(loop_);
    bus_.emplace(loop_, entropy_, *worker_, *database_, *journal_);
    EXPECT_TRUE(bus_->load());
    server_.emplace(net_, loop_, http::Server::Options(),
                    [this](http::Request request, http::Responder responder) {
                      handle(std::move(request), std::move(responder));
                    });
    address_ = *server_->listen({"127.0.0.1", 0});
    pusher_.emplace(*bus_, loop_, net_, *this);
    pusher_->start();
    EXPECT_TRUE(bus_->create_topic({kTopic, {}, {}}));
  }
  ~PusherTest() override {
    pusher_.reset();
    server_.reset();
    bus_.reset();
    worker_.reset();
    std::filesystem::remove_all(folder_);
  }

  Result<Target> find(const Endpoint&) const override {
    ++searches_;
    if (lost_) return Error(Code::kInvalidArgument, "leads nowhere");
    return Target{address_, places_};
  }
  Result<std::string> token(const std::string& account,
                            const std::string& audience) const override {
    return account + "|" + audience;
  }

  void subscribe(const std::string& settings = "{}") {
    Json json = *Json::parse(settings);
    json.set("topic", kTopic);
    json.set("pushConfig", Json::object({{"pushEndpoint", "http://" + address_.str() + "/in"}}));
    EXPECT_TRUE(bus_->create_subscription(*subscription_from_json(json, kSub)));
  }
  void publish(std::vector<Message> messages) {
    bool done = false;
    bus_->publish(kTopic, std::move(messages), [&](auto ids) { done = ids.has_value(); });
    io_linux::run_until(loop_, [&] { return done; });
  }
  void handle(http::Request request, http::Responder responder) {
    authorization_ = request.headers.get("authorization");
    const Json body = *Json::parse(request.body);
    const std::string data = *from_base64(body["message"].string_or("data"));
    seen_.push_back(data);
    if (hold_) return held_.push_back(std::move(responder));
    responder.answer(http::Response::text(statuses_.empty() ? 204 : statuses_[data], answer_));
  }
  size_t backlog() { return bus_->backlog(kSub)->messages; }

  mutable int searches_ = 0;  // for an endpoint
  bool lost_ = false;
  std::string authorization_;  // of the last push
  std::string folder_;
  io_linux::EpollLoop loop_;
  io_linux::TcpNet net_{loop_};
  io_linux::KernelEntropy entropy_;
  std::unique_ptr<store::Database> database_, journal_;
  std::optional<io_linux::ThreadWorker> worker_;
  std::optional<Bus> bus_;
  std::optional<http::Server> server_;
  std::optional<Pusher> pusher_;
  io::SocketAddress address_;
  int places_ = 0;
  std::map<std::string, int> statuses_;
  std::vector<std::string> seen_;
  std::string answer_;  // the body of all answers
  bool hold_ = false;
  std::vector<http::Responder> held_;
};

TEST_F(PusherTest, PushesWhatIsPublishedAndAcknowledgesIt) {
  subscribe();
  std::vector<Message> messages;
  for (int i = 0; i < 50; ++i) messages.push_back({"m" + std::to_string(i), {}, ""});
  publish(messages);
  io_linux::run_until(loop_, [&] { return backlog() == 0; });
  EXPECT_EQ(seen_.size(), 50u);
}

TEST_F(PusherTest, CarriesAnIdentityTokenWhereTheSubscriptionAsksForOne) {
  const std::string endpoint = "http://" + address_.str() + "/in";
  subscribe();
  publish({{.data = "a"}});
  io_linux::run_until(loop_, [&] { return seen_.size() == 1 && backlog() == 0; });
  EXPECT_EQ(authorization_, "");
  Subscription subscription = *bus_->subscription(kSub);
  subscription.push->oidc = {"p@q", ""};
  ASSERT_TRUE(bus_->update_subscription(subscription));
  publish({{.data = "b"}});
  io_linux::run_until(loop_, [&] { return seen_.size() == 2 && backlog() == 0; });
  EXPECT_EQ(authorization_, "Bearer p@q|" + endpoint);
  subscription.push->oidc = {"p@q", "http://other"};
  ASSERT_TRUE(bus_->update_subscription(subscription));
  publish({{.data = "c"}});
  io_linux::run_until(loop_, [&] { return seen_.size() == 3 && backlog() == 0; });
  EXPECT_EQ(authorization_, "Bearer p@q|http://other");
}

TEST_F(PusherTest, OnlyTheStatusesOfTheContractAcknowledge) {
  for (int status = 100; status < 600; ++status) {
    const bool is =
        status == 102 || status == 200 || status == 201 || status == 202 || status == 204;
    EXPECT_EQ(is_ack(status), is) << status;
  }
}

TEST_F(PusherTest, AFailureComesAgainAndHoldsNoOtherUpAtAServiceOfOurs) {
  places_ = 4;
  statuses_ = {{"bad", 500}, {"good", 200}};
  subscribe();
  publish({{"bad", {}, ""}, {"good", {}, ""}, {"good", {}, ""}});
  io_linux::run_until(loop_, [&] { return backlog() == 1; });
  io_linux::run_until(loop_, [&] { return std::count(seen_.begin(), seen_.end(), "bad") >= 3; });
  statuses_["bad"] = 204;
  io_linux::run_until(loop_, [&] { return backlog() == 0; });
}

TEST_F(PusherTest, TheStatusDecidesHoweverLargeTheAnswer) {
  places_ = 1;
  answer_ = std::string(size_t{3} << 20, 'x');
  statuses_ = {{"bad", 500}, {"good", 200}};
  subscribe();
  publish({{"good", {}, ""}, {"bad", {}, ""}});
  io_linux::run_until(loop_, [&] { return std::count(seen_.begin(), seen_.end(), "bad") >= 2; });
  EXPECT_EQ(std::count(seen_.begin(), seen_.end(), "good"), 1);
  EXPECT_EQ(backlog(), 1u);
}

TEST_F(PusherTest, NeverMoreAtOnceThanTheServiceHasPlaces) {
  places_ = 3;
  hold_ = true;
  subscribe();
  std::vector<Message> messages(10, Message{"x", {}, ""});
  publish(messages);
  io_linux::run_until(loop_, [&] { return held_.size() == 3; });
  size_t answered = 0;
  while (answered < 10) {
    io_linux::run_until(loop_, [&] { return !held_.empty(); });
    EXPECT_LE(pusher_->under_way(), 3u);
    held_.back().answer(http::Response::text(200, ""));
    held_.pop_back();
    ++answered;
  }
  io_linux::run_until(loop_, [&] { return backlog() == 0; });
  EXPECT_EQ(seen_.size(), 10u);
}

TEST_F(PusherTest, OfAnOrderingKeyOneIsUnderWay) {
  places_ = 10;
  statuses_ = {{"a1", 200}, {"a2", 200}, {"a3", 200}};
  subscribe(R"({"enableMessageOrdering":true})");
  publish({{"a1", {}, "a"}, {"a2", {}, "a"}, {"a3", {}, "a"}});
  io_linux::run_until(loop_, [&] { return backlog() == 0; });
  EXPECT_EQ(seen_, (std::vector<std::string>{"a1", "a2", "a3"}));
}

TEST_F(PusherTest, WhatCameRoundTooOftenIsToldAndNotPushedAgain) {
  subscribe();
  std::vector<std::string> stopped;
  pusher_->on_loop([&](const Subscription& subscription, const Stored& stored) {
    EXPECT_EQ(subscription.name, kSub);
    stopped.push_back(stored.message.data);
  });
  hold_ = true;
  publish({{"on its way", {{"thawHops", "9"}}, ""}});
  io_linux::run_until(loop_, [&] { return held_.size() == 1; });
  EXPECT_EQ(pusher_->hops_beyond(""), 10);
  EXPECT_EQ(pusher_->hops_beyond("elsewhere"), 0);
  publish({{"endless", {{"thawHops", "10"}}, ""}, {"fresh", {}, ""}});
  io_linux::run_until(loop_, [&] { return !stopped.empty() && held_.size() == 2; });
  EXPECT_EQ(stopped, std::vector<std::string>{"endless"});
  hold_ = false;
  for (http::Responder& each : held_) each.answer(http::Response::text(200, ""));
  io_linux::run_until(loop_, [&] { return backlog() == 0; });
  EXPECT_EQ(seen_, (std::vector<std::string>{"on its way", "fresh"}));
  EXPECT_EQ(pusher_->hops_beyond(""), 0);
}

TEST_F(PusherTest, AnEndpointThatLeadsNowhereIsNotLookedForAtEachPublish) {
  lost_ = true;
  subscribe();
  publish({{"a", {}, ""}});
  publish({{"b", {}, ""}});
  EXPECT_EQ(searches_, 1) << "the next time is a minute later";
  lost_ = false;
  ASSERT_TRUE(bus_->update_subscription(*bus_->subscription(kSub)));
  io_linux::run_until(loop_, [&] { return backlog() == 0; });
  EXPECT_EQ(seen_, (std::vector<std::string>{"a", "b"})) << "a change is tried at once";
}

}  // namespace
}  // namespace thaw::messaging
