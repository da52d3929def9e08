#include "messaging/message_store.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::messaging {
namespace {

enum BacklogState : int { kWaiting = 0, kAcknowledged = 1 };

Error damaged(std::string_view what, const Error& error) {
  return {Code::kDataLoss, fmt::format("state database: {}: {}", what, error.message())};
}

/// Most messages have no attributes.
std::string attributes_text(const Attributes& attributes) {
  return attributes.empty() ? "{}" : strings_to_json(attributes).dump();
}

int64_t nanos(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

Result<TopicNumber> MessageStore::add_topic(const Topic& topic) {
  RETURN_IF_ERROR(database_.query("INSERT INTO pubsub_topics(name, resource) VALUES(?, ?)")
                      .bind(topic.name)
                      .bind(to_json(topic).dump())
                      .run());
  return database_.last_row();
}

Status MessageStore::update_topic(TopicNumber number, const Topic& topic) {
  return database_.query("UPDATE pubsub_topics SET resource = ? WHERE number = ?")
      .bind(to_json(topic).dump())
      .bind(number)
      .run();
}

Status MessageStore::remove_topic(TopicNumber number) {
  ASSIGN_OR_RETURN(store::Transaction transaction, database_.begin());
  RETURN_IF_ERROR(database_
                      .query("UPDATE pubsub_subscriptions SET topic = 0, resource = "
                             "json_set(resource, '$.topic', ?) WHERE topic = ?")
                      .bind("_deleted-topic_")
                      .bind(number)
                      .run());
  RETURN_IF_ERROR(
      database_.query("UPDATE pubsub_snapshots SET topic = 0 WHERE topic = ?").bind(number).run());
  RETURN_IF_ERROR(database_.query("DELETE FROM pubsub_topics WHERE number = ?").bind(number).run());
  return transaction.commit();
}

Result<SubscriptionNumber> MessageStore::add_subscription(const Subscription& subscription,
                                                          TopicNumber topic) {
  RETURN_IF_ERROR(
      database_.query("INSERT INTO pubsub_subscriptions(name, topic, resource) VALUES(?, ?, ?)")
          .bind(subscription.name)
          .bind(topic)
          .bind(to_json(subscription).dump())
          .run());
  return database_.last_row();
}

Status MessageStore::update_subscription(SubscriptionNumber number,
                                         const Subscription& subscription) {
  return database_.query("UPDATE pubsub_subscriptions SET resource = ? WHERE number = ?")
      .bind(to_json(subscription).dump())
      .bind(number)
      .run();
}

Status MessageStore::set_idle(SubscriptionNumber number, Duration idle) {
  // One that went meanwhile is not there to be changed.
  return database_.query("UPDATE pubsub_subscriptions SET idle_s = ? WHERE number = ?")
      .bind(std::chrono::floor<std::chrono::seconds>(idle).count())
      .bind(number)
      .run();
}

Status MessageStore::remove_subscription(SubscriptionNumber number) {
  return database_.query("DELETE FROM pubsub_subscriptions WHERE number = ?").bind(number).run();
}

Status MessageStore::add_snapshot(const Snapshot& snapshot, TopicNumber topic,
                                  SubscriptionNumber subscription) {
  ASSIGN_OR_RETURN(store::Transaction transaction, database_.begin());
  RETURN_IF_ERROR(
      database_
          .query(
              "INSERT INTO pubsub_snapshots(name, topic, position, expires, labels) VALUES(?, ?, "
              "coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pubsub_messages'), 0), "
              "?, ?)")
          .bind(snapshot.name)
          .bind(topic)
          .bind(nanos(snapshot.expires))
          .bind(strings_to_json(snapshot.labels).dump())
          .run());
  const int64_t number = database_.last_row();
  RETURN_IF_ERROR(database_
                      .query("INSERT INTO pubsub_snapshot_messages SELECT ?, message FROM "
                             "pubsub_backlog WHERE subscription = ? AND state = 0")
                      .bind(number)
                      .bind(subscription)
                      .run());
  return transaction.commit();
}

Status MessageStore::update_snapshot(const Snapshot& snapshot) {
  return database_.query("UPDATE pubsub_snapshots SET expires = ?, labels = ? WHERE name = ?")
      .bind(nanos(snapshot.expires))
      .bind(strings_to_json(snapshot.labels).dump())
      .bind(snapshot.name)
      .run();
}

Status MessageStore::remove_snapshot(const std::string& name) {
  return database_.query("DELETE FROM pubsub_snapshots WHERE name = ?").bind(name).run();
}

Result<std::string> MessageStore::policy(const std::string& resource) {
  store::Query query = database_.query("SELECT policy FROM pubsub_policies WHERE resource = ?");
  query.bind(resource);
  ASSIGN_OR_RETURN(const bool found, query.next());
  return found ? std::string(query.text(0)) : std::string();
}

Status MessageStore::set_policy(const std::string& resource, const std::string& policy) {
  return database_.query("INSERT OR REPLACE INTO pubsub_policies VALUES(?, ?)")
      .bind(resource)
      .bind(policy)
      .run();
}

Result<MessageStore::Resources> MessageStore::load() {
  Resources all;
  store::Query topics = database_.query("SELECT number, name, resource FROM pubsub_topics");
  while (true) {
    ASSIGN_OR_RETURN(const bool found, topics.next());
    if (!found) break;
    const std::string name(topics.text(1));
    const auto json = Json::parse(topics.text(2));
    if (!json) return damaged(name, json.error());
    auto topic = topic_from_json(*json, name);
    if (!topic) return damaged(name, topic.error());
    all.topics.emplace_back(topics.integer(0), *std::move(topic));
  }
  store::Query subs =
      database_.query("SELECT number, name, topic, resource, idle_s FROM pubsub_subscriptions");
  while (true) {
    ASSIGN_OR_RETURN(const bool found, subs.next());
    if (!found) break;
    const std::string name(subs.text(1));
    const auto json = Json::parse(subs.text(3));
    if (!json) return damaged(name, json.error());
    auto subscription = subscription_from_json(*json, name);
    if (!subscription) return damaged(name, subscription.error());
    all.subscriptions.push_back({subs.integer(0), subs.integer(2), *std::move(subscription),
                                 std::chrono::seconds(subs.integer(4))});
  }
  store::Query snapshots = database_.query(
      "SELECT s.name, coalesce(t.name, '_deleted-topic_'), s.expires, s.labels, s.topic FROM "
      "pubsub_snapshots s LEFT JOIN pubsub_topics t ON t.number = s.topic");
  while (true) {
    ASSIGN_OR_RETURN(const bool found, snapshots.next());
    if (!found) break;
    Snapshot snapshot{.name = std::string(snapshots.text(0)),
                      .topic = std::string(snapshots.text(1)),
                      .expires = WallTime(Duration(snapshots.integer(2))),
                      .labels = {}};
    const auto labels = Json::parse(snapshots.text(3));
    if (!labels) return damaged(snapshot.name, labels.error());
    ASSIGN_OR_RETURN(snapshot.labels, strings_from_json(*labels, "labels"));
    all.snapshots.emplace_back(snapshots.integer(4), std::move(snapshot));
  }
  return all;
}

Result<MessageId> MessageStore::add(TopicNumber topic, WallTime published, const Message& message,
                                    std::span<const SubscriptionNumber> wanted_by) {
  RETURN_IF_ERROR(
      database_
          .query("INSERT INTO pubsub_messages(topic, published, ordering_key, attributes, data, "
                 "size) VALUES(?, ?, ?, ?, ?, ?)")
          .bind(topic)
          .bind(nanos(published))
          .bind(message.ordering_key)
          .bind(attributes_text(message.attributes))
          .bind_blob(message.data)
          .bind(static_cast<int64_t>(message.size_bytes()))
          .run());
  const MessageId id = database_.last_row();
  for (const SubscriptionNumber subscription : wanted_by) {
    RETURN_IF_ERROR(database_
                        .query("INSERT INTO pubsub_backlog(subscription, message, failures, state) "
                               "VALUES(?, ?, 0, 0)")
                        .bind(subscription)
                        .bind(id)
                        .run());
  }
  if (wanted_by.empty()) RETURN_IF_ERROR(drop_if_unwanted(id));
  return id;
}

Result<bool> MessageStore::acknowledge(SubscriptionNumber subscription, MessageId message,
                                       Subscription::AckedMessages acked) {
  store::Query found = database_.query(
      "SELECT 1 FROM pubsub_backlog WHERE subscription = ? AND message = ? AND state = 0");
  found.bind(subscription).bind(message);
  ASSIGN_OR_RETURN(const bool waits, found.next());
  if (!waits) return false;
  if (acked == Subscription::AckedMessages::kRetained) {
    RETURN_IF_ERROR(
        database_
            .query("UPDATE pubsub_backlog SET state = 1 WHERE subscription = ? AND message = ?")
            .bind(subscription)
            .bind(message)
            .run());
    return true;
  }
  RETURN_IF_ERROR(drop(subscription, message));
  return true;
}

Status MessageStore::drop_if_unwanted(MessageId message) {
  return database_
      .query(
          "DELETE FROM pubsub_messages AS m WHERE m.id = ?1 "
          "AND NOT EXISTS(SELECT 1 FROM pubsub_backlog WHERE message = ?1) "
          "AND NOT EXISTS(SELECT 1 FROM pubsub_snapshots s WHERE s.topic = m.topic AND "
          "(s.position < ?1 OR EXISTS(SELECT 1 FROM pubsub_snapshot_messages WHERE snapshot = "
          "s.number AND message = ?1))) "
          "AND NOT EXISTS(SELECT 1 FROM pubsub_topics t WHERE t.number = m.topic AND "
          "json_extract(t.resource, '$.messageRetentionDuration') IS NOT NULL)")
      .bind(message)
      .run();
}

Status MessageStore::set_failures(SubscriptionNumber subscription, MessageId message,
                                  int failures) {
  return database_
      .query("UPDATE pubsub_backlog SET failures = ? WHERE subscription = ? AND message = ?")
      .bind(static_cast<int64_t>(failures))
      .bind(subscription)
      .bind(message)
      .run();
}

Result<std::optional<Stored>> MessageStore::read(MessageId message) {
  store::Query query = database_.query(
      "SELECT published, ordering_key, attributes, data FROM pubsub_messages WHERE id = ?");
  query.bind(message);
  ASSIGN_OR_RETURN(const bool found, query.next());
  if (!found) return std::optional<Stored>();
  Stored stored{.id = message, .published = WallTime(Duration(query.integer(0))), .message = {}};
  stored.message.ordering_key = query.text(1);
  if (query.text(2) != "{}") {
    const auto attributes = Json::parse(query.text(2));
    if (!attributes) return damaged(fmt::format("message {}", message), attributes.error());
    ASSIGN_OR_RETURN(stored.message.attributes, strings_from_json(*attributes, "attributes"));
  }
  stored.message.data = query.text(3);
  return std::optional(std::move(stored));
}

Status MessageStore::backlog(SubscriptionNumber subscription, const OnMessage& on_message) {
  store::Query query = database_.query(
      "SELECT b.message, m.size, m.ordering_key, b.failures FROM pubsub_backlog b JOIN "
      "pubsub_messages m ON m.id = b.message WHERE b.subscription = ? AND b.state = 0 ORDER BY "
      "b.message");
  query.bind(subscription);
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.next());
    if (!found) return {};
    on_message({query.integer(0), static_cast<uint32_t>(query.integer(1)), query.text(2),
                static_cast<int>(query.integer(3))});
  }
}

Result<MessageStore::Old> MessageStore::older(SubscriptionNumber subscription, WallTime time,
                                              int most) {
  store::Query query = database_.query(
      "SELECT b.message, m.published FROM pubsub_backlog b JOIN pubsub_messages m ON m.id = "
      "b.message WHERE b.subscription = ? ORDER BY b.message LIMIT ?");
  query.bind(subscription).bind(static_cast<int64_t>(most));
  Old old;
  bool are_all_old = true;  // but for a clock that was set back, the old ones come first
  while (true) {
    ASSIGN_OR_RETURN(const bool more, query.next());
    if (!more) return old;
    if (query.integer(1) >= nanos(time)) {
      are_all_old = false;
      continue;
    }
    old.messages.push_back(query.integer(0));
    if (are_all_old) old.all_up_to = query.integer(0);
  }
}

}  // namespace thaw::messaging
