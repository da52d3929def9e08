#include "rooms.h"

#include "messaging/message_store.h"

namespace thaw::crash {

using messaging::Bus;

std::string subscription_name(const std::string& id) { return "projects/p/subscriptions/" + id; }

Status Rooms::Sink::append(store::Database& database, const objects::Notification& notification) {
  messaging::Message message{.data = "", .attributes = {}, .ordering_key = ""};
  for (const auto& [key, value] : notification.attributes) {
    message.attributes.emplace_back(key, value);
  }
  return messaging::MessageStore::post(database, notification.topic, message);
}

Result<std::unique_ptr<Rooms>> Rooms::open(const std::string& folder) {
  std::unique_ptr<Rooms> rooms(new Rooms);
  RETURN_IF_ERROR(rooms->start(folder));
  return rooms;
}

Status Rooms::start(const std::string& folder) {
  const std::string path = store::state_path(folder);
  ASSIGN_OR_RETURN(database_, store::open_state(path, "2026-01-01T00:00:00Z"));
  ASSIGN_OR_RETURN(journal_, store::reopen_state(path));
  ASSIGN_OR_RETURN(writing_, store::reopen_state(path));
  ASSIGN_OR_RETURN(reading_, store::reopen_state(path));
  ASSIGN_OR_RETURN(looking_, store::reopen_state(path));
  blobs_.emplace(folder + "/objects");
  worker_.emplace(loop_);
  reader_.emplace(loop_);
  carrier_.emplace(loop_);
  bus_.emplace(loop_, entropy_, *worker_, *database_, *journal_);
  RETURN_IF_ERROR(bus_->load());
  store_.emplace(objects::ObjectStore::Parts{.loop = loop_,
                                             .entropy = entropy_,
                                             .writing_database = *writing_,
                                             .reading_database = *reading_,
                                             .changer = *worker_,
                                             .reader = *reader_,
                                             .carriers = {&*carrier_},
                                             .blobs = *blobs_,
                                             .sink = &sink_});
  return store_->recover();
}

Rooms::~Rooms() {
  // Their jobs end before what they use.
  worker_.reset();
  reader_.reset();
  carrier_.reset();
  store_.reset();
  bus_.reset();
}

Status Rooms::checkpoint_often() {
  for (store::Database* database : {&*database_, &*journal_, &*writing_, &*reading_}) {
    RETURN_IF_ERROR(database->execute("PRAGMA wal_autocheckpoint=24"));
  }
  return {};
}

Status Rooms::look_at_messages(Found& found) {
  for (const char* id : {"reader", "other", "fragile", "grave", "watcher"}) {
    const std::string name = subscription_name(id);
    if (!bus_->subscription(name)) continue;  // not made yet
    while (true) {
      const auto received = bus_->take(name, {.most = 1000, .deadline = seconds(600)});
      if (received.empty()) break;
      for (const auto& each : received) {
        std::string object;
        for (const auto& [key, value] : each.stored.message.attributes) {
          if (key == "objectId") object = value;
        }
        if (std::string_view(id) == "watcher") {
          ++found.announced[object];
        } else {
          found.messages[id].insert(each.stored.message.data);
        }
      }
    }
  }
  return {};
}

Status Rooms::look_at_objects(Found& found) {
  objects::Catalog catalog(*looking_, nullptr);
  objects::ListQuery query;
  query.bucket = "bkt";
  query.limit = 1000;
  const auto listing = catalog.list(query);
  if (!listing) {
    return listing.error().code() == Code::kNotFound ? Status() : Status(listing.error());
  }
  for (const objects::Object& object : listing->objects) {
    ASSIGN_OR_RETURN(const auto file, blobs_->open(object.content));
    ASSIGN_OR_RETURN(std::string content, file->read(0, static_cast<size_t>(file->size())));
    if (std::cmp_not_equal(content.size(), object.size) ||
        objects::crc32c(0, content) != object.checksums.crc32c) {
      return Error(Code::kDataLoss, object.name + ": its content is not what its row says");
    }
    found.objects[object.name] = std::move(content);
  }
  return {};
}

Result<Found> Rooms::look(const History& history) {
  // What was written with an object's change becomes messages now.
  const auto is_posted = [&] {
    const auto left = messaging::MessageStore(*database_).posted(1);
    return !left || left->empty();
  };
  wait_for(is_posted);
  bool is_settled = false;  // behind what the worker has yet to tell
  RETURN_IF_ERROR(worker_->run([] {}, [&] { is_settled = true; }));
  wait_for([&] { return is_settled; });
  Found found;
  RETURN_IF_ERROR(look_at_messages(found));
  RETURN_IF_ERROR(look_at_objects(found));
  for (const Kept& kept : history.uploads) {
    const auto file = blobs_->open(kept.content);
    if (!file) continue;
    ASSIGN_OR_RETURN(found.uploads[kept.content],
                     (*file)->read(0, static_cast<size_t>((*file)->size())));
  }
  return found;
}

}  // namespace thaw::crash
