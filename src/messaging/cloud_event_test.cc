#include "messaging/cloud_event.h"

#include <gtest/gtest.h>

#include "messaging/hops.h"

namespace thaw::messaging {
namespace {

Subscription subscription(const std::string& format) {
  Subscription made;
  made.topic = "projects/p/topics/t";
  made.push = PushConfig{.endpoint = "http://w.localhost/"};
  if (!format.empty()) made.push->attributes = {{"x-thaw-format", format}};
  return made;
}

TEST(CloudEvent, IsAskedForByThePushsAttribute) {
  EXPECT_TRUE(wants_cloud_events(subscription("cloudevents")));
  EXPECT_FALSE(wants_cloud_events(subscription("")));
  EXPECT_FALSE(wants_cloud_events(subscription("v1")));
  EXPECT_FALSE(wants_cloud_events(Subscription()));
}

TEST(CloudEvent, ABucketsEventHasTheObjectAsItsData) {
  Stored stored{.id = 7, .published = {}, .message = {}};
  stored.message.data = R"({"name":"a"})";
  stored.message.attributes = {
      {"eventType", "OBJECT_FINALIZE"}, {"bucketId", "in"}, {"objectId", "a b/\xc3\xa4\r\n%.csv"}};
  const http::Request event = cloud_event(subscription("cloudevents"), stored, "wrapped");
  EXPECT_EQ(event.body, R"({"name":"a"})");
  EXPECT_EQ(event.headers.get("ce-specversion"), "1.0");
  EXPECT_EQ(event.headers.get("ce-id"), "7");
  EXPECT_EQ(event.headers.get("ce-type"), "google.cloud.storage.object.v1.finalized");
  EXPECT_EQ(event.headers.get("ce-source"), "//storage.googleapis.com/projects/_/buckets/in");
  EXPECT_EQ(event.headers.get("ce-subject"), "objects/a%20b/%C3%A4%0D%0A%25.csv");
  EXPECT_EQ(event.headers.get("content-type"), "application/json");
}

TEST(CloudEvent, AnyOtherMessageHasThePushAsItsData) {
  const http::Request event = cloud_event(subscription("cloudevents"), {}, "wrapped");
  EXPECT_EQ(event.body, "wrapped");
  EXPECT_EQ(event.headers.get("ce-type"), "google.cloud.pubsub.topic.v1.messagePublished");
  EXPECT_EQ(event.headers.get("ce-source"), "//pubsub.googleapis.com/projects/p/topics/t");
}

TEST(Hops, AreReadFromTheMessageAndNothingElseCounts) {
  Message message;
  EXPECT_EQ(hops_of(message), 0);
  message.attributes = {{"thawHops", "3"}};
  EXPECT_EQ(hops_of(message), 3);
  for (const char* text : {"-3", "x", "", "99999999999999999999"}) {
    message.attributes = {{"thawHops", text}};
    EXPECT_EQ(hops_of(message), 0) << text;
  }
}

}  // namespace
}  // namespace thaw::messaging
