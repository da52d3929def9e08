// The power goes at every single change that a scripted workload makes to its disk, and takes with
// it all, nothing or any part of what was not synced. What comes back must be what was
// acknowledged.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "crashed_disk.h"
#include "disk_log.h"
#include "history.h"
#include "rooms.h"

namespace thaw::crash {
namespace {

using messaging::Bus;
using messaging::Subscription;
using messaging::Topic;

std::string new_folder() {
  std::string path = (std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") +
                     std::string("/thaw-crash-XXXXXX");
  return ::mkdtemp(path.data());
}

std::string bytes_of(int seed, size_t size) {
  std::mt19937_64 chance(static_cast<uint64_t>(seed));
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(chance());
  return bytes;
}

/// What is asked, one thing after another or several at once.
class Workload {
 public:
  explicit Workload(Rooms& rooms) : rooms_(rooms) {}

  void run() {
    make_resources();
    publish({"a1", "a2", "a3"});
    put("one", bytes_of(1, 900), 0);
    acknowledge({"a1", "a3"});
    put("one", bytes_of(2, 5000), 0);
    at_once();
    give_up("a2");
    remove("one");
    upload_in_parts("parts");
    std::vector<std::string> many;
    for (int i = 0; i < 120; ++i) many.push_back(fmt::format("m{}-{}", i, std::string(300, 'x')));
    publish(many);
    acknowledge({many.begin() + 10, many.begin() + 60});
    put("one", bytes_of(3, 70'000), 0);
    publish({"last"});
  }
  History history;

 private:
  void make_resources() {
    Bus& bus = rooms_.bus();
    for (const std::string& topic : {kTopic, kGraveTopic, kArrivals}) {
      ASSERT_TRUE(bus.create_topic({.name = topic, .labels = {}, .retention = {}}));
    }
    const auto subscribe = [&](const char* id, const std::string& topic, bool dies = false) {
      Subscription subscription;
      subscription.name = subscription_name(id);
      subscription.topic = topic;
      if (dies) subscription.dead_letter = {kGraveTopic, 5};
      ASSERT_TRUE(bus.create_subscription(subscription));
    };
    subscribe("grave", kGraveTopic);
    subscribe("reader", kTopic);
    subscribe("other", kTopic);
    subscribe("fragile", kTopic, true);
    subscribe("watcher", kArrivals);
    bool done = false;
    rooms_.store().change_only(
        [](objects::Catalog& catalog) -> Status {
          RETURN_IF_ERROR(catalog.add_bucket("bkt", "p", Json::object()));
          RETURN_IF_ERROR(catalog.add_notification(
              "bkt", Json::object({{"topic", "//pubsub.googleapis.com/" + kArrivals},
                                   {"payload_format", "NONE"},
                                   {"event_types", Json::Array{"OBJECT_FINALIZE"}}})));
          return {};
        },
        [&](const Status& status) {
          EXPECT_TRUE(status) << status.error().message();
          done = true;
        });
    rooms_.wait_for([&] { return done; });
  }

  void begin_publish(const std::vector<std::string>& texts) {
    const size_t number = history.batches.size();
    history.batches.push_back({texts, {.asked = DiskLog::size()}});
    std::vector<messaging::Message> messages;
    for (const std::string& text : texts) messages.push_back({text, {}, ""});
    ++pending_;
    rooms_.bus().publish(kTopic, std::move(messages), [this, number](const auto& ids) {
      EXPECT_TRUE(ids);
      history.batches[number].published.done = DiskLog::size();
      --pending_;
    });
  }

  void begin_acknowledge(const std::vector<std::string>& texts) {
    const std::string name = subscription_name("reader");
    std::vector<std::string> ids;
    std::vector<std::string> others;
    for (const auto& each : rooms_.bus().take(name, {.most = 1000, .deadline = seconds(600)})) {
      leases_[each.stored.message.data] = each.ack_id;
    }
    for (const std::string& text : texts) {
      ASSERT_TRUE(leases_.contains(text)) << text;
      ids.push_back(leases_[text]);
      history.acknowledged[text].asked = DiskLog::size();
    }
    ++pending_;
    rooms_.bus().acknowledge(name, ids, [this, texts](const auto& ignored) {
      EXPECT_TRUE(ignored && ignored->ack_ids.empty());
      for (const auto& text : texts) history.acknowledged[text].done = DiskLog::size();
      --pending_;
    });
  }

  /// `chunk` bytes at a time; 0: at once.
  void begin_put(const std::string& name, const std::string& content, size_t chunk) {
    auto& versions = history.objects[name];
    const size_t number = versions.size();
    versions.push_back({content, {.asked = DiskLog::size()}});
    ++pending_;
    const auto writer = rooms_.store().new_content();
    append(writer, content, chunk == 0 ? content.size() : chunk, [this, writer, name, number] {
      writer->finish([this, writer, name, number](const Result<objects::Content>& made) {
        ASSERT_TRUE(made) << made.error().message();
        commit(writer, name, *made, "", [this, name, number] {
          history.objects[name][number].made.done = DiskLog::size();
          --pending_;
        });
      });
    });
  }

  using WriterPtr = std::shared_ptr<objects::ContentWriter>;
  void append(const WriterPtr& writer, std::string rest, size_t chunk,
              const std::function<void()>& then) {
    if (rest.empty()) return then();
    writer->append(rest.substr(0, chunk), [=, this](const Status& status) {
      ASSERT_TRUE(status);
      append(writer, rest.size() > chunk ? rest.substr(chunk) : "", chunk, then);
    });
  }

  void commit(const WriterPtr& writer, const std::string& name, const objects::Content& made,
              const std::string& upload, const std::function<void()>& then) {
    objects::Object object{.bucket = "bkt", .name = name};
    object.content = made.id;
    object.size = made.size;
    object.checksums = made.checksums;
    rooms_.store().change_only(
        [object, upload](objects::Catalog& catalog) -> Status {
          ASSIGN_OR_RETURN(const objects::Object kept, catalog.put(object, {}));
          return upload.empty() ? Status() : catalog.finish_upload(upload, kept.generation);
        },
        [writer, then](const Status& status) {
          EXPECT_TRUE(status) << status.error().message();
          writer->release();
          then();
        });
  }

  void settle() {
    rooms_.wait_for([this] { return pending_ == 0; });
  }
  void publish(const std::vector<std::string>& texts) {
    begin_publish(texts);
    settle();
  }
  void acknowledge(const std::vector<std::string>& texts) {
    begin_acknowledge(texts);
    settle();
  }
  void put(const std::string& name, const std::string& content, size_t chunk) {
    begin_put(name, content, chunk);
    settle();
  }

  /// Group commits of many kinds.
  void at_once() {
    begin_publish({"b1"});
    begin_put("two", bytes_of(4, 3000), 1000);
    begin_publish({"b2", "b3"});
    begin_acknowledge({"a2"});
    begin_put("three", "", 0);
    begin_publish({"b4"});
    settle();
  }

  void remove(const std::string& name) {
    auto& versions = history.objects[name];
    versions.push_back({std::nullopt, {.asked = DiskLog::size()}});
    ++pending_;
    rooms_.store().change_only(
        [name](objects::Catalog& catalog) { return catalog.remove("bkt", name, {}, {}); },
        [this, &versions](const Status& status) {
          EXPECT_TRUE(status);
          versions.back().made.done = DiskLog::size();
          --pending_;
        });
    settle();
  }

  /// Fails it as often as it may; then it is in the dead-letter topic.
  void give_up(const std::string& text) {
    history.buried[text].asked = DiskLog::size();
    const std::string name = subscription_name("fragile");
    const auto is_buried = [&] {
      return rooms_.bus().backlog(subscription_name("grave"))->messages > 0;
    };
    for (int attempt = 0; attempt < 5; ++attempt) {
      for (const auto& each : rooms_.bus().take(name, {.most = 1000, .deadline = seconds(600)})) {
        if (each.stored.message.data != text) continue;
        EXPECT_TRUE(rooms_.bus().modify(name, {each.ack_id}, 0));
      }
    }
    rooms_.wait_for(is_buried);
    history.buried[text].done = DiskLog::size();
  }

  /// An upload of several requests, which are said to be kept one by one.
  void upload_in_parts(const std::string& name) {
    const std::string content = bytes_of(5, 30'000);
    objects::Upload upload{.id = "upload1", .bucket = "bkt", .name = name, .content = "u1content"};
    bool done = false;
    rooms_.store().change_only(
        [upload](objects::Catalog& catalog) { return catalog.add_upload(upload); },
        [&](const Status& status) {
          EXPECT_TRUE(status);
          done = true;
        });
    rooms_.wait_for([&] { return done; });
    const auto writer = rooms_.store().resume_content(upload.content);
    for (size_t at = 0; at < content.size(); at += 10'000) {
      const Span span{.asked = DiskLog::size()};
      ++pending_;
      append(writer, content.substr(at, 10'000), 3000, [&] {
        writer->keep([&](const Status& status) {
          EXPECT_TRUE(status);
          history.uploads.push_back({upload.content, content.substr(0, at + 10'000), span});
          history.uploads.back().kept.done = DiskLog::size();
          --pending_;
        });
      });
      settle();
    }
    history.objects[name].push_back({content, {.asked = DiskLog::size()}});
    ++pending_;
    writer->finish([&](const Result<objects::Content>& made) {
      ASSERT_TRUE(made);
      commit(writer, name, *made, upload.id, [&] {
        history.objects[name].back().made.done = DiskLog::size();
        --pending_;
      });
    });
    settle();
  }

  Rooms& rooms_;
  int pending_ = 0;
  std::map<std::string, std::string> leases_;  // by text
};

/// One crash: what comes back, whether it agrees, and whether it still works.
void check_crash(const CrashedDisk& disk, const History& history, Loss loss, uint64_t seed) {
  const std::string where =
      fmt::format("after event {}, loss {}, seed {}", disk.at(), static_cast<int>(loss), seed);
  const std::string folder = new_folder();
  disk.lay_down(folder, loss, seed);
  {
    auto rooms = Rooms::open(folder);
    ASSERT_TRUE(rooms) << where << ": " << rooms.error().message();
    const auto found = (*rooms)->look(history);
    ASSERT_TRUE(found) << where << ": " << found.error().message();
    for (const std::string& fault : disagreements(history, *found, disk.at())) {
      ADD_FAILURE() << where << ": " << fault;
    }
  }
  std::filesystem::remove_all(folder);
}

/// The first of its part; the parts share the work out to several tests, which run at once.
void check_part(size_t part, size_t parts) {
  const std::string folder = new_folder();
  DiskLog::start(folder);
  History history;
  {
    auto rooms = Rooms::open(folder);
    ASSERT_TRUE(rooms) << rooms.error().message();
    ASSERT_TRUE((*rooms)->checkpoint_often());
    Workload workload(**rooms);
    workload.run();
    history = workload.history;
    if (testing::Test::HasFailure()) return;
  }
  const std::vector<DiskEvent> events = DiskLog::stop();
  std::filesystem::remove_all(folder);
  ASSERT_GT(events.size(), 500u) << "the workload was not watched";
  std::map<DiskEvent::Kind, size_t> kinds;
  for (const DiskEvent& event : events) ++kinds[event.kind];
  ASSERT_EQ(kinds.size(), 8u) << "every kind of change is among them";
  CrashedDisk disk(events);
  do {
    if (disk.at() % parts != part) continue;
    check_crash(disk, history, Loss::kAllUnsynced, 0);
    check_crash(disk, history, Loss::kNothing, 0);
    for (uint64_t seed = 1; seed <= 2; ++seed) {
      check_crash(disk, history, Loss::kTorn, disk.at() * 10 + seed);
    }
    if (testing::Test::HasFailure()) return;
  } while (disk.advance());
  // The checker itself must see a loss: the end of the workload, with a disk of its middle.
  if (part == 0) {
    CrashedDisk early(events);
    while (early.at() < events.size() / 2) early.advance();
    const std::string lost = new_folder();
    early.lay_down(lost, Loss::kNothing, 0);
    {
      const auto rooms = Rooms::open(lost);
      ASSERT_TRUE(rooms);
      const auto found = (*rooms)->look(history);
      ASSERT_TRUE(found);
      EXPECT_FALSE(disagreements(history, *found, events.size()).empty());
    }
    std::filesystem::remove_all(lost);
  }
}

TEST(Crash, AtEveryWriteKeepsWhatWasAcknowledged1) { check_part(0, 4); }
TEST(Crash, AtEveryWriteKeepsWhatWasAcknowledged2) { check_part(1, 4); }
TEST(Crash, AtEveryWriteKeepsWhatWasAcknowledged3) { check_part(2, 4); }
TEST(Crash, AtEveryWriteKeepsWhatWasAcknowledged4) { check_part(3, 4); }

std::string laid_down(const CrashedDisk& disk, const std::string& name, Loss loss,
                      uint64_t seed = 0) {
  const std::string folder = new_folder();
  disk.lay_down(folder, loss, seed);
  std::string text = "absent";
  if (std::filesystem::exists(folder + "/" + name)) {
    std::ifstream file(folder + "/" + name);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::filesystem::remove_all(folder);
  return text;
}

TEST(CrashedDisk, ForgetsWhatWasNotSyncedAndTearsAtSectors) {
  using Kind = DiskEvent::Kind;
  const std::vector<DiskEvent> events = {
      {.kind = Kind::kCreate, .file = 1, .path = "f"},
      {.kind = Kind::kWrite, .file = 1, .bytes = std::string(1024, 'a')},
      {.kind = Kind::kSync, .file = 1, .since = 2},
      {.kind = Kind::kSyncFolder, .path = ".", .since = 3},
      {.kind = Kind::kWrite, .file = 1, .bytes = std::string(1024, 'b')},
      {.kind = Kind::kRename, .path = "f", .to = "g"},
  };
  CrashedDisk disk(events);
  const auto go = [&](size_t to) {
    while (disk.at() < to) disk.advance();
  };
  go(3);
  EXPECT_EQ(laid_down(disk, "f", Loss::kAllUnsynced), "absent") << "its folder was not synced";
  go(5);
  EXPECT_EQ(laid_down(disk, "f", Loss::kAllUnsynced), std::string(1024, 'a'));
  EXPECT_EQ(laid_down(disk, "f", Loss::kNothing), std::string(1024, 'b'));
  std::set<std::string> torn;
  for (uint64_t seed = 0; seed < 50; ++seed) torn.insert(laid_down(disk, "f", Loss::kTorn, seed));
  const std::string a(512, 'a');
  const std::string b(512, 'b');
  EXPECT_EQ(torn, (std::set<std::string>{a + a, a + b, b + a, b + b}));
  go(6);
  EXPECT_EQ(laid_down(disk, "f", Loss::kAllUnsynced), std::string(1024, 'a'));
  EXPECT_EQ(laid_down(disk, "g", Loss::kNothing), std::string(1024, 'b'));
}

}  // namespace
}  // namespace thaw::crash
