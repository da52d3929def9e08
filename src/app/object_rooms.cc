#include "app/object_rooms.h"

#include "api/api.h"
#include "messaging/message_store.h"
#include "store/state.h"

namespace thaw::app {
namespace {

constexpr Duration kTidyEvery = seconds(60);

}  // namespace

Status ObjectRooms::BusSink::append(store::Database& database,
                                    const objects::Notification& notification) {
  messaging::Message message{.data = notification.data};
  for (const auto& [key, value] : notification.attributes) {
    message.attributes.emplace_back(key, value);
  }
  return messaging::MessageStore::post(database, notification.topic, message);
}

Status ObjectRooms::open(const std::string& data_dir) {
  const std::string path = store::state_path(data_dir);
  ASSIGN_OR_RETURN(writing_database_, store::reopen_state(path));
  ASSIGN_OR_RETURN(reading_database_, store::reopen_state(path));
  blobs_.emplace(data_dir + "/objects");
  reader_.emplace(loop_);
  first_carrier_.emplace(loop_);
  second_carrier_.emplace(loop_);
  store_.emplace(objects::ObjectStore::Parts{.loop = loop_,
                                             .entropy = entropy_,
                                             .writing_database = *writing_database_,
                                             .reading_database = *reading_database_,
                                             .changer = changer_,
                                             .reader = *reader_,
                                             .carriers = {&*first_carrier_, &*second_carrier_},
                                             .blobs = *blobs_,
                                             .sink = &sink_});
  RETURN_IF_ERROR(store_->recover());
  api_.emplace(*store_, signatories_, api::is_reserved_path);
  tidy_up_later();
  return {};
}

void ObjectRooms::tidy_up_later() {
  tidy_timer_ = loop_.after(kTidyEvery, [this] {
    store_->tidy_up();
    tidy_up_later();
  });
}

}  // namespace thaw::app
