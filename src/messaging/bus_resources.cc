// Topics, subscriptions and snapshots of the bus.
#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "messaging/bus.h"
#include "messaging/endpoint.h"
#include "messaging/names.h"

namespace thaw::messaging {
namespace {

constexpr Duration kSnapshotLife = seconds(7 * 86400);

Error missing(std::string_view kind, std::string_view name) {
  return {Code::kNotFound, fmt::format("{} not found (resource={}).", kind, id_of(name))};
}

Error exists(std::string_view kind, std::string_view name) {
  return {Code::kAlreadyExists,
          fmt::format("{} already exists in the project (resource={}).", kind, id_of(name))};
}

Error full(std::string_view what, size_t most) {
  return {Code::kResourceExhausted,
          fmt::format("there are {} {} already, the most that are allowed", most, what)};
}

/// One that was taken before stays: all else of its subscription may be changed.
Status check_endpoint(const Subscription& subscription, const Subscription* before) {
  if (!subscription.push) return {};
  const std::string& url = subscription.push->endpoint;
  if (before != nullptr && before->push && before->push->endpoint == url) return {};
  RETURN_IF_ERROR(parse_endpoint(url).map([](const Endpoint&) {}));
  return {};
}

}  // namespace

Result<Bus::TopicState*> Bus::find_topic(const std::string& name) {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return missing("Topic", name);
  return &found->second;
}

Result<const Bus::TopicState*> Bus::find_topic(const std::string& name) const {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return missing("Topic", name);
  return &found->second;
}

Result<Bus::SubState*> Bus::find_sub(const std::string& name) {
  const auto found = subs_.find(name);
  if (found == subs_.end()) return missing("Subscription", name);
  return found->second.get();
}

Result<const Bus::SubState*> Bus::find_sub(const std::string& name) const {
  const auto found = subs_.find(name);
  if (found == subs_.end()) return missing("Subscription", name);
  return found->second.get();
}

MessageStore::Resources::Sub Bus::row_of(const SubState& sub) const {
  return {sub.number, sub.topic, sub.settings};
}

/// A message is dead only where its dead-letter topic can take it.
void Bus::set_rules(SubState& sub) {
  const bool taken = sub.settings.dead_letter && topics_.contains(sub.settings.dead_letter->topic);
  sub.core.set_rules(sub.settings.rules(taken ? Subscription::DeadLetters::kTaken
                                              : Subscription::DeadLetters::kNotTaken));
}

void Bus::tell_changed(const std::string& subscription) {
  for (Listener* listener : listeners_) listener->on_changed(subscription);
}

// ---- topics ----

Result<Topic> Bus::create_topic(const Topic& topic) {
  if (topics_.contains(topic.name)) return exists("Topic", topic.name);
  if (topics_.size() >= limits_.topics) return full("topics", limits_.topics);
  ASSIGN_OR_RETURN(const TopicNumber number, store_.add_topic(topic));
  topics_[topic.name] = {.number = number, .topic = topic};
  for (auto& [name, sub] : subs_) set_rules(*sub);
  return topic;
}

Result<Topic> Bus::topic(const std::string& name) const {
  ASSIGN_OR_RETURN(const TopicState* found, find_topic(name));
  return found->topic;
}

Result<Topic> Bus::update_topic(const Topic& topic) {
  ASSIGN_OR_RETURN(TopicState * found, find_topic(topic.name));
  RETURN_IF_ERROR(store_.update_topic(found->number, topic));
  const bool retained = found->topic.retention.has_value();
  found->topic = topic;
  if (retained && !topic.retention) purge();
  return topic;
}

Status Bus::remove_topic(const std::string& name) {
  ASSIGN_OR_RETURN(const TopicState* found, find_topic(name));
  RETURN_IF_ERROR(store_.remove_topic(found->number));
  const bool retained = found->topic.retention.has_value();
  for (SubState* sub : found->subs) {
    sub->topic = 0;
    sub->settings.topic = kDeletedTopic;
  }
  topics_.erase(name);
  for (auto& [sub_name, sub] : subs_) set_rules(*sub);  // its dead-letter topic may be gone
  for (auto& [snapshot_name, snapshot] : snapshots_) {
    if (snapshot.topic == name) snapshot.topic = kDeletedTopic;
  }
  if (retained) purge();
  return {};
}

std::vector<Topic> Bus::topics(const std::string& project) const {
  std::vector<Topic> all;
  for (const auto& [name, state] : topics_) {
    if (project_of(name) == project) all.push_back(state.topic);
  }
  return all;
}

Result<std::vector<std::string>> Bus::subscriptions_of(const std::string& topic) const {
  ASSIGN_OR_RETURN(const TopicState* found, find_topic(topic));
  std::vector<std::string> names;
  for (const SubState* sub : found->subs) names.push_back(sub->settings.name);
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::vector<std::string>> Bus::snapshots_of(const std::string& topic) const {
  RETURN_IF_ERROR(find_topic(topic).map([](auto*) {}));
  std::vector<std::string> names;
  for (const auto& [name, snapshot] : snapshots_) {
    if (snapshot.topic == topic) names.push_back(name);
  }
  return names;
}

// ---- subscriptions ----

Result<Subscription> Bus::create_subscription(const Subscription& subscription) {
  if (subs_.contains(subscription.name)) return exists("Subscription", subscription.name);
  if (subs_.size() >= limits_.subscriptions) {
    return full("subscriptions", limits_.subscriptions);
  }
  ASSIGN_OR_RETURN(TopicState * topic, find_topic(subscription.topic));
  RETURN_IF_ERROR(check_endpoint(subscription, nullptr));
  ASSIGN_OR_RETURN(const SubscriptionNumber number,
                   store_.add_subscription(subscription, topic->number));
  auto state = std::make_unique<SubState>(number, topic->number, subscription);
  set_rules(*state);
  by_number_[number] = state.get();
  topic->subs.push_back(state.get());
  subs_[subscription.name] = std::move(state);
  tell_changed(subscription.name);
  return subscription;
}

Result<Subscription> Bus::subscription(const std::string& name) const {
  ASSIGN_OR_RETURN(const SubState* found, find_sub(name));
  return found->settings;
}

Bus::Flags Bus::flags(const std::string& subscription) const {
  const auto found = subs_.find(subscription);
  if (found == subs_.end()) return {};
  return {found->second->settings.acks, found->second->settings.order};
}

Result<Subscription> Bus::update_subscription(const Subscription& subscription) {
  ASSIGN_OR_RETURN(SubState * found, find_sub(subscription.name));
  RETURN_IF_ERROR(check_endpoint(subscription, &found->settings));
  RETURN_IF_ERROR(store_.update_subscription(found->number, subscription));
  found->settings = subscription;
  found->idle.used();
  if (subscription.state == Subscription::State::kDetached) {
    found->core.clear();
    gone_.push_back(found->number);
    drop_gone();
  }
  set_rules(*found);
  if (const Status may = may_pull(*found); !may) end_streams(*found, may.error());
  serve(*found);
  tell_changed(subscription.name);
  return subscription;
}

Status Bus::remove_subscription(const std::string& name) {
  ASSIGN_OR_RETURN(SubState * found, find_sub(name));
  RETURN_IF_ERROR(store_.remove_subscription(found->number));
  while (!found->waiting.empty()) found->waiting.front()->answer(missing("Subscription", name));
  end_streams(*found, missing("Subscription", name));
  if (const auto topic = topics_.find(found->settings.topic); topic != topics_.end()) {
    std::erase(topic->second.subs, found);
  }
  gone_.push_back(found->number);
  by_number_.erase(found->number);
  subs_.erase(name);
  tell_changed(name);
  drop_gone();
  return {};
}

std::vector<Subscription> Bus::subscriptions(const std::string& project) const {
  std::vector<Subscription> all;
  for (const auto& [name, sub] : subs_) {
    if (project_of(name) == project) all.push_back(sub->settings);
  }
  return all;
}

std::vector<std::string> Bus::pushed() const {
  std::vector<std::string> names;
  for (const auto& [name, sub] : subs_) {
    if (sub->settings.push) names.push_back(name);
  }
  return names;
}

Result<Bus::Backlog> Bus::backlog(const std::string& subscription) const {
  ASSIGN_OR_RETURN(const SubState* found, find_sub(subscription));
  return Backlog{found->core.backlog(), found->core.leased()};
}

// ---- policies ----

Result<Json> Bus::policy(const std::string& resource) {
  RETURN_IF_ERROR(check_exists(resource));
  ASSIGN_OR_RETURN(const std::string text, store_.policy(resource));
  if (text.empty()) return Json::object({{"version", 1}, {"etag", "ACAB"}});
  return Json::parse(text);
}

Status Bus::set_policy(const std::string& resource, const Json& policy) {
  RETURN_IF_ERROR(check_exists(resource));
  return store_.set_policy(resource, policy.dump());
}

Status Bus::check_exists(const std::string& resource) const {
  if (topics_.contains(resource) || subs_.contains(resource) || snapshots_.contains(resource)) {
    return {};
  }
  return missing("Resource", resource);
}

// ---- snapshots ----

Result<Snapshot> Bus::create_snapshot(const std::string& name, const std::string& subscription,
                                      const Labels& labels) {
  RETURN_IF_ERROR(check_name("name", name, "snapshots"));
  if (snapshots_.contains(name)) return exists("Snapshot", name);
  if (snapshots_.size() >= limits_.snapshots) return full("snapshots", limits_.snapshots);
  ASSIGN_OR_RETURN(const SubState* sub, find_sub(subscription));
  const Snapshot snapshot{.name = name,
                          .topic = sub->settings.topic,
                          .expires = loop_.wall_now() + kSnapshotLife,
                          .labels = labels};
  RETURN_IF_ERROR(store_.add_snapshot(snapshot, sub->topic, sub->number));
  snapshots_[name] = snapshot;
  return snapshot;
}

Result<Snapshot> Bus::snapshot(const std::string& name) const {
  const auto found = snapshots_.find(name);
  if (found == snapshots_.end()) return missing("Snapshot", name);
  return found->second;
}

Result<Snapshot> Bus::update_snapshot(const Snapshot& snapshot) {
  const auto found = snapshots_.find(snapshot.name);
  if (found == snapshots_.end()) return missing("Snapshot", snapshot.name);
  RETURN_IF_ERROR(store_.update_snapshot(snapshot));
  found->second = snapshot;
  return snapshot;
}

Status Bus::remove_snapshot(const std::string& name) {
  if (!snapshots_.contains(name)) return missing("Snapshot", name);
  RETURN_IF_ERROR(store_.remove_snapshot(name));
  snapshots_.erase(name);
  purge();
  return {};
}

std::vector<Snapshot> Bus::snapshots(const std::string& project) const {
  std::vector<Snapshot> all;
  for (const auto& [name, snapshot] : snapshots_) {
    if (project_of(name) == project) all.push_back(snapshot);
  }
  return all;
}

void Bus::seek(const std::string& subscription, std::variant<WallTime, std::string> to,
               std::function<void(const Status& status)> done) {
  const auto found = find_sub(subscription);
  if (!found) return done(found.error());
  if (const auto* name = std::get_if<std::string>(&to)) {
    const auto snapshot = snapshots_.find(*name);
    if (snapshot == snapshots_.end()) return done(missing("Snapshot", *name));
    if (snapshot->second.topic != (*found)->settings.topic) {
      return done(
          Error(Code::kFailedPrecondition, fmt::format("snapshot: {} is of another topic", *name)));
    }
  }
  (*found)->idle.used();
  ++(*found)->seeks;
  (*found)->core.clear();
  journal_.submit(
      [to = std::move(to), row = row_of(**found)](store::Database& db) {
        MessageStore store(db);
        if (const auto* time = std::get_if<WallTime>(&to)) return store.seek_time(row, *time);
        return store.seek_snapshot(row, std::get<std::string>(to));
      },
      [this, number = (*found)->number, done = std::move(done)](const Status& status) {
        if (status) purge();  // what it passed over
        const auto sub = by_number_.find(number);
        if (sub == by_number_.end()) return done(missing("Subscription", "it was deleted"));
        Status outcome = status;
        if (--sub->second->seeks == 0) {
          const Status loaded = reload(*sub->second);
          if (outcome && !loaded) outcome = loaded;
          serve(*sub->second);
        }
        done(outcome);
      });
}

}  // namespace thaw::messaging
