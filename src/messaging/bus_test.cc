// The bus on a real file, worker and loop: what is acknowledged to a caller is there after a
// restart.
#include "messaging/bus.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "io_linux/kernel_entropy.h"
#include "io_linux/loop_testing.h"
#include "io_linux/thread_worker.h"
#include "store/state.h"

namespace thaw::messaging {
namespace {

using Attribute = Attributes::value_type;

const std::string kTopic = "projects/p/topics/news";
const std::string kDead = "projects/p/topics/dead";
const std::string kSub = "projects/p/subscriptions/reader";

constexpr const char* kWithDeadLetters =
    R"({"deadLetterPolicy":{"deadLetterTopic":"projects/p/topics/dead",)"
    R"("maxDeliveryAttempts":5}})";

class BusTest : public ::testing::Test {
 protected:
  BusTest() {
    char path[] = "/tmp/thaw-bus-XXXXXX";
    folder_ = ::mkdtemp(path);
    start();
  }
  ~BusTest() override {
    stop();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    database_ = *store::open_state(folder_ + "/state.db", "2026-01-01T00:00:00Z");
    journal_ = *store::open_state(folder_ + "/state.db", "2026-01-01T00:00:00Z");
    worker_.emplace(loop_);
    bus_.emplace(loop_, entropy_, *worker_, *database_, *journal_);
    ASSERT_TRUE(bus_->load());
  }
  void stop() {
    bus_.reset();
    worker_.reset();
    journal_.reset();
    database_.reset();
  }
  /// All that was not answered is lost, as after kill -9.
  void restart() {
    stop();
    start();
  }

  Status say_idle(const std::string& name, int64_t seconds) {
    return database_->query("UPDATE pubsub_subscriptions SET idle_s = ? WHERE name = ?")
        .bind(seconds)
        .bind(name)
        .run();
  }

  void make(const std::string& settings = "{}", const std::string& name = kSub) {
    if (!bus_->topic(kTopic)) {
      ASSERT_TRUE(bus_->create_topic({kTopic, {}, {}}));
    }
    Json json = *Json::parse(settings);
    json.set("topic", kTopic);
    const auto subscription = subscription_from_json(json, name);
    ASSERT_TRUE(subscription) << subscription.error().message();
    const auto made = bus_->create_subscription(*subscription);
    ASSERT_TRUE(made) << made.error().message();
  }

