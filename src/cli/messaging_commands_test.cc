#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

using ::testing::HasSubstr;

class MessagingCommands : public ApiTest {
 protected:
  std::string body(size_t index) const { return api.requests.at(index).body; }
};

TEST_F(MessagingCommands, PublishSendsEachMessageWithItsAttributesAndPrintsIds) {
  api.on_json("POST /v1/projects/thaw/topics/news:publish", parsed(R"({"messageIds":["7","8"]})"));
  EXPECT_EQ(thaw({"publish", "news", "hi", "there", "--attribute", "a=b", "--ordering-key", "k"}),
            0);
  EXPECT_EQ(terminal.out, "7\n8\n");
  EXPECT_EQ(body(0), R"({"messages":[{"data":"aGk=","attributes":{"a":"b"},"orderingKey":"k"},)"
                     R"({"data":"dGhlcmU=","attributes":{"a":"b"},"orderingKey":"k"}]})");
  EXPECT_EQ(thaw({"publish", "news", "hi", "--attribute", "ab"}), 2);
}

TEST_F(MessagingCommands, LinesOfStandardInputAreMessagesInHundreds) {
  int messages = 0;
  api.on("POST /v1/projects/p/topics/news:publish", [&](const http::Request& request) {
    const size_t count = (*Json::parse(request.body))["messages"].as_array().size();
    EXPECT_LE(count, 100u);
    messages += static_cast<int>(count);
    return http::Response::json(200, R"({"messageIds":[]})");
  });
  for (int i = 0; i < 250; ++i) terminal.input += "line\n";
  EXPECT_EQ(thaw({"publish", "news", "--lines", "--project", "p"}), 0);
  EXPECT_EQ(messages, 250);
}

TEST_F(MessagingCommands, PullPrintsFirstAndAcknowledgesThen) {
  api.on_json("POST /v1/projects/thaw/subscriptions/reader:pull",
              parsed(R"({"receivedMessages":[{"ackId":"x","message":{"data":"aGkb","messageId":"7",
                         "attributes":{"a":"b"}}}]})"));
  api.on_json("POST /v1/projects/thaw/subscriptions/reader:acknowledge", Json::object());
  EXPECT_EQ(thaw({"pull", "reader", "--limit", "5"}), 0);
  EXPECT_EQ(terminal.out, "hi\\x1b\n");
  EXPECT_THAT(terminal.err, HasSubstr("id 7, a=b"));
  EXPECT_EQ(body(1), R"({"ackIds":["x"]})");
  terminal.out_fault = Error(Code::kCancelled, "nobody reads");
  api.requests.clear();
  EXPECT_EQ(thaw({"pull", "reader"}), 0);  // a reader that went away is no failure
  EXPECT_EQ(api.requests.size(), 1u);      // what nobody saw is not acknowledged
}

TEST_F(MessagingCommands, ASubscriptionPushesToAServiceByItsAddress) {
  api.on_json(std::string("GET ") + kServices + "/hello",
              parsed(R"({"status":{"url":"http://hello.localhost:1"}})"));
  api.on_json("PUT /v1/projects/thaw/subscriptions/caller", Json::object());
  EXPECT_EQ(thaw({"subscriptions", "create", "caller", "--topic", "news", "--push-service", "hello",
                  "--push-path", "/x?y=1", "--dead-letter-topic", "dead", "--max-delivery-attempts",
                  "7"}),
            0);
  EXPECT_EQ(body(1), R"({"topic":"projects/thaw/topics/news",)"
                     R"("pushConfig":{"pushEndpoint":"http://hello.localhost:1/x?y=1"},)"
                     R"("deadLetterPolicy":{"deadLetterTopic":"projects/thaw/topics/dead",)"
                     R"("maxDeliveryAttempts":7}})");
  EXPECT_EQ(thaw({"subscriptions", "create", "caller"}), 2);
}

// ---- Transfers ----

class Transfers : public MessagingCommands {
 protected:
  Transfers() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_ + "/sub");
    for (int i = 0; i < 20; ++i) write("sub/f" + std::to_string(i), "text");
  }
  ~Transfers() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  std::string folder_ = ::testing::TempDir() + "transfers_" +
                        ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(Transfers, RsyncCopiesWhatIsMissingAndRemovesWhatIsTooMuch) {
  api.on_json("GET /storage/v1/b/box/o",
              parsed(R"({"items":[{"name":"sub/f0","size":"4","updated":"2199-01-01T00:00:00Z"},
                                  {"name":"sub/f1","size":"9","updated":"2199-01-01T00:00:00Z"},
                                  {"name":"sub/f2","size":"4","updated":"1999-01-01T00:00:00Z"},
                                  {"name":"old","size":"4","updated":"2199-01-01T00:00:00Z"}]})"));
  int uploads = 0;
  api.on("POST /upload/storage/v1/b/box/o", [&](const http::Request& request) {
    EXPECT_EQ(request.body, "text");
    ++uploads;
    return http::Response::json(200, "{}");
  });
  api.on("DELETE /storage/v1/b/box/o/old",
         [](const http::Request&) { return http::Response::json(204, ""); });
  EXPECT_EQ(thaw({"rsync", folder_, "gs://box", "--delete", "--dry-run"}), 0);
  EXPECT_THAT(terminal.out, HasSubstr("19 to copy, 1 to remove, 1 as they are"));
  EXPECT_EQ(uploads, 0);
  EXPECT_EQ(thaw({"rsync", folder_, "gs://box", "--delete"}), 0) << terminal.err;
  EXPECT_EQ(uploads, 19);
  EXPECT_THAT(api.asked(), ::testing::Contains("DELETE /storage/v1/b/box/o/old"));
}

TEST_F(Transfers, AnUploadIsTriedAgainWhenThePlatformIsBusyAndNotWhenItRefuses) {
  int asked = 0;
  api.on("POST /upload/storage/v1/b/box/o", [&](const http::Request&) {
    return ++asked == 3 ? http::Response::json(503, R"({"error":{"status":"UNAVAILABLE"}})")
                        : http::Response::json(200, "{}");
  });
  EXPECT_EQ(thaw({"cp", "-r", folder_ + "/sub", "gs://box/"}), 0) << terminal.err;
  EXPECT_EQ(asked, 21);
  api.on("POST /upload/storage/v1/b/box/o", [&](const http::Request&) {
    return http::Response::json(507,
                                R"({"error":{"status":"RESOURCE_EXHAUSTED","message":"full"}})");
  });
  EXPECT_EQ(thaw({"cp", "-r", folder_ + "/sub", "gs://box/"}), 5);
  EXPECT_THAT(terminal.err, HasSubstr("full"));
}

TEST_F(Transfers, ADownloadAppearsWholeAndNeverOutsideOfItsFolder) {
  api.on_json("GET /storage/v1/b/box/o",
              parsed(R"({"items":[{"name":"a/b","size":"5","updated":"2020-01-01T00:00:00Z"},
           {"name":"../out","size":"5","updated":"2020-01-01T00:00:00Z"}]})"));
  api.on("GET /storage/v1/b/box/o/a%2Fb",
         [](const http::Request&) { return http::Response::text(200, "hello"); });
  EXPECT_EQ(thaw({"rsync", "gs://box", folder_ + "/down"}), 0) << terminal.err;
  std::ifstream in(folder_ + "/down/a/b");
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "hello");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/out"));
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/down/a/b.part"));
}

}  // namespace
}  // namespace thaw::cli
