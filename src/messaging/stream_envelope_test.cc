#include "messaging/stream_envelope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"

namespace thaw::messaging {
namespace {

using testing::HasSubstr;

SourceConfig config_of(std::string_view more) {
  const std::string text = R"({"name":"s","service":"w","stream":"pa pers","group":"g",)"
                           R"("redis":{"address":"localhost:6379"})" +
                           std::string(more) + "}";
  const auto config = source_from_json(*Json::parse(text));
  EXPECT_TRUE(config) << config.error().message();
  return *config;
}

const StreamEntry kEntry{.id = {1526919030474, 55},
                         .key = "k\"y",
                         .attempts = 0,
                         .fields = {{"doc", "a.txt"}, {"n", "7"}}};

TEST(StreamEnvelope, OneEntryIsABinaryModeCloudEvent) {
  const http::Request request = envelope_of(config_of(R"(,"path":"/in")"), {&kEntry}, 1);
  EXPECT_EQ(request.method + " " + request.target, "POST /in");
  EXPECT_EQ(*request.headers.find("ce-id"), "1526919030474-55");
  EXPECT_EQ(*request.headers.find("ce-specversion"), "1.0");
  EXPECT_EQ(*request.headers.find("ce-subject"), "pa%20pers");
  EXPECT_EQ(*request.headers.find("ce-partitionkey"), "k%22y");
  EXPECT_EQ(*request.headers.find("ce-time"), "2018-05-21T16:10:30.474000Z");
  EXPECT_EQ(*request.headers.find("content-type"), "application/json");
  EXPECT_EQ(request.body, R"({"doc":"a.txt","n":"7"})");
}

TEST(StreamEnvelope, TheDataFieldIsTheBodyAsItIs) {
  const auto config = config_of(R"(,"dataField":"doc","dataContentType":"text/plain")");
  const http::Request request = envelope_of(config, {&kEntry}, 1);
  EXPECT_EQ(request.body, "a.txt");
  EXPECT_EQ(*request.headers.find("content-type"), "text/plain");
}

TEST(StreamEnvelope, SeveralEntriesAreABatchOfCloudEvents) {
  const http::Request request = envelope_of(config_of(""), {&kEntry, &kEntry}, 1);
  EXPECT_THAT(*request.headers.find("content-type"),
              HasSubstr("application/cloudevents-batch+json"));
  const Json events = *Json::parse(request.body);
  ASSERT_EQ(events.as_array().size(), 2u);
  EXPECT_EQ(events.as_array()[1].string_or("id"), "1526919030474-55");
  EXPECT_EQ(events.as_array()[1]["data"].string_or("n"), "7");
}

TEST(StreamEnvelope, PubsubIsThePushEnvelope) {
  const http::Request request =
      envelope_of(config_of(R"(,"format":"pubsub","dataField":"doc")"), {&kEntry}, 3);
  const Json body = *Json::parse(request.body);
  EXPECT_EQ(body["deliveryAttempt"].as_int(), 3);
  EXPECT_EQ(*from_base64(body["message"].string_or("data")), "a.txt");
  EXPECT_EQ(body["message"]["attributes"].string_or("n"), "7");
  EXPECT_EQ(body["message"].string_or("orderingKey"), "k\"y");
}

TEST(SourceConfig, ReadsBackWhatItWrites) {
  const SourceConfig config =
      config_of(R"(,"batch":7,"deadLetterStream":"d","orderingField":"doc","minBackoff":"2s",)"
                R"("timeout":"1m")");
  const Json json = to_json(config);
  EXPECT_EQ(to_json(*source_from_json(json)), json);
  EXPECT_EQ(config.claim_after, seconds(600));
}

TEST(SourceConfig, FaultsNameTheFieldAndNeverShowAPassword) {
  const struct {
    const char* more;
    const char* fault;
  } rows[] = {
      {R"(,"batch":1001)", "batch: 1001: must be a whole number from 1 to 1000"},
      {R"(,"format":"xml")", "format: 'xml' is neither"},
      {R"(,"format":"pubsub","batch":2)", "batch: must be 1"},
      {R"(,"deadLetterStream":"pa pers")", "deadLetterStream: is the stream itself"},
      {R"(,"claimAfter":"1s")", "claimAfter: is less than timeout"},
      {R"(,"path":"x")", "path: 'x' is no path"},
      {R"(,"strem":"x")", "strem: is unknown; did you mean 'stream'?"},
      {R"(,"redis":{"address":"u:secret@h:1"})", "redis.address: '(with an @)'"},
      {R"(,"redis":{"address":"127.0.0.1"})", "is not IP:PORT"},
      {R"(,"redis":{"address":"127.0.0.1:1","passwordFile":"x"})", "redis.passwordFile: 'x' is no"},
      {R"(,"redis":[])", "redis.: must be an object"},
  };
  for (const auto& row : rows) {
    Json json = *Json::parse(R"({"name":"s","service":"w","stream":"pa pers","group":"g",)"
                             R"("redis":{"address":"[::1]:6379"}})");
    const Json more = *Json::parse("{" + std::string(row.more + 1) + "}");
    for (const auto& [key, value] : more.as_object()) json.set(key, value);
    const auto config = source_from_json(json);
    ASSERT_FALSE(config) << row.more;
    EXPECT_THAT(config.error().message(), HasSubstr(row.fault));
    EXPECT_THAT(config.error().message(), testing::Not(HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace thaw::messaging
