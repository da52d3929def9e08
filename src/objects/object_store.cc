#include "objects/object_store.h"

#include <algorithm>

#include "base/check.h"
#include "base/log.h"

namespace thaw::objects {
namespace {

constexpr size_t kMostWaiting = 4096;
constexpr size_t kMostInBatch = 256;
constexpr int kTidyStep = 500;
constexpr int kGarbageStep = 200;
constexpr Duration kUploadLife = std::chrono::hours(24 * 7);

/// Of the database or the disk, not of the rules: the whole transaction is in doubt.
bool is_fault(Code code) {
  return code == Code::kResourceExhausted || code == Code::kUnavailable ||
         code == Code::kDataLoss || code == Code::kInternal || code == Code::kUnknown;
}

}  // namespace

struct ObjectStore::Batch {
  std::vector<Change> changes;
  bool has_garbage = false;
  bool has_messages = false;
};

ObjectStore::ObjectStore(Parts parts)
    : parts_(std::move(parts)),
      writing_(std::make_unique<Catalog>(parts_.writing_database, parts_.sink)),
      reading_(std::make_unique<Catalog>(parts_.reading_database, nullptr)) {
  CHECK(!parts_.carriers.empty(), "contents need a carrier");
}

ObjectStore::~ObjectStore() = default;

Error ObjectStore::busy() {
  return {Code::kUnavailable, "too many requests wait for the disk; try again later"};
}

void ObjectStore::fail_later(std::function<void()> report) { parts_.loop.post(std::move(report)); }

io::Worker& ObjectStore::next_carrier() {
  return *parts_.carriers[carrier_++ % parts_.carriers.size()];
}

// ---- Changes ------------------------------------------------------------------------------------

void ObjectStore::add_change(std::function<Status(Catalog&)> work,
                             std::function<void(Status)> done) {
  if (waiting_.size() >= kMostWaiting) {
    fail_later([done = std::move(done)] { done(busy()); });
    return;
  }
  waiting_.push_back({std::move(work), std::move(done), {}});
  // At the end of this turn, so that what comes together is committed together.
  if (!running_) {
    running_ = true;
    parts_.loop.post([this, weak = std::weak_ptr<int>(alive_)] {
      if (!weak.expired()) start_batch();
    });
  }
}

void ObjectStore::start_batch() {
  running_ = !waiting_.empty();
  if (!running_) return;
  const auto batch = std::make_shared<Batch>();
  while (!waiting_.empty() && batch->changes.size() < kMostInBatch) {
    batch->changes.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  const auto finished = [this, batch, weak = std::weak_ptr<int>(alive_)] {
    if (!weak.expired()) finish_batch(*batch);
  };
  const WallTime now = parts_.loop.wall_now();
  const Status queued = parts_.changer.run(
      [this, batch, now] {
        writing_->set_now(now);
        run_batch(*batch);
      },
      finished);
  if (queued) return;
  for (Change& change : batch->changes) change.status = busy();
  parts_.loop.post(finished);
}

/// On the changer. Each change in a savepoint, all in one transaction.
void ObjectStore::run_batch(Batch& batch) {
  store::Database& database = parts_.writing_database;
  const auto attempt = [&]() -> Status {
    ASSIGN_OR_RETURN(store::Transaction transaction, database.begin());
    for (Change& change : batch.changes) {
      RETURN_IF_ERROR(database.execute("SAVEPOINT change"));
      change.status = change.work(*writing_);
      if (!change.status) {
        if (is_fault(change.status.error().code())) return change.status;
        RETURN_IF_ERROR(database.execute("ROLLBACK TO change"));
      }
      RETURN_IF_ERROR(database.execute("RELEASE change"));
    }
    return transaction.commit();
  };
  const Status committed = attempt();
  const std::vector<std::string> contents = writing_->take_put_contents();
  batch.has_garbage = writing_->take_has_garbage();
  batch.has_messages = writing_->take_has_messages() && committed;
  if (!committed) {
    for (Change& change : batch.changes) change.status = committed.error();
    return;
  }
  for (const std::string& content : contents) {
    if (const Status settled = parts_.blobs.settle(content); !settled) {
      log_warning("content stays among the incoming ones", {{"why", settled.error().message()}});
    }
  }
}

void ObjectStore::finish_batch(Batch& batch) {
  const std::weak_ptr<int> weak = alive_;
  start_batch();
  if (batch.has_messages && parts_.sink != nullptr) parts_.sink->committed();
  if (batch.has_garbage) collect_garbage();
  for (Change& change : batch.changes) {
    change.done(std::move(change.status));
    if (weak.expired()) return;
  }
}

// ---- Contents -----------------------------------------------------------------------------------

std::shared_ptr<ContentWriter> ObjectStore::new_content() {
  return std::make_shared<ContentWriter>(parts_.loop, next_carrier(), parts_.blobs, new_id(),
                                         ContentWriter::From::kNothing, alive_);
}

std::shared_ptr<ContentWriter> ObjectStore::resume_content(const std::string& id) {
  auto writer = std::make_shared<ContentWriter>(parts_.loop, next_carrier(), parts_.blobs, id,
                                                ContentWriter::From::kWhatIsThere, alive_);
  writer->release();
  return writer;
}

std::shared_ptr<ContentReader> ObjectStore::open_content(const std::string& id) {
  return std::make_shared<ContentReader>(parts_.loop, next_carrier(), parts_.blobs, id);
}

void ObjectStore::drop_content(const std::string& id) {
  const Status queued = next_carrier().run(
      [this, id] {
        if (const Status removed = parts_.blobs.remove(id); !removed) {
          log_warning("content that is not needed stays", {{"why", removed.error().message()}});
        }
      },
      [] {});
  if (!queued) log_warning("content that is not needed stays", {{"content", id}});
}

/// Files of contents that no row names any more; the rows that remember them go last.
void ObjectStore::collect_garbage() {
  if (std::exchange(collecting_, true)) return;
  using Ids = std::vector<std::string>;
  read<Ids>([](Catalog& catalog) { return catalog.garbage(kGarbageStep); },
            [this](Result<Ids> found) {
              if (!found || found->empty()) {
                collecting_ = false;
                return;
              }
              const auto ids = std::make_shared<Ids>(*std::move(found));
              const auto forget = [this, ids] {
                change_only(
                    [ids](Catalog& catalog) -> Status {
                      for (const std::string& id : *ids) {
                        RETURN_IF_ERROR(catalog.forget_garbage(id));
                      }
                      return {};
                    },
                    [this, ids](const Status& status) {
                      collecting_ = false;
                      if (status && ids->size() == kGarbageStep) collect_garbage();
                    });
              };
              const Status queued = next_carrier().run(
                  [this, ids] {
                    std::erase_if(*ids,
                                  [&](const std::string& id) { return !parts_.blobs.remove(id); });
                  },
                  forget);
              if (!queued) collecting_ = false;
            });
}

// ---- Upkeep -------------------------------------------------------------------------------------

Status ObjectStore::recover() {
  RETURN_IF_ERROR(parts_.blobs.prepare());
  ASSIGN_OR_RETURN(const std::vector<std::string> incoming, parts_.blobs.incoming());
  for (const std::string& id : incoming) {
    store::Query row = parts_.writing_database.query(
        "SELECT (SELECT count(*) FROM objects WHERE content=?), "
        "(SELECT count(*) FROM object_uploads WHERE content=? AND generation=0)");
    row.bind(id).bind(id);
    ASSIGN_OR_RETURN(const bool found, row.next());
    CHECK(found, "counting answers a row");
    if (row.integer(0) > 0) {
      RETURN_IF_ERROR(parts_.blobs.settle(id));
    } else if (row.integer(1) == 0) {
      RETURN_IF_ERROR(parts_.blobs.remove(id));
    }
  }
  collect_garbage();
  return {};
}

void ObjectStore::tidy_up() {
  change<bool>(
      [](Catalog& catalog) -> Result<bool> {
        ASSIGN_OR_RETURN(const auto old,
                         catalog.uploads_before(catalog.now() - kUploadLife, kTidyStep));
        for (const Upload& upload : old) RETURN_IF_ERROR(catalog.remove_upload(upload.id));
        ASSIGN_OR_RETURN(const bool more, catalog.tidy_up(kTidyStep));
        return more || std::cmp_equal(old.size(), kTidyStep);
      },
      [this](const Result<bool>& more) {
        if (!more) log_warning("tidying objects failed", {{"why", more.error().message()}});
        if (more && *more) tidy_up();
      });
}

}  // namespace thaw::objects
