// Pub/Sub's calls in protobuf's bytes, made and read by protobuf itself.
#include "pubsub_api/calls.h"

#include <gtest/gtest.h>

#include "messaging/bus_testing.h"
#include "pubsub_api/codec.h"

namespace thaw::pubsub_api {
namespace {

const std::string kPublisher = "/google.pubsub.v1.Publisher/";
const std::string kSubscriber = "/google.pubsub.v1.Subscriber/";

class CallsTest : public messaging::BusTesting {
 protected:
  /// The answer's JSON form, or {"fault": code name, "text": message, "details": status}.
  Json call(const std::string& path, const std::string& request) {
    const auto method = definitions_.method(path);
    if (!method) return Json::object({{"fault", code_name(method.error().code())}});
    const auto json = Json::parse(request);
    EXPECT_TRUE(json) << request;
    const auto bytes = definitions_.to_bytes(method->input, *json);
    EXPECT_TRUE(bytes) << (bytes ? "" : bytes.error().message());
    std::optional<Answer<std::string>> answer;
    const auto pending = calls_.call(path, *bytes, {}, [&](auto got) { answer = std::move(got); });
    wait_for([&] { return answer.has_value(); });
    if (*answer) return *definitions_.to_json(method->output, **answer);
    const Fault& fault = answer->error();
    Json shown =
        Json::object({{"fault", code_name(fault.error.code())}, {"text", fault.error.message()}});
    if (const std::string details = calls_.details(fault, 9); !details.empty()) {
      shown.set("details", *definitions_.to_json("google.rpc.Status", details));
    }
    return shown;
  }
  void make(const std::string& more = "") {
    call(kPublisher + "CreateTopic", R"({"name":"projects/p/topics/news"})");
    const Json made =
        call(kSubscriber + "CreateSubscription", R"({"name":"projects/p/subscriptions/reader",)"
                                                 R"("topic":"projects/p/topics/news")" +
                                                     more + "}");
    EXPECT_EQ(made.string_or("state"), "ACTIVE") << made.dump();
  }
  Json pull(int most = 10) {
    return call(kSubscriber + "Pull",
                R"({"subscription":"projects/p/subscriptions/reader","returnImmediately":true,)"
                R"("maxMessages":)" +
                    std::to_string(most) + "}");
  }