  std::vector<MessageId> publish(std::vector<Message> messages) {
    std::optional<Result<std::vector<MessageId>>> ids;
    bus_->publish(kTopic, std::move(messages), [&](auto got) { ids = std::move(got); });
    io_linux::run_until(loop_, [&] { return ids.has_value(); });
    EXPECT_TRUE(*ids) << (*ids ? "" : ids->error().message());
    return *ids ? **ids : std::vector<MessageId>();
  }
  std::vector<MessageId> publish(std::initializer_list<const char*> data) {
    std::vector<Message> messages;
    for (const char* text : data) messages.push_back({text, {}, ""});
    return publish(std::move(messages));
  }
  std::vector<Received> pull(size_t most = 10, const std::string& name = kSub) {
    return bus_->take(name, {.most = most});
  }
  static std::string data(const std::vector<Received>& received) {
    std::string text;
    for (const Received& each : received) {
      text += (text.empty() ? "" : " ") + each.stored.message.data;
    }
    return text;
  }
  size_t acknowledge(const std::vector<Received>& received) {
    std::vector<std::string> ids;
    for (const Received& each : received) ids.push_back(each.ack_id);
    std::optional<Result<Bus::Ignored>> ignored;
    bus_->acknowledge(kSub, ids, [&](auto got) { ignored = std::move(got); });
    io_linux::run_until(loop_, [&] { return ignored.has_value(); });
    EXPECT_TRUE(*ignored);
    return *ignored ? (*ignored)->ack_ids.size() : 0;
  }
  void nack(const std::vector<Received>& received) {
    for (const Received& each : received) EXPECT_TRUE(bus_->modify(kSub, {each.ack_id}, 0));
  }
  Status seek(std::variant<WallTime, std::string> to) {
    std::optional<Status> status;
    bus_->seek(kSub, std::move(to), [&](const Status& got) { status = got; });
    io_linux::run_until(loop_, [&] { return status.has_value(); });
    return *status;
  }
  int64_t failures_kept() {
    auto query = database_->query("SELECT max(failures) FROM pubsub_backlog");
    EXPECT_TRUE(query.next());
    return query.integer(0);
  }
  /// As if the messages up to this one had been published ten days ago.
  void age(MessageId up_to) {
    ASSERT_TRUE(
        database_->query("UPDATE pubsub_messages SET published = published - ? WHERE id <= ?")
            .bind(Duration(seconds(864'000)).count())
            .bind(up_to)
            .run());
  }
  int64_t rows(const std::string& table) {
    auto query = database_->query("SELECT count(*) FROM " + table);
    EXPECT_TRUE(query.next());
    return query.integer(0);
  }

  std::string folder_;
  io_linux::EpollLoop loop_;
  io_linux::KernelEntropy entropy_;
  std::unique_ptr<store::Database> database_, journal_;
  std::optional<io_linux::ThreadWorker> worker_;
  std::optional<Bus> bus_;
};

TEST_F(BusTest, WhatWasPublishedIsThereAfterARestartUntilItIsAcknowledged) {
  make();
  const auto ids = publish({"a", "b", "c"});
  EXPECT_EQ(ids.size(), 3u);
  restart();
  const auto received = pull();
  EXPECT_EQ(data(received), "a b c");
  EXPECT_EQ(acknowledge({received[1]}), 0u);
  restart();
  EXPECT_EQ(data(pull()), "a c");
  EXPECT_EQ(rows("pubsub_messages"), 2) << "what nobody wants is gone";
}

TEST_F(BusTest, WhatCannotBeReadIsNotTakenForGone) {
  make();
  const auto ids = publish({"a", "b", "c", "d"});
  for (const MessageId id : {ids[0], ids[1], ids[3]}) {
    ASSERT_TRUE(database_->query("UPDATE pubsub_messages SET attributes = '?' WHERE id = ?")
                    .bind(id)
                    .run());
  }
  restart();
  EXPECT_EQ(data(pull(2)), "") << "the first two";
  EXPECT_EQ(data(pull(2)), "c");
  ASSERT_TRUE(database_->query("UPDATE pubsub_messages SET attributes = '{}'").run());
  restart();
  EXPECT_EQ(data(pull()), "a b c d");
}

TEST_F(BusTest, AnAckWithALeaseOfTheEarlierRunCounts) {
  make();
  publish({"a", "b"});
  const auto received = pull();
  restart();
  EXPECT_EQ(acknowledge({received[0]}), 0u);
  EXPECT_EQ(data(pull()), "b");
  restart();
  EXPECT_EQ(data(pull()), "b");
}

TEST_F(BusTest, EachSubscriptionGetsWhatItsFilterWants) {
  make();
  make(R"({"filter":"attributes.kind = \"x\""})", "projects/p/subscriptions/filtered");
  publish(std::vector<Message>{{"one", {{"kind", "x"}}, ""}, {"two", {}, ""}});
  EXPECT_EQ(data(pull(10, "projects/p/subscriptions/filtered")), "one");
  EXPECT_EQ(data(pull()), "one two");
}

TEST_F(BusTest, AWaitingPullIsAnsweredByTheNextPublish) {
  make();
  std::string got;
  const auto handle = bus_->pull(kSub, {.most = 5, .wait = seconds(60)},
                                 [&](auto received) { got = data(*received); });
  EXPECT_FALSE(handle->is_done());
  publish({"a"});
  EXPECT_EQ(got, "a");
  EXPECT_TRUE(handle->is_done());
}

TEST_F(BusTest, APullThatIsDroppedGetsNothing) {
  make();
  bool called = false;
  auto handle = bus_->pull(kSub, {.most = 5, .wait = seconds(60)}, [&](auto) { called = true; });
  handle.reset();
  publish({"a"});
  EXPECT_FALSE(called);
  EXPECT_EQ(data(pull()), "a");
}

TEST_F(BusTest, FailuresAreCountedAcrossRestartsAndTheDeadGoToTheirTopic) {
  ASSERT_TRUE(bus_->create_topic({kDead, {}, {}}));
  make(kWithDeadLetters);
  const std::string dead_sub = "projects/p/subscriptions/dead";
  Json json = Json::object({{"topic", kDead}});
  ASSERT_TRUE(bus_->create_subscription(*subscription_from_json(json, dead_sub)));
  publish(std::vector<Message>{{"poison", {{"k", "v"}}, ""}});
  for (int attempt = 1; attempt <= 5; ++attempt) {
    const auto received = pull(1);
    ASSERT_EQ(data(received), "poison");
    EXPECT_EQ(received[0].attempt, attempt);
    nack(received);
    if (attempt < 5) io_linux::run_until(loop_, [&] { return failures_kept() == attempt; });
    if (attempt == 2) restart();
  }
  std::vector<Received> dead;
  io_linux::run_until(loop_, [&] { return !(dead = pull(10, dead_sub)).empty(); });
  ASSERT_EQ(data(dead), "poison");
  const Attributes& attributes = dead[0].stored.message.attributes;
  EXPECT_EQ(attributes[0], Attribute("k", "v"));
  EXPECT_EQ(attributes[1], Attribute("CloudPubSubDeadLetterSourceDeliveryCount", "5"));
  EXPECT_EQ(attributes[2], Attribute("CloudPubSubDeadLetterSourceSubscription", "reader"));
  EXPECT_EQ(bus_->backlog(kSub)->messages, 0u);
  restart();
  EXPECT_EQ(data(pull(10, dead_sub)), "poison");
  EXPECT_EQ(data(pull()), "");
}

TEST_F(BusTest, WithoutItsDeadLetterTopicAMessageComesAgainForEver) {
  make(kWithDeadLetters);
  publish({"poison"});
  for (int attempt = 1; attempt <= 8; ++attempt) {
    const auto received = pull();
    ASSERT_EQ(data(received), "poison") << attempt;
    nack(received);
  }
}

TEST_F(BusTest, SeekingBackNeedsRetainedMessagesAndSeekingForwardDropsThem) {
  make(R"({"retainAckedMessages":true})");
  const WallTime before = loop_.wall_now();
  publish({"a", "b"});
  acknowledge(pull(1));
  EXPECT_TRUE(seek(before));
  EXPECT_EQ(data(pull()), "a b");
  EXPECT_TRUE(seek(loop_.wall_now() + seconds(60)));
  EXPECT_EQ(data(pull()), "");
  EXPECT_EQ(bus_->backlog(kSub)->messages, 0u);
  restart();
  EXPECT_EQ(data(pull()), "");
}

TEST_F(BusTest, ASnapshotBringsBackWhatWasAcknowledgedSince) {
  make();
  publish({"a", "b"});
  acknowledge(pull(1));
  const std::string snapshot = "projects/p/snapshots/snap1";
  ASSERT_TRUE(bus_->create_snapshot(snapshot, kSub, {}));
  acknowledge(pull());
  publish({"c"});
  acknowledge(pull());
  EXPECT_EQ(bus_->backlog(kSub)->messages, 0u);
  restart();
  const Status sought = seek(snapshot);
  EXPECT_TRUE(sought) << sought.error().message();
  EXPECT_EQ(data(pull()), "b c");
  EXPECT_EQ(seek("projects/p/snapshots/none").error().code(), Code::kNotFound);
}

TEST_F(BusTest, PostedMessagesArePublishedAfterTheirTransactionOnce) {
  make();
  {
    auto transaction = database_->begin();
    ASSERT_TRUE(MessageStore::post(*database_, kTopic, {"posted", {{"k", "v"}}, ""}));
    ASSERT_TRUE(MessageStore::post(*database_, "projects/p/topics/none", {"lost", {}, ""}));
    ASSERT_TRUE(transaction->commit());
  }
  bus_->publish_posted();
  std::vector<Received> received;
  io_linux::run_until(loop_, [&] { return !(received = pull()).empty(); });
  EXPECT_EQ(data(received), "posted");
  EXPECT_EQ(rows("pubsub_posted"), 0);
  restart();
  EXPECT_EQ(data(pull()), "posted");
}

TEST_F(BusTest, NamesAndTheirFaults) {
  make();
  EXPECT_EQ(bus_->create_topic({kTopic, {}, {}}).error().code(), Code::kAlreadyExists);
  EXPECT_EQ(bus_->topic("projects/p/topics/none").error().code(), Code::kNotFound);
  for (const char* bad : {"projects/p/topics/t", "projects/p/topics/1ab", "projects/p/topics/googx",
                          "projects/p/topic/abc", "topics/abc", "projects/p/topics/a b c"}) {
    const auto topic = topic_from_json(Json::object(), bad);
    ASSERT_FALSE(topic) << bad;
    EXPECT_EQ(topic.error().code(), Code::kInvalidArgument);
  }
  const auto unknown = subscription_from_json(
      *Json::parse(R"({"topic":"projects/p/topics/news","ackDeadlineSecond":10})"), kSub);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(
      unknown.error().message(),
      "subscription: unknown field \"ackDeadlineSecond\"; did you mean 'ackDeadlineSeconds'?");
}

TEST_F(BusTest, OfTheKeysThatBeginWithGoogThoseOfGooglesClientsAreTaken) {
  const auto check = [](const std::string& key) {
    return Message{"x", {{key, "v"}}, ""}.check("messages[0]");
  };
  EXPECT_TRUE(check("googclient_traceparent")) << "their OpenTelemetry";
  for (const char* key : {"goog", "google", "googclient", "googclientx", "goog-x", ""}) {
    EXPECT_EQ(check(key).error().code(), Code::kInvalidArgument) << key;
  }
}

TEST_F(BusTest, ADeletedTopicLeavesItsSubscriptionsWithWhatTheyHave) {
  make();
  publish({"a"});
  ASSERT_TRUE(bus_->remove_topic(kTopic));
  EXPECT_EQ(bus_->subscription(kSub)->topic, "_deleted-topic_");
  restart();
  EXPECT_EQ(bus_->subscription(kSub)->topic, "_deleted-topic_");
  EXPECT_EQ(data(pull()), "a");
}

TEST_F(BusTest, AnEndpointThatNothingCanBePushedToIsRefusedButKeptWhereItIs) {
  make();
  auto changed = *bus_->subscription(kSub);
  changed.push = PushConfig{.endpoint = "https://h/"};
  auto refused = bus_->update_subscription(changed);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_TRUE(refused.error().message().starts_with("pushConfig.pushEndpoint: 'https://h/'"));
  auto other = changed;
  other.name += "2";
  EXPECT_EQ(bus_->create_subscription(other).error().code(), Code::kInvalidArgument);
  ASSERT_TRUE(database_->query("UPDATE pubsub_subscriptions SET resource = ?")
                  .bind(to_json(changed).dump())
                  .run());
  restart();
  changed = *bus_->subscription(kSub);
  EXPECT_EQ(changed.push->endpoint, "https://h/");
  changed.ack_deadline_s = 99;
  EXPECT_TRUE(bus_->update_subscription(changed));
}

/// What came on a stream, and how it ended.
struct Listening final : Bus::StreamSink {
  Flow on_messages(std::vector<Received> received) override {
    for (Received& each : received) got.push_back(std::move(each));
    return flow;
  }
  void on_end(const Error& error) override { ended = error.code(); }
  std::vector<std::string> texts() const {
    std::vector<std::string> all;
    for (const Received& each : got) all.push_back(each.stored.message.data);
    return all;
  }
  std::vector<Received> got;
  Flow flow = Flow::kGoOn;
  std::optional<Code> ended;
};

TEST_F(BusTest, AStreamGetsWhatIsPublishedWithoutBeingAsked) {
  make();
  Listening stream;
  auto handle = bus_->open_stream(kSub, {.deadline = seconds(20)}, stream);
  ASSERT_TRUE(handle);
  (*handle)->resume();
  publish({"a", "b"});
  EXPECT_EQ(stream.texts(), (std::vector<std::string>{"a", "b"}));
  handle->reset();
  publish({"c"});
  EXPECT_EQ(stream.got.size(), 2u);
  EXPECT_EQ(data(pull()), "c") << "what it had is leased still";
}

TEST_F(BusTest, AStreamThatCannotBeWrittenToWaits) {
  make();
  Listening stream;
  stream.flow = Bus::StreamSink::Flow::kWait;
  auto handle = bus_->open_stream(kSub, {.deadline = seconds(20)}, stream);
  publish({"a"});
  EXPECT_TRUE(stream.got.empty()) << "it was not resumed yet";
  (*handle)->resume();
  publish({"b"});
  EXPECT_EQ(stream.texts(), (std::vector<std::string>{"a"}));
  (*handle)->resume();
  EXPECT_EQ(stream.texts(), (std::vector<std::string>{"a", "b"}));
}

TEST_F(BusTest, AStreamEndsWithItsSubscription) {
  make();
  Listening first, second, third;
  const Bus::StreamOptions options{.deadline = seconds(20)};
  const auto a = bus_->open_stream(kSub, options, first);
  auto pushing = *bus_->subscription(kSub);
  pushing.push = PushConfig{.endpoint = "http://localhost:1/"};
  ASSERT_TRUE(bus_->update_subscription(pushing));
  EXPECT_EQ(first.ended, Code::kFailedPrecondition);
  EXPECT_EQ(bus_->open_stream(kSub, options, second).error().code(), Code::kFailedPrecondition);
  pushing.push.reset();
  ASSERT_TRUE(bus_->update_subscription(pushing));
  const auto b = bus_->open_stream(kSub, options, second);
  ASSERT_TRUE(bus_->remove_subscription(kSub));
  EXPECT_EQ(second.ended, Code::kNotFound);
  make();
  const auto c = bus_->open_stream(kSub, options, third);
  bus_->drain([] {});
  EXPECT_EQ(third.ended, Code::kUnavailable);
}

TEST_F(BusTest, ADeletedSubscriptionTakesItsBacklogAlong) {
  make();
  publish({"a", "b", "c"});
  ASSERT_TRUE(bus_->remove_subscription(kSub));
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 0; });
  EXPECT_EQ(rows("pubsub_backlog"), 0);
}

TEST_F(BusTest, AnUpdateChangesWhatItsMaskNamesAndNothingElse) {
  make(R"({"ackDeadlineSeconds":20})");
  const auto old = *bus_->subscription(kSub);
  const Json json =
      *Json::parse(R"({"ackDeadlineSeconds":99,"retryPolicy":{"minimumBackoff":"1s"}})");
  const auto changed = updated(old, json, "retry_policy");
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(changed->ack_deadline_s, 20);
  EXPECT_EQ(changed->retry, (RetryPolicy{seconds(1), seconds(600)}));
  EXPECT_EQ(updated(old, json, "filter").error().code(), Code::kInvalidArgument);
}

TEST_F(BusTest, ASubscriptionThatNobodyUsedForItsTimeIsDeleted) {
  const std::string never = "projects/p/subscriptions/never";
  make(R"({"expirationPolicy":{"ttl":"86400s"}})");
  make(R"({"expirationPolicy":{}})", never);
  for (const std::string& name : {kSub, never}) ASSERT_TRUE(say_idle(name, 86399));
  restart();
  EXPECT_TRUE(bus_->subscription(kSub)) << "a second is left";
  for (const std::string& name : {kSub, never}) ASSERT_TRUE(say_idle(name, 86400));
  restart();
  EXPECT_EQ(bus_->subscription(kSub).error().code(), Code::kNotFound);
  EXPECT_TRUE(bus_->subscription(never));
  EXPECT_EQ(*bus_->subscriptions_of(kTopic), std::vector<std::string>{never});
}

TEST_F(BusTest, WhatNobodyWantsIsNotKept) {
  ASSERT_TRUE(bus_->create_topic({kTopic, {}, {}}));
  const auto first = publish({"a"});
  make(R"({"filter":"attributes.kind = \"x\""})");
  const auto second = publish(std::vector<Message>{{"b", {}, ""}, {"c", {{"kind", "x"}}, ""}});
  EXPECT_LT(first[0], second[0]) << "numbers are given once all the same";
  EXPECT_EQ(rows("pubsub_messages"), 1);
  EXPECT_EQ(data(pull()), "c");
}

TEST_F(BusTest, WhatASnapshotOrItsTopicMayBringBackIsKept) {
  ASSERT_TRUE(bus_->create_topic({kTopic, {}, seconds(86400)}));
  publish({"a"});
  EXPECT_EQ(rows("pubsub_messages"), 1) << "retained by the topic";
  ASSERT_TRUE(bus_->update_topic({kTopic, {}, {}}));
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 0; });
  make();
  const std::string snapshot = "projects/p/snapshots/snap1";
  ASSERT_TRUE(bus_->create_snapshot(snapshot, kSub, {}));
  ASSERT_TRUE(bus_->remove_subscription(kSub));
  publish({"b"});
  EXPECT_EQ(rows("pubsub_messages"), 1) << "a subscription may seek there";
  ASSERT_TRUE(bus_->remove_snapshot(snapshot));
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 0; });
}

