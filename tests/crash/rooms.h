// Rooms: the message bus and the object store on one folder, put together as `thaw up` does.
//
// Thread: the loop's. Owner: itself. Limits: none.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "history.h"
#include "io_linux/kernel_entropy.h"
#include "io_linux/loop_testing.h"
#include "io_linux/thread_worker.h"
#include "messaging/bus.h"
#include "objects/object_store.h"
#include "store/state.h"

namespace thaw::crash {

inline const std::string kTopic = "projects/p/topics/news";
inline const std::string kGraveTopic = "projects/p/topics/grave";
inline const std::string kArrivals = "projects/p/topics/arrivals";
std::string subscription_name(const std::string& id);

class Rooms {
 public:
  /// Opens what is in the folder, which mends what a crash left.
  static Result<std::unique_ptr<Rooms>> open(const std::string& folder);
  ~Rooms();

  messaging::Bus& bus() { return *bus_; }
  objects::ObjectStore& store() { return *store_; }
  store::Blobs& blobs() { return *blobs_; }
  /// Turns the loop until `done`.
  void wait_for(const std::function<bool()>& done) { io_linux::run_until(loop_, done); }
  /// Reads the database often into the file, so that those writes are watched too.
  Status checkpoint_often();

  /// All that can be seen from outside.
  Result<Found> look(const History& history);

 private:
  Rooms() = default;
  Status start(const std::string& folder);
  Status look_at_messages(Found& found);
  Status look_at_objects(Found& found);

  class Sink final : public objects::NotificationSink {
   public:
    explicit Sink(Rooms& rooms) : rooms_(rooms) {}
    Status append(store::Database& database, const objects::Notification& notification) override;
    void committed() override { rooms_.bus_->publish_posted(); }

   private:
    Rooms& rooms_;
  };

  io_linux::EpollLoop loop_;
  io_linux::KernelEntropy entropy_;
  std::unique_ptr<store::Database> database_, journal_, writing_, reading_;
  std::unique_ptr<store::Database> looking_;  // the loop's: the reader has a thread of its own
  std::optional<store::Blobs> blobs_;
  Sink sink_{*this};
  std::optional<messaging::Bus> bus_;
  std::optional<objects::ObjectStore> store_;
  std::optional<io_linux::ThreadWorker> worker_, reader_, carrier_;
};

}  // namespace thaw::crash
