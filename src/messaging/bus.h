// Bus: topics, subscriptions and the messages between them; what the Pub/Sub API and pushes use.
//
// It keeps resources and each subscription's SubscriptionCore in memory, messages in the database:
// a publish is answered after it is on disk (journal.h), and so is an acknowledgement. After a
// restart every unacknowledged message is waiting again.
//
// Names are full: "projects/P/topics/T". Errors: kNotFound, kAlreadyExists, kInvalidArgument and
// kFailedPrecondition as Pub/Sub answers them; kResourceExhausted: no room on the disk, or a limit.
//
// **Thread**: the loop's. **Owner**: loop, worker and both databases outlive it; handles it gives
// do not. **Limits**: Limits below; 16 MiB of message bodies are kept in memory, the rest is read.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/entropy.h"
#include "io/loop.h"
#include "io/worker.h"
#include "messaging/body_cache.h"
#include "messaging/idle.h"
#include "messaging/journal.h"
#include "messaging/message_store.h"

namespace thaw::messaging {

struct Received {
  std::string ack_id;
  Stored stored;
  int attempt = 0;  // 0: not counted, the subscription has no dead-letter policy
};

class Bus {
 public:
  struct Limits {
    size_t topics = 10'000;
    size_t subscriptions = 10'000;
    size_t snapshots = 5'000;
    size_t waiting_pulls = 1'000;  // of a subscription; more are answered at once
    size_t streams = 1'000;        // of a subscription
  };

  /// `database`: the loop's connection; `journal_database`: the worker's, to the same file.
  Bus(io::Loop& loop, io::Entropy& entropy, io::Worker& worker, store::Database& database,
      store::Database& journal_database, Limits limits);
  Bus(io::Loop& loop, io::Entropy& entropy, io::Worker& worker, store::Database& database,
      store::Database& journal_database)
      : Bus(loop, entropy, worker, database, journal_database, Limits()) {}
  ~Bus();

  /// Brings back what the database has. Before anything else.
  Status load();
  /// Waiting pulls are answered, nothing is delivered any more; `done` when all is written.
  void drain(std::function<void()> done);

  // ---- topics ----
  Result<Topic> create_topic(const Topic& topic);
  Result<Topic> topic(const std::string& name) const;
  Result<Topic> update_topic(const Topic& topic);
  Status remove_topic(const std::string& name);
  std::vector<Topic> topics(const std::string& project) const;
  /// Of the topic: "projects/P/subscriptions/S" each.
  Result<std::vector<std::string>> subscriptions_of(const std::string& topic) const;
  Result<std::vector<std::string>> snapshots_of(const std::string& topic) const;

  // ---- subscriptions ----
  Result<Subscription> create_subscription(const Subscription& subscription);
  Result<Subscription> subscription(const std::string& name) const;
  /// What each stream's response says of its subscription; the defaults of one that is not there.
  struct Flags {
    DeliveryRules::Acks acks = DeliveryRules::Acks::kAtLeastOnce;
    DeliveryRules::Order order = DeliveryRules::Order::kNone;
  };
  Flags flags(const std::string& subscription) const;
  Result<Subscription> update_subscription(const Subscription& subscription);
  Status remove_subscription(const std::string& name);
  std::vector<Subscription> subscriptions(const std::string& project) const;
  /// Names of those that push, of all projects.
  std::vector<std::string> pushed() const;
  /// Not acknowledged yet.
  struct Backlog {
    size_t messages;
    size_t leased;
  };
  Result<Backlog> backlog(const std::string& subscription) const;

  // ---- snapshots ----
  Result<Snapshot> create_snapshot(const std::string& name, const std::string& subscription,
                                   const Labels& labels);
  Result<Snapshot> snapshot(const std::string& name) const;
  Result<Snapshot> update_snapshot(const Snapshot& snapshot);
  Status remove_snapshot(const std::string& name);
  std::vector<Snapshot> snapshots(const std::string& project) const;

  /// Who may do what with a topic or subscription: kept, but nobody is asked.
  Result<Json> policy(const std::string& resource);
  Status set_policy(const std::string& resource, const Json& policy);

  // ---- messages ----
  using OnPublished = std::function<void(Result<std::vector<MessageId>> ids)>;
  void publish(const std::string& topic, std::vector<Message> messages, OnPublished done);

  /// A pull that waits; dropping it ends it, its callback does not come then.
  class PullHandle;
  struct PullOptions {
    size_t most = 1;
    uint64_t most_bytes = 10'000'000;
    Duration wait{0};      // 0: answered at once, maybe with nothing
    Duration deadline{0};  // of the leases; 0: the subscription's
  };
  using OnPulled = std::function<void(Result<std::vector<Received>> received)>;
  /// The callback may come inside this call.
  [[nodiscard]] std::unique_ptr<PullHandle> pull(const std::string& subscription,
                                                 const PullOptions& options, OnPulled done);
  /// Without waiting and without a callback: for pushes.
  std::vector<Received> take(const std::string& subscription, const PullOptions& options);

  /// What a stream's messages are written to; it outlives its handle.
  class StreamSink {
   public:
    enum class Flow { kGoOn, kWait };
    /// At most 1000 messages or, but for the first, 1 MiB. kWait: no more before resume().
    virtual Flow on_messages(std::vector<Received> received) = 0;
    /// Nothing comes any more: kNotFound, kFailedPrecondition, or kUnavailable at a drain.
    virtual void on_end(const Error& error) = 0;

   protected:
    ~StreamSink() = default;
  };
  struct StreamOptions {
    Consumers::Limits limits;
    Duration deadline{0};  // of the leases
  };
  class StreamHandle;
  /// A subscription's messages are spread over its streams. Nothing comes before resume().
  Result<std::unique_ptr<StreamHandle>> open_stream(const std::string& subscription,
                                                    const StreamOptions& options, StreamSink& sink);