TEST_F(BusTest, ATopicTakesWhatItRetainedAlong) {
  ASSERT_TRUE(bus_->create_topic({kTopic, {}, seconds(86400)}));
  publish({"a"});
  ASSERT_TRUE(bus_->remove_topic(kTopic));
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 0; });
}

TEST_F(BusTest, WhatAnEarlierRunLeftForNobodyGoesAtTheStart) {
  ASSERT_TRUE(bus_->create_topic({kTopic, {}, seconds(86400)}));
  publish({"a"});
  ASSERT_TRUE(database_->query("UPDATE pubsub_topics SET resource = '{}'").run());
  restart();
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 0; });
}

TEST_F(BusTest, WhatASeekPassedOverGoes) {
  make();
  publish({"a", "b"});
  EXPECT_TRUE(seek(loop_.wall_now() + seconds(60)));
  publish({"c"});
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 1; });
  EXPECT_EQ(data(pull()), "c");
}

TEST_F(BusTest, WhatIsOlderThanItsSubscriptionKeepsGoesThoughItWasAcknowledged) {
  make(R"({"retainAckedMessages":true})");
  const auto ids = publish({"a", "b", "c"});
  acknowledge(pull(1));
  age(ids[1]);
  restart();
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 1; });
  EXPECT_EQ(rows("pubsub_backlog"), 1);
  EXPECT_EQ(data(pull()), "c");
}

