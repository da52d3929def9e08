// Seeking, purging and the box of messages that other rooms post.
#include <fmt/format.h>

#include "messaging/message_store.h"

namespace thaw::messaging {
namespace {

int64_t nanos(WallTime time) { return time.time_since_epoch().count(); }

Result<Attributes> attributes_of(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  return strings_from_json(json, "attributes");
}

}  // namespace

Result<std::vector<MessageId>> MessageStore::ids_of(std::string_view sql,
                                                    std::initializer_list<int64_t> values) {
  store::Query query = database_.query(sql);
  for (const int64_t value : values) query.bind(value);
  std::vector<MessageId> ids;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.next());
    if (!found) return ids;
    ids.push_back(query.integer(0));
  }
}

/// Gives the subscription the messages of its topic that `where` selects and its filter wants.
Status MessageStore::restore(const Resources::Sub& sub, const std::string& where,
                             const std::function<void(store::Query& query)>& bind) {
  store::Query query = database_.query(
      "SELECT m.id, m.attributes FROM pubsub_messages m WHERE m.topic = ?1 AND " + where);
  query.bind(sub.topic);
  bind(query);
  std::vector<MessageId> wanted;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.next());
    if (!found) break;
    ASSIGN_OR_RETURN(const Attributes attributes, attributes_of(query.text(1)));
    if (sub.subscription.filter.wants(attributes)) wanted.push_back(query.integer(0));
  }
  for (const MessageId message : wanted) {
    RETURN_IF_ERROR(database_
                        .query("INSERT INTO pubsub_backlog VALUES(?, ?, 0, 0) ON CONFLICT DO "
                               "UPDATE SET state = 0, failures = 0")
                        .bind(sub.number)
                        .bind(message)
                        .run());
  }
  return {};
}

Status MessageStore::seek_time(const Resources::Sub& sub, WallTime time) {
  const int64_t when = nanos(time);
  RETURN_IF_ERROR(
      database_
          .query("UPDATE pubsub_backlog SET state = 0, failures = 0 WHERE subscription = ? AND "
                 "message IN (SELECT id FROM pubsub_messages WHERE published >= ?)")
          .bind(sub.number)
          .bind(when)
          .run());
  RETURN_IF_ERROR(restore(
      sub,
      "m.published >= ?2 AND EXISTS(SELECT 1 FROM pubsub_topics t WHERE t.number = m.topic AND "
      "json_extract(t.resource, '$.messageRetentionDuration') IS NOT NULL)",
      [&](store::Query& query) { query.bind(when); }));
  const bool retained = sub.subscription.acked == Subscription::AckedMessages::kRetained;
  return database_
      .query(fmt::format(
          "{} WHERE subscription = ? AND message IN (SELECT id FROM pubsub_messages "
          "WHERE published < ?)",
          retained ? "UPDATE pubsub_backlog SET state = 1" : "DELETE FROM pubsub_backlog"))
      .bind(sub.number)
      .bind(when)
      .run();
}

Status MessageStore::seek_snapshot(const Resources::Sub& sub, const std::string& snapshot) {
  store::Query query =
      database_.query("SELECT number, position FROM pubsub_snapshots WHERE name = ? AND topic = ?");
  query.bind(snapshot).bind(sub.topic);
  ASSIGN_OR_RETURN(const bool found, query.next());
  if (!found) {
    return Error(Code::kNotFound,
                 fmt::format("snapshot: there is no {} of the subscription's topic", snapshot));
  }
  const int64_t number = query.integer(0), position = query.integer(1);
  const bool retained = sub.subscription.acked == Subscription::AckedMessages::kRetained;
  RETURN_IF_ERROR(database_
                      .query(fmt::format("{} WHERE subscription = ? AND message <= ?",
                                         retained ? "UPDATE pubsub_backlog SET state = 1"
                                                  : "DELETE FROM pubsub_backlog"))
                      .bind(sub.number)
                      .bind(position)
                      .run());
  return restore(sub,
                 "(m.id > ?3 OR m.id IN (SELECT message FROM pubsub_snapshot_messages WHERE "
                 "snapshot = ?2))",
                 [&](store::Query& q) { q.bind(number).bind(position); });
}

