// MessageStore: Pub/Sub's tables in the state database (docs/formats/state-database.md): topics,
// subscriptions, snapshots, messages, and for each subscription the messages it has not
// acknowledged.
//
// Plain functions on a connection; who calls them on which thread, and when a transaction ends, is
// the bus's matter. A message is kept while a subscription or a snapshot wants it or its topic
// retains it.
//
// **Thread**: that of the connection. **Owner**: the database outlives it. **Limits**: none.
#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "messaging/subscription.h"
#include "messaging/topic.h"
#include "store/database.h"

namespace thaw::messaging {

using TopicNumber = int64_t;         // 0: the deleted topic
using SubscriptionNumber = int64_t;  // never used again

class MessageStore {
 public:
  explicit MessageStore(store::Database& database) : database_(database) {}

  // ---- resources; names are unique ----
  Result<TopicNumber> add_topic(const Topic& topic);
  Status update_topic(TopicNumber number, const Topic& topic);
  /// Its subscriptions stay, with the deleted topic.
  Status remove_topic(TopicNumber number);
  Result<SubscriptionNumber> add_subscription(const Subscription& subscription, TopicNumber topic);
  Status update_subscription(SubscriptionNumber number, const Subscription& subscription);
  /// For how long nobody has used it; whole seconds are kept.
  Status set_idle(SubscriptionNumber number, Duration idle);
  /// Its backlog is purged later: purge().
  Status remove_subscription(SubscriptionNumber number);
  /// Of what `subscription` has not acknowledged now, and of all that comes later.
  Status add_snapshot(const Snapshot& snapshot, TopicNumber topic, SubscriptionNumber subscription);
  Status update_snapshot(const Snapshot& snapshot);
  Status remove_snapshot(const std::string& name);

  struct Resources {
    std::vector<std::pair<TopicNumber, Topic>> topics;
    struct Sub {
      SubscriptionNumber number;
      TopicNumber topic;
      Subscription subscription;
      Duration idle{0};  // as set_idle() kept it
    };
    std::vector<Sub> subscriptions;
    std::vector<std::pair<TopicNumber, Snapshot>> snapshots;
  };
  /// kDataLoss names a row that cannot be read.
  Result<Resources> load();

  /// "": none was set.
  Result<std::string> policy(const std::string& resource);
  Status set_policy(const std::string& resource, const std::string& policy);

  // ---- messages ----
  /// One that nobody wants, and nothing may bring back, has a number and is not kept.
  Result<MessageId> add(TopicNumber topic, WallTime published, const Message& message,
                        std::span<const SubscriptionNumber> wanted_by);
  /// False: it was acknowledged before.
  Result<bool> acknowledge(SubscriptionNumber subscription, MessageId message,
                           Subscription::AckedMessages acked);
  Status set_failures(SubscriptionNumber subscription, MessageId message, int failures);
  /// nullopt: nobody wants it any more.
  Result<std::optional<Stored>> read(MessageId message);
  /// The unacknowledged ones in order of publication.
  using OnMessage = std::function<void(const SubscriptionCore::Message& message)>;
  Status backlog(SubscriptionNumber subscription, const OnMessage& on_message);

  /// Messages published before `time` become acknowledged, the others unacknowledged; those that
  /// the topic retains come back if `filter` wants them.
  Status seek_time(const Resources::Sub& sub, WallTime time);
  /// kNotFound: there is no such snapshot of the topic.
  Status seek_snapshot(const Resources::Sub& sub, const std::string& snapshot);

  struct Old {
    std::vector<MessageId> messages;
    MessageId all_up_to = 0;  // of the backlog every message up to this one is old
  };
  /// Of the `most` first messages of a backlog, those that it retains too, the ones published
  /// before `time`.
  Result<Old> older(SubscriptionNumber subscription, WallTime time, int most);
  /// Takes a message out of a backlog, whether it was acknowledged or not.
  Status drop(SubscriptionNumber subscription, MessageId message);
  /// Subscriptions that are gone and left a backlog.
  Result<std::vector<SubscriptionNumber>> orphans();
  /// Drops at most `most` messages of a backlog; answers how many.
  Result<int> drop_backlog(SubscriptionNumber subscription, int most);
  /// Looks at `most` messages with higher numbers than `after` and drops those that nobody wants.
  /// Answers the last one looked at; nullopt: there was none. `retained`: topics that retain.
  struct Retained {
    TopicNumber topic;
    WallTime since;
  };
  Result<std::optional<MessageId>> purge(MessageId after, int most,
                                         std::span<const Retained> retained);

  // ---- what other rooms write in transactions of their own ----
  struct Posted {
    int64_t number;
    std::string topic;
    Message message;
  };
  /// To be published by the bus after the caller's commit.
  static Status post(store::Database& database, const std::string& topic, const Message& message);
  Result<std::vector<Posted>> posted(int most);
  Status remove_posted(int64_t number);

 private:
  Status drop_if_unwanted(MessageId message);
  Result<std::vector<MessageId>> ids_of(std::string_view sql,
                                        std::initializer_list<int64_t> values);
  Status restore(const Resources::Sub& sub, const std::string& where,
                 const std::function<void(store::Query& query)>& bind);

  store::Database& database_;
};

}  // namespace thaw::messaging
