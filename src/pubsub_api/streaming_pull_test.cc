#include "pubsub_api/streaming_pull.h"

#include <gtest/gtest.h>

#include "messaging/bus_testing.h"
#include "pubsub_api/definitions.h"

namespace thaw::pubsub_api {
namespace {

const std::string kTopic = "projects/p/topics/news";
const std::string kSub = "projects/p/subscriptions/reader";

class StreamingPullTest : public messaging::BusTesting, public StreamingPull::Wire {
 protected:
  void make(const Json& more = Json::object()) {
    ASSERT_TRUE(bus().create_topic({kTopic, {}, {}}));
    Json json = more;
    json.set("topic", kTopic);
    ASSERT_TRUE(bus().create_subscription(*messaging::subscription_from_json(json, kSub)));
  }
  void send(const Json& request) {
    const auto bytes = definitions_.to_bytes("google.pubsub.v1.StreamingPullRequest", request);
    ASSERT_TRUE(bytes) << bytes.error().message();
    call_->on_request(*bytes);
  }
  void open(const Json& more = Json::object()) {
    Json first = more;
    first.set("subscription", kSub);
    if (first["streamAckDeadlineSeconds"].is_null()) first.set("streamAckDeadlineSeconds", 10);
    send(first);
  }
  void publish(const std::string& text) {
    bool done = false;
    bus().publish(kTopic, {{text, {{"a", "b"}}, ""}},
                  [&](const auto& ids) { done = ids.has_value(); });
    wait_for([&] { return done; });
  }
  Flow send(std::string response) override {
    responses_.push_back(*definitions_.to_json("google.pubsub.v1.StreamingPullResponse", response));
    return Flow::kGoOn;
  }
  void on_end(const Status& status) override {
    ended_ = status ? "OK" : std::string(code_name(status.error().code()));
  }
  const Json& message(size_t response) {
    return responses_.at(response)["receivedMessages"].as_array().at(0);
  }

  Service service_{bus()};
  Definitions definitions_;
  std::unique_ptr<StreamingPull> call_ = std::make_unique<StreamingPull>(service_, loop(), *this);
  std::vector<Json> responses_;
  std::string ended_;
};

TEST_F(StreamingPullTest, AMessageComesWithItsAckIdAndTheSubscriptionsProperties) {
  make(Json::object({{"enableMessageOrdering", true}}));
  open();
  EXPECT_TRUE(responses_.empty());
  publish("hi");
  ASSERT_EQ(responses_.size(), 1u);
  EXPECT_EQ(message(0)["message"].string_or("data"), "aGk=");
  EXPECT_EQ(message(0)["message"]["attributes"].string_or("a"), "b");
  EXPECT_TRUE(responses_[0]["subscriptionProperties"].bool_or("messageOrderingEnabled", false));
  send(Json::object({{"ackIds", Json::Array{message(0).string_or("ackId")}}}));
  EXPECT_EQ(bus().backlog(kSub)->messages, 0u);
  EXPECT_EQ(responses_.size(), 1u) << "acks are confirmed with exactly-once delivery only";
  EXPECT_EQ(ended_, "");
}

TEST_F(StreamingPullTest, NothingComesOverWhatTheClientAllowed) {
  make();
  open(Json::object({{"maxOutstandingMessages", 1}}));
  publish("a");
  publish("b");
  ASSERT_EQ(responses_.size(), 1u);
  send(Json::object({{"ackIds", Json::Array{message(0).string_or("ackId")}}}));
  ASSERT_EQ(responses_.size(), 2u);
  EXPECT_EQ(message(1)["message"].string_or("data"), "Yg==");
}

TEST_F(StreamingPullTest, ADeadlineOfZeroGivesAMessageBack) {
  make();
  open();
  publish("a");
  send(Json::object({{"modifyDeadlineAckIds", Json::Array{message(0).string_or("ackId")}},
                     {"modifyDeadlineSeconds", Json::Array{0}}}));
  ASSERT_EQ(responses_.size(), 2u);
  EXPECT_EQ(message(1)["message"].string_or("messageId"),
            message(0)["message"].string_or("messageId"));
}

TEST_F(StreamingPullTest, WithExactlyOnceDeliveryEachAcknowledgementIsConfirmed) {
  make(Json::object({{"enableExactlyOnceDelivery", true}}));
  open();
  publish("a");
  const Json::Array ack{message(0).string_or("ackId")};
  EXPECT_TRUE(responses_[0]["subscriptionProperties"].bool_or("exactlyOnceDeliveryEnabled", false));
  send(Json::object({{"modifyDeadlineAckIds", ack}, {"modifyDeadlineSeconds", Json::Array{30}}}));
  EXPECT_EQ(responses_.back()["modifyAckDeadlineConfirmation"]["ackIds"], Json(ack));
  send(Json::object({{"ackIds", ack}}));
  wait_for([&] { return responses_.size() == 3; });
  EXPECT_EQ(responses_.back()["acknowledgeConfirmation"]["ackIds"], Json(ack));
  send(Json::object({{"ackIds", ack}}));
  EXPECT_EQ(responses_.back()["acknowledgeConfirmation"]["invalidAckIds"], Json(ack));
}

TEST_F(StreamingPullTest, WrongRequestsEndTheStream) {
  make();
  const Json late = Json::object({{"maxOutstandingMessages", 5}});
  const Json deadline = Json::object({{"streamAckDeadlineSeconds", 5}});
  const Json uneven = Json::object({{"modifyDeadlineAckIds", Json::Array{"a"}}});
  for (const Json& second : {late, deadline, uneven}) {
    ended_.clear();
    call_ = std::make_unique<StreamingPull>(service_, loop(), *this);
    open();
    EXPECT_EQ(ended_, "");
    send(second);
    EXPECT_EQ(ended_, "INVALID_ARGUMENT") << second.dump();
  }
  for (const Json& first : {Json::object(), deadline, Json::object({{"subscription", kSub}})}) {
    ended_.clear();
    call_ = std::make_unique<StreamingPull>(service_, loop(), *this);
    send(first);
    EXPECT_EQ(ended_, "INVALID_ARGUMENT") << first.dump();
  }
}

TEST_F(StreamingPullTest, ItEndsAsItsSubscriptionDoes) {
  make();
  open();
  ASSERT_TRUE(bus().remove_subscription(kSub));
  EXPECT_EQ(ended_, "NOT_FOUND");
  call_ = std::make_unique<StreamingPull>(service_, loop(), *this);
  open();
  EXPECT_EQ(ended_, "NOT_FOUND");
}

TEST_F(StreamingPullTest, AfterTheClientsHalfCloseNothingComes) {
  make();
  open();
  call_->on_half_close();
  EXPECT_EQ(ended_, "OK");
  publish("a");
  EXPECT_TRUE(responses_.empty());
}

TEST_F(StreamingPullTest, AnEmptyRequestKeepsTheStreamAlive) {
  make();
  open();
  send(Json::object());
  EXPECT_EQ(ended_, "");
}

}  // namespace
}  // namespace thaw::pubsub_api