Result<std::vector<SubscriptionNumber>> MessageStore::orphans() {
  std::vector<SubscriptionNumber> gone;
  SubscriptionNumber last = 0;
  while (true) {  // one step a subscription, whatever the length of its backlog
    store::Query query = database_.query(
        "SELECT b.subscription, EXISTS(SELECT 1 FROM pubsub_subscriptions WHERE number = "
        "b.subscription) FROM pubsub_backlog b WHERE b.subscription > ? ORDER BY b.subscription "
        "LIMIT 1");
    query.bind(last);
    ASSIGN_OR_RETURN(const bool found, query.next());
    if (!found) return gone;
    last = query.integer(0);
    if (query.integer(1) == 0) gone.push_back(last);
  }
}

Status MessageStore::drop(SubscriptionNumber subscription, MessageId message) {
  RETURN_IF_ERROR(
      database_.query("DELETE FROM pubsub_backlog WHERE subscription = ? AND message = ?")
          .bind(subscription)
          .bind(message)
          .run());
  return drop_if_unwanted(message);
}

Result<int> MessageStore::drop_backlog(SubscriptionNumber subscription, int most) {
  ASSIGN_OR_RETURN(const std::vector<MessageId> messages,
                   ids_of("SELECT message FROM pubsub_backlog WHERE subscription = ? LIMIT ?",
                          {subscription, most}));
  for (const MessageId message : messages) RETURN_IF_ERROR(drop(subscription, message));
  return static_cast<int>(messages.size());
}

Result<std::optional<MessageId>> MessageStore::purge(MessageId after, int most,
                                                     std::span<const Retained> retained) {
  ASSIGN_OR_RETURN(
      const std::vector<MessageId> seen,
      ids_of("SELECT id FROM pubsub_messages WHERE id > ? ORDER BY id LIMIT ?", {after, most}));
  if (seen.empty()) {
    RETURN_IF_ERROR(database_.execute(
        "DELETE FROM pubsub_snapshot_messages WHERE snapshot NOT IN (SELECT number FROM "
        "pubsub_snapshots)"));
    return std::optional<MessageId>();
  }
  std::string kept;
  for (const Retained& each : retained) {
    kept +=
        fmt::format(" AND NOT (m.topic = {} AND m.published >= {})", each.topic, nanos(each.since));
  }
  RETURN_IF_ERROR(database_
                      .query("DELETE FROM pubsub_messages AS m WHERE m.id > ? AND m.id <= ? "
                             "AND NOT EXISTS(SELECT 1 FROM pubsub_backlog WHERE message = m.id) "
                             "AND NOT EXISTS(SELECT 1 FROM pubsub_snapshots s WHERE s.topic = "
                             "m.topic AND (s.position < m.id OR EXISTS(SELECT 1 FROM "
                             "pubsub_snapshot_messages WHERE snapshot = s.number AND message = "
                             "m.id)))" +
                             kept)
                      .bind(after)
                      .bind(seen.back())
                      .run());
  return std::optional(seen.back());
}

Status MessageStore::post(store::Database& database, const std::string& topic,
                          const Message& message) {
  return database
      .query("INSERT INTO pubsub_posted(topic, ordering_key, attributes, data) VALUES(?, ?, ?, ?)")
      .bind(topic)
      .bind(message.ordering_key)
      .bind(strings_to_json(message.attributes).dump())
      .bind_blob(message.data)
      .run();
}

Result<std::vector<MessageStore::Posted>> MessageStore::posted(int most) {
  store::Query query = database_.query(
      "SELECT number, topic, ordering_key, attributes, data FROM pubsub_posted ORDER BY number "
      "LIMIT ?");
  query.bind(static_cast<int64_t>(most));
  std::vector<Posted> all;
  while (true) {
    ASSIGN_OR_RETURN(const bool found, query.next());
    if (!found) return all;
    Posted posted{query.integer(0), std::string(query.text(1)), {}};
    posted.message.ordering_key = query.text(2);
    ASSIGN_OR_RETURN(posted.message.attributes, attributes_of(query.text(3)));
    posted.message.data = query.text(4);
    all.push_back(std::move(posted));
  }
}

Status MessageStore::remove_posted(int64_t number) {
  return database_.query("DELETE FROM pubsub_posted WHERE number = ?").bind(number).run();
}

}  // namespace thaw::messaging