TEST_F(BusTest, AllThatIsTooOldGoesAtOnceAndIsNotDelivered) {
  make();
  MessageId last = 0;
  for (int i = 0; i < 3; ++i) last = publish(std::vector<Message>(900, {"old", {}, ""})).back();
  publish({"new"});
  age(last);
  restart();
  EXPECT_EQ(data(pull(3000)), "new");
  io_linux::run_until(loop_, [&] { return rows("pubsub_messages") == 1; });
  EXPECT_EQ(bus_->backlog(kSub)->messages, 1u) << "the new one, leased";
}

TEST_F(BusTest, WhoWaitsGetsWhatIsBehindMessagesThatAreTooOld) {
  make();
  MessageId last = 0;
  for (int i = 0; i < 3; ++i) last = publish(std::vector<Message>(900, {"old", {}, ""})).back();
  publish({"new", "newer"});
  age(last);
  restart();
  std::string pulled;
  const auto handle = bus_->pull(kSub, {.most = 1, .wait = seconds(600)},
                                 [&](auto received) { pulled = data(*received); });
  Listening stream;
  const auto listening = bus_->open_stream(kSub, {.deadline = seconds(20)}, stream);
  (*listening)->resume();
  io_linux::run_until(loop_, [&] { return !pulled.empty() && !stream.got.empty(); });
  EXPECT_EQ(pulled, "new");
  EXPECT_EQ(stream.texts(), std::vector<std::string>{"newer"});
}

}  // namespace
}  // namespace thaw::messaging
