// ObjectStore: buckets and objects for callers on the loop; nothing of it blocks the loop.
//
// Changes of the catalog run on one worker, many callers' in one transaction (group commit), and
// are answered after it is safe from power loss; readings run on another with a connection of its
// own. Contents are written and hashed on further workers. An object is visible whole or not at
// all: its row is committed only after its content's file and folder were synced.
// **Thread**: the loop's; what is handed to change() and read() runs on a worker and must not touch
// the loop's objects. **Owner**: everything named in Parts outlives it; drop the workers' jobs
// first.
// **Limits**: 4096 changes wait, then kUnavailable; 256 share a transaction; an upload may take a
// week, then it is dropped.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "io/entropy.h"
#include "io/loop.h"
#include "io/worker.h"
#include "objects/catalog.h"
#include "objects/content.h"
#include "store/blobs.h"

namespace thaw::objects {

class ObjectStore {
 public:
  struct Parts {
    io::Loop& loop;
    io::Entropy& entropy;
    store::Database& writing_database;  // the changer's alone
    store::Database& reading_database;  // the reader's alone
    io::Worker& changer;
    io::Worker& reader;
    std::vector<io::Worker*> carriers;  // of contents; at least one
    store::Blobs& blobs;
    NotificationSink* sink = nullptr;
  };
  explicit ObjectStore(Parts parts);
  ~ObjectStore();

  /// What links in notifications begin with. Before the first change.
  void set_base_url(std::string url) { writing_->set_base_url(std::move(url)); }
  /// Finishes or drops what a crash left. Once, before anything else; blocks.
  Status recover();

  /// Runs `work` on the changing worker in a transaction; `done` after the commit. When it fails,
  /// nothing of it is kept. kResourceExhausted: no room on the disk.
  template <class T>
  void change(std::function<Result<T>(Catalog&)> work, std::function<void(Result<T>)> done) {
    auto slot = std::make_shared<std::optional<T>>();
    add_change(
        [work = std::move(work), slot](Catalog& catalog) -> Status {
          ASSIGN_OR_RETURN(*slot, work(catalog));
          return {};
        },
        [slot, done = std::move(done)](const Status& status) {
          if (status) return done(std::move(**slot));
          done(status.error());
        });
  }
  void change_only(std::function<Status(Catalog&)> work, std::function<void(Status)> done) {
    add_change(std::move(work), std::move(done));
  }
  /// Runs `work` on the reading worker. It sees all changes that were answered.
  template <class T>
  void read(std::function<Result<T>(Catalog&)> work, std::function<void(Result<T>)> done) {
    auto slot = std::make_shared<std::optional<Result<T>>>();
    auto shared_done = std::make_shared<std::function<void(Result<T>)>>(std::move(done));
    const Status queued =
        parts_.reader.run([this, slot, work = std::move(work)] { slot->emplace(work(*reading_)); },
                          [slot, shared_done] { (*shared_done)(std::move(**slot)); });
    if (!queued) fail_later([shared_done] { (*shared_done)(busy()); });
  }

  /// A place for new content. Nothing is made on disk before the first append or finish.
  std::shared_ptr<ContentWriter> new_content();
  /// Goes on with what is there of an upload's content; released, since the upload's row names it.
  std::shared_ptr<ContentWriter> resume_content(const std::string& id);
  std::shared_ptr<ContentReader> open_content(const std::string& id);
  /// Drops content that no row names.
  void drop_content(const std::string& id);

  /// Lifecycle, soft deletion's end, uploads that were given up. Call every minute or so.
  void tidy_up();
  std::string new_id() { return parts_.entropy.name(26); }
  WallTime now() const { return parts_.loop.wall_now(); }
  io::Loop& loop() { return parts_.loop; }

 private:
  struct Change {
    std::function<Status(Catalog&)> work;
    std::function<void(Status)> done;
    Status status;
  };
  struct Batch;
  static Error busy();
  void add_change(std::function<Status(Catalog&)> work, std::function<void(Status)> done);
  void fail_later(std::function<void()> report);
  void start_batch();
  void run_batch(Batch& batch);
  void finish_batch(Batch& batch);
  void collect_garbage();
  io::Worker& next_carrier();

  Parts parts_;
  std::unique_ptr<Catalog> writing_;
  std::unique_ptr<Catalog> reading_;
  std::deque<Change> waiting_;
  bool running_ = false;
  bool collecting_ = false;
  size_t carrier_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace thaw::objects