  /// What became of each id that had no effect; the others are acknowledged for good.
  struct Ignored {
    std::vector<std::string> ack_ids;
  };
  using OnAcknowledged = std::function<void(Result<Ignored> ignored)>;
  void acknowledge(const std::string& subscription, const std::vector<std::string>& ack_ids,
                   OnAcknowledged done);
  /// `seconds_left` 0 gives the messages back at once, up to 600.
  Result<Ignored> modify(const std::string& subscription, const std::vector<std::string>& ack_ids,
                         int seconds_left);
  void seek(const std::string& subscription, std::variant<WallTime, std::string> to,
            std::function<void(const Status& status)> done);

  /// Called whenever a subscription that pushes may have something to take, and when any changed or
  /// went.
  class Listener {
   public:
    virtual void on_available(const std::string& subscription) = 0;
    virtual void on_changed(const std::string& subscription) = 0;

   protected:
    ~Listener() = default;
  };
  void add_listener(Listener& listener) { listeners_.push_back(&listener); }

  /// Publishes what other rooms wrote with MessageStore::post(). Call after their commit.
  void publish_posted();

 private:
  struct SubState;
  struct TopicState {
    TopicNumber number;
    Topic topic;
    std::vector<SubState*> subs = {};
  };
  struct SubState {
    SubState(SubscriptionNumber id, TopicNumber of, Subscription s)
        : number(id), topic(of), settings(std::move(s)), core({}) {}
    SubscriptionNumber number;
    TopicNumber topic;
    Subscription settings;
    SubscriptionCore core;
    std::list<PullHandle*> waiting;
    std::map<ConsumerId, StreamHandle*> streams;
    io::Timer timer;
    Instant timer_at = Instant::max();
    Idle idle;
    int seeks = 0;               // under way: nothing is delivered
    bool drops_old = false;      // drop_old() is under way
    MessageId loaded_up_to = 0;  // by reload()
  };
  struct Publication;
  struct AckId;

  // Resources (bus_resources.cc).
  Result<TopicState*> find_topic(const std::string& name);
  Result<const TopicState*> find_topic(const std::string& name) const;
  Result<SubState*> find_sub(const std::string& name);
  Result<const SubState*> find_sub(const std::string& name) const;
  MessageStore::Resources::Sub row_of(const SubState& sub) const;
  void set_rules(SubState& sub);
  void tell_changed(const std::string& subscription);
  Status check_exists(const std::string& resource) const;

  // Messages (bus.cc).
  Status reload(SubState& sub);
  std::shared_ptr<Publication> prepare(const TopicState& topic, std::vector<Message> messages);
  static Status write(MessageStore store, Publication& publication);
  void deliver(const Publication& publication);
  void serve(SubState& sub);
  void expire(SubState& sub);
  void arm(SubState& sub);
  std::vector<Received> take(SubState& sub, const PullOptions& options, ConsumerId consumer = 0);
  void failed(SubState& sub, const SubscriptionCore::Failure& failure);
  void dead_letter(SubState& sub, const SubscriptionCore::Failure& failure);
  Result<std::optional<Stored>> body(MessageId message);
  std::string ack_id(const SubscriptionCore::Lease& lease) const;
  std::optional<AckId> parse_ack_id(const std::string& text) const;

  // Streams (bus_streams.cc).
  void serve_streams(SubState& sub);
  static Status may_pull(const SubState& sub);
  static void end_streams(SubState& sub, const Error& error);

  // Housekeeping (bus_upkeep.cc).
  void upkeep();
  void expire_unused();
  void drop_old(SubState& sub);
  void drop_gone();
  void purge();
  void purge(MessageId after);

  io::Loop& loop_;
  Limits limits_;
  Journal journal_;
  MessageStore store_;
  BodyCache bodies_;
  uint64_t epoch_;
  std::map<std::string, TopicState> topics_;
  std::map<std::string, std::unique_ptr<SubState>> subs_;
  std::unordered_map<SubscriptionNumber, SubState*> by_number_;
  std::map<std::string, Snapshot> snapshots_;
  std::vector<SubscriptionNumber> gone_;  // whose backlog is to be dropped
  std::vector<Listener*> listeners_;
  io::Timer upkeep_timer_;
  Instant upkept_ = Instant::min();  // the last upkeep; min: none yet
  enum class Phase { kServing, kDraining } phase_ = Phase::kServing;
  enum class Again { kIdle, kUnderWay, kAgain } posting_ = Again::kIdle, purging_ = Again::kIdle;
};

class Bus::PullHandle {
 public:
  ~PullHandle();
  /// It was answered.
  bool is_done() const { return done_ == nullptr; }

 private:
  friend class Bus;
  PullHandle(Bus& owner, PullOptions options, OnPulled done)
      : owner_(owner), options_(options), done_(std::move(done)) {}
  void answer(Result<std::vector<Received>> received);

  Bus& owner_;
  PullOptions options_;
  OnPulled done_;
  SubState* sub_ = nullptr;  // while it waits
  std::list<PullHandle*>::iterator place_;
  io::Timer timer_;
};

class Bus::StreamHandle {
 public:
  /// What it has outstanding comes again when its leases are over.
  ~StreamHandle();
  /// Messages may come, inside this call too.
  void resume();
  /// Of the leases from now on.
  void set_deadline(Duration deadline) { options_.deadline = deadline; }

 private:
  friend class Bus;
  StreamHandle(Bus& owner, SubState& sub, StreamOptions options, StreamSink& sink);

  Bus& owner_;
  SubState* sub_;  // null: it was ended
  StreamOptions options_;
  StreamSink& sink_;
  ConsumerId id_;
};

}  // namespace thaw::messaging