  Service service_{bus()};
  Calls calls_{service_};
  Definitions definitions_;
};

TEST_F(CallsTest, WhatIsPublishedIsPulledAndAcknowledged) {
  make();
  const Json published =
      call(kPublisher + "Publish",
           R"({"topic":"projects/p/topics/news","messages":[{"data":"aGVsbG8=",)"
           R"("attributes":{"kind":"csv","b":""},"orderingKey":"k"},{"attributes":{"a":"1"}}]})");
  ASSERT_EQ(published["messageIds"].as_array().size(), 2u) << published.dump();
  const Json got = pull();
  const Json& first = got["receivedMessages"].as_array().at(0);
  EXPECT_EQ(first["message"].string_or("data"), "aGVsbG8=");
  EXPECT_EQ(first["message"]["attributes"].string_or("kind"), "csv");
  EXPECT_EQ(first["message"]["attributes"].string_or("b", "none"), "");
  EXPECT_EQ(first["message"].string_or("orderingKey"), "k");
  EXPECT_EQ(first["message"]["messageId"], published["messageIds"].as_array().at(0));
  EXPECT_TRUE(parse_rfc3339(first["message"].string_or("publishTime")));
  EXPECT_EQ(call(kSubscriber + "Acknowledge",
                 R"({"subscription":"projects/p/subscriptions/reader","ackIds":[")" +
                     first.string_or("ackId") + "\"]}"),
            Json::object());
  EXPECT_EQ(bus().backlog("projects/p/subscriptions/reader")->messages, 1u);
}

TEST_F(CallsTest, ResourcesHaveTheFieldsThatTheDefinitionsName) {
  call(kPublisher + "CreateTopic", R"({"name":"projects/p/topics/dead"})");
  make(R"(,"ackDeadlineSeconds":20,"retryPolicy":{"minimumBackoff":"2.5s"},"labels":{"a":"b"},)"
       R"("deadLetterPolicy":{"deadLetterTopic":"projects/p/topics/dead"},)"
       R"("enableExactlyOnceDelivery":true,"filter":"attributes:kind",)"
       R"("pushConfig":{"pushEndpoint":"http://localhost:1/","attributes":{"x":"y"}})");
  const Json changed =
      call(kSubscriber + "UpdateSubscription",
           R"({"subscription":{"name":"projects/p/subscriptions/reader",)"
           R"("ackDeadlineSeconds":30},"updateMask":"ackDeadlineSeconds,labels"})");
  EXPECT_EQ(changed.int_or("ackDeadlineSeconds", 0), 30) << changed.dump();
  EXPECT_TRUE(changed["labels"].is_null());
  EXPECT_EQ(changed["retryPolicy"].string_or("minimumBackoff"), "2.500s");
  EXPECT_EQ(changed["deadLetterPolicy"].int_or("maxDeliveryAttempts", 0), 5);
  EXPECT_TRUE(changed.bool_or("enableExactlyOnceDelivery", false));
  const Json listed =
      call(kPublisher + "ListTopicSubscriptions", R"({"topic":"projects/p/topics/news"})");
  EXPECT_EQ(listed["subscriptions"], Json(Json::Array{"projects/p/subscriptions/reader"}));
  const Json page = call(kPublisher + "ListTopics", R"({"project":"projects/p","pageSize":1})");
  EXPECT_EQ(page["topics"].as_array().size(), 1u);
  EXPECT_EQ(page.string_or("nextPageToken"), "projects/p/topics/dead");
}

TEST_F(CallsTest, SnapshotsAreMadeChangedSoughtAndDeleted) {
  make();
  call(kPublisher + "Publish",
       R"({"topic":"projects/p/topics/news","messages":[{"data":"aGk="}]})");
  const Json made =
      call(kSubscriber + "CreateSnapshot", R"({"name":"projects/p/snapshots/before",)"
                                           R"("subscription":"projects/p/subscriptions/reader"})");
  EXPECT_EQ(made.string_or("topic"), "projects/p/topics/news") << made.dump();
  const Json changed =
      call(kSubscriber + "UpdateSnapshot", R"({"snapshot":{"name":"projects/p/snapshots/before",)"
                                           R"("labels":{"a":"b"}},"updateMask":"labels"})");
  EXPECT_EQ(changed["labels"].string_or("a"), "b") << changed.dump();
  const std::string lease = pull()["receivedMessages"].as_array().at(0).string_or("ackId");
  call(kSubscriber + "Acknowledge",
       R"({"subscription":"projects/p/subscriptions/reader","ackIds":[")" + lease + "\"]}");
  EXPECT_TRUE(pull()["receivedMessages"].is_null());
  EXPECT_EQ(call(kSubscriber + "Seek", R"({"subscription":"projects/p/subscriptions/reader",)"
                                       R"("snapshot":"projects/p/snapshots/before"})"),
            Json::object());
  EXPECT_EQ(pull()["receivedMessages"].as_array().size(), 1u);
  call(kSubscriber + "DeleteSnapshot", R"({"snapshot":"projects/p/snapshots/before"})");
  EXPECT_EQ(call(kSubscriber + "GetSnapshot", R"({"snapshot":"projects/p/snapshots/before"})")
                .string_or("fault"),
            "NOT_FOUND");
}

TEST_F(CallsTest, AnAckThatComesTooLateIsToldByItsIdWithExactlyOnceDelivery) {
  make(R"(,"enableExactlyOnceDelivery":true)");
  call(kPublisher + "Publish",
       R"({"topic":"projects/p/topics/news","messages":[{"data":"aGk="}]})");
  const std::string lease = pull()["receivedMessages"].as_array().at(0).string_or("ackId");
  const std::string end =
      R"({"subscription":"projects/p/subscriptions/reader","ackIds":[")" + lease + "\"]";
  call(kSubscriber + "ModifyAckDeadline", end + R"(,"ackDeadlineSeconds":0})");
  const Json late = call(kSubscriber + "Acknowledge", end + "}");
  EXPECT_EQ(late.string_or("fault"), "FAILED_PRECONDITION");
  const Json& info = late["details"]["details"].as_array().at(0);
  EXPECT_EQ(info.string_or("@type"), "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(info["metadata"].string_or(lease), "PERMANENT_FAILURE_INVALID_ACK_ID");
  const Json extended =
      call(kSubscriber + "ModifyAckDeadline", end + R"(,"ackDeadlineSeconds":10})");
  EXPECT_EQ(extended.string_or("fault"), "FAILED_PRECONDITION");
}

TEST_F(CallsTest, WhatThawHasNotIsRefusedWithAWord) {
  const Json schema = call("/google.pubsub.v1.SchemaService/CreateSchema",
                           R"({"parent":"projects/p","schema":{"type":"AVRO"}})");
  EXPECT_EQ(schema.string_or("fault"), "UNIMPLEMENTED");
  EXPECT_NE(schema.string_or("text").find("schemas"), std::string::npos);
  const Json topic = call(
      kPublisher + "CreateTopic",
      R"({"name":"projects/p/topics/t-1","schemaSettings":{"schema":"projects/p/schemas/s"}})");
  EXPECT_EQ(topic.string_or("fault"), "UNIMPLEMENTED");
  EXPECT_NE(topic.string_or("text").find("schemaSettings"), std::string::npos);
  EXPECT_EQ(call("/google.pubsub.v1.Publisher/Shout", "{}").string_or("fault"), "UNIMPLEMENTED");
}

TEST_F(CallsTest, FaultsHaveTheCodesOfTheRealService) {
  make();
  const std::string news = R"({"topic":"projects/p/topics/news","messages":)";
  EXPECT_EQ(
      call(kPublisher + "GetTopic", R"({"topic":"projects/p/topics/none"})").string_or("fault"),
      "NOT_FOUND");
  EXPECT_EQ(
      call(kPublisher + "CreateTopic", R"({"name":"projects/p/topics/news"})").string_or("fault"),
      "ALREADY_EXISTS");
  EXPECT_EQ(call(kPublisher + "CreateTopic", R"({"name":"news"})").string_or("fault"),
            "INVALID_ARGUMENT");
  EXPECT_EQ(call(kPublisher + "Publish", news + "[]}").string_or("fault"), "INVALID_ARGUMENT");
  EXPECT_EQ(call(kPublisher + "Publish", news + "[{}]}").string_or("text"),
            "messages[0]: must have data or an attribute");
  EXPECT_EQ(call(kPublisher + "ListTopics", R"({"project":"p"})").string_or("fault"),
            "INVALID_ARGUMENT");
  EXPECT_EQ(pull(0).string_or("fault"), "INVALID_ARGUMENT");
}

TEST_F(CallsTest, BytesThatAreNoMessageAreRefused) {
  for (const char* method : {"Publisher/Publish", "Publisher/CreateTopic", "Subscriber/Pull",
                             "Subscriber/Acknowledge", "Subscriber/ModifyAckDeadline"}) {
    std::optional<Answer<std::string>> answer;
    const auto pending = calls_.call(std::string("/google.pubsub.v1.") + method, "\x0a\xff", {},
                                     [&](auto got) { answer = std::move(got); });
    ASSERT_TRUE(answer && !*answer) << method;
    EXPECT_EQ(answer->error().error.code(), Code::kInvalidArgument) << method;
  }
}

TEST_F(CallsTest, APullWaitsForAMessage) {
  make();
  const auto request = definitions_.to_bytes(
      "google.pubsub.v1.PullRequest",
      Json::object({{"subscription", "projects/p/subscriptions/reader"}, {"maxMessages", 1}}));
  std::optional<Answer<std::string>> answer;
  const auto pending =
      calls_.call(kSubscriber + "Pull", *request, {}, [&](auto got) { answer = std::move(got); });
  EXPECT_TRUE(pending);
  EXPECT_FALSE(answer);
  call(kPublisher + "Publish",
       R"({"topic":"projects/p/topics/news","messages":[{"data":"aGk="}]})");
  ASSERT_TRUE(answer && *answer);
  EXPECT_NE((**answer).find("hi"), std::string::npos);
}

}  // namespace
}  // namespace thaw::pubsub_api
