// ObjectRooms: buckets and objects put together: files, connections, workers, and the message bus
// as the taker of notifications.
//
// **Thread**: the loop's. **Owner**: what the constructor takes outlives it. **Limits**: those of
// objects/object_store.h; two transfers are written or read at the same time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io_linux/thread_worker.h"
#include "messaging/bus.h"
#include "objects/object_store.h"
#include "storage_api/storage_api.h"

namespace thaw::app {

class ObjectRooms {
 public:
  ObjectRooms(io::Loop& loop, io::Entropy& entropy, io::Worker& changer, messaging::Bus& bus,
              storage_api::Signatories& signatories)
      : loop_(loop), entropy_(entropy), changer_(changer), signatories_(signatories), sink_(bus) {}

  /// Opens DATA/objects and the connections, and finishes what a crash left.
  Status open(const std::string& data_dir);
  storage_api::StorageApi& api() { return *api_; }
  /// What links in notifications begin with; before the loop runs.
  void set_base_url(std::string url) { store_->set_base_url(std::move(url)); }

 private:
  class BusSink final : public objects::NotificationSink {
   public:
    explicit BusSink(messaging::Bus& bus) : bus_(bus) {}
    Status append(store::Database& database, const objects::Notification& notification) override;
    void committed() override { bus_.publish_posted(); }

   private:
    messaging::Bus& bus_;
  };
  void tidy_up_later();

  io::Loop& loop_;
  io::Entropy& entropy_;
  io::Worker& changer_;
  storage_api::Signatories& signatories_;
  BusSink sink_;
  std::unique_ptr<store::Database> writing_database_;  // the changer's
  std::unique_ptr<store::Database> reading_database_;  // the reader's
  std::optional<store::Blobs> blobs_;
  std::optional<objects::ObjectStore> store_;
  std::optional<storage_api::StorageApi> api_;
  io::Timer tidy_timer_;
  // Last, so that their jobs end before what they use.
  std::optional<io_linux::ThreadWorker> reader_;
  std::optional<io_linux::ThreadWorker> first_carrier_;
  std::optional<io_linux::ThreadWorker> second_carrier_;
};

}  // namespace thaw::app
