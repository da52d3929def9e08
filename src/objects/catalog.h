// Catalog: the metadata of buckets, objects and uploads in the state database.
//
// Knows what replaces what, versions, soft deletion, conditions, and which content nobody needs any
// more; writes inside the transaction that the caller has open. Bytes of contents are blobs
// (store/blobs.h). Tables: docs/formats/state-database.md.
// **Thread**: as its database. **Owner**: database and sink outlive it.
// **Limits**: names.h, settings.h; 1000 items a page; 100 notification configurations a bucket.
// Errors of the rules: kNotFound, kAlreadyExists, kInvalidArgument, kFailedPrecondition (a
// condition of the call), kAborted (the state forbids it: a bucket that is not empty),
// kPermissionDenied (a hold or a retention policy forbids it: retention.h). Others are the
// database's.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "objects/list_query.h"
#include "objects/notify.h"
#include "objects/types.h"
#include "store/database.h"

namespace thaw::objects {

class Catalog {
 public:
  Catalog(store::Database& database, NotificationSink* sink);

  /// What links in notifications begin with.
  void set_base_url(std::string url) { base_url_ = std::move(url); }

  /// The time of what follows. Generations go on upwards whatever the clock does.
  void set_now(WallTime now) { now_ = now; }
  WallTime now() const { return now_; }

  // ---- Buckets
  Result<Bucket> add_bucket(const std::string& name, const std::string& project, Json settings);
  Result<Bucket> bucket(const std::string& name);
  /// Of all projects when `project` is empty; after `after`, at most `limit`.
  Result<std::vector<Bucket>> buckets(const std::string& project, const std::string& prefix,
                                      const std::string& after, int limit);
  using Change = std::function<Result<Json>(const Json& settings)>;
  Result<Bucket> change_bucket(const std::string& name, const Preconditions& conditions,
                               const Change& change);
  /// Its retention policy can only be lengthened afterwards.
  Result<Bucket> lock_retention(const std::string& name, const Preconditions& conditions);
  /// kAborted: it has objects or versions.
  Status remove_bucket(const std::string& name, const Preconditions& conditions);

  // ---- Objects
  /// The live one, or that of `generation` (not a soft-deleted one).
  Result<Object> object(const std::string& bucket, const std::string& name,
                        std::optional<int64_t> generation = std::nullopt);
  Result<Object> soft_deleted(const std::string& bucket, const std::string& name,
                              int64_t generation);
  /// Makes `object` (bucket, name, content, size, checksums, components, settings) the live one and
  /// answers it with generation and times.
  Result<Object> put(Object object, const Preconditions& conditions);
  Result<Object> change(const std::string& bucket, const std::string& name,
                        std::optional<int64_t> generation, const Preconditions& conditions,
                        const Change& change);
  /// Without `generation` the live one, which becomes noncurrent where versions are kept.
  Status remove(const std::string& bucket, const std::string& name,
                std::optional<int64_t> generation, const Preconditions& conditions);
  Result<Object> restore(const std::string& bucket, const std::string& name, int64_t generation,
                         const Preconditions& conditions);
  Result<Listing> list(const ListQuery& query);

  // ---- Uploads that take several requests
  Status add_upload(const Upload& upload);
  Result<Upload> upload(const std::string& id);
  /// `generation` of what it became.
  Status finish_upload(const std::string& id, int64_t generation);
  Status remove_upload(const std::string& id);
  /// Those that began before `time`.
  Result<std::vector<Upload>> uploads_before(WallTime time, int limit);

  // ---- Notification configurations, as resources of the API
  Result<Json> add_notification(const std::string& bucket, Json config);
  Result<Json> notification(const std::string& bucket, const std::string& id);
  Result<std::vector<Json>> notifications(const std::string& bucket);
  Status remove_notification(const std::string& bucket, const std::string& id);

  // ---- Contents
  bool is_content_used(const std::string& content);
  /// Contents that no object or upload needs any more, at most `limit`; they stay in the list until
  /// forget_garbage().
  Result<std::vector<std::string>> garbage(int limit);
  Status forget_garbage(const std::string& content);
  /// What put() used since the last call: to be settled once committed.
  std::vector<std::string> take_put_contents() { return std::exchange(put_contents_, {}); }
  /// Whether garbage was added or messages were appended since the last call.
  bool take_has_garbage() { return std::exchange(has_garbage_, false); }
  bool take_has_messages() { return std::exchange(has_messages_, false); }

  /// What lifecycle and soft deletion of all buckets say about now; true: there may be more.
  Result<bool> tidy_up(int limit);

 private:
  enum class Gone { kReplaced, kDeleted, kForGood };
  Result<Bucket> write_bucket(Bucket bucket);
  Result<int64_t> next_generation();
  Result<std::optional<Object>> find(const std::string& bucket, const std::string& name,
                                     std::optional<int64_t> generation);
  Status retire(const Bucket& bucket, const Object& object, Gone why, int64_t by_generation);
  Status erase(const Object& object);
  Status drop_content(const std::string& content);
  Status notify(const Object& object, std::string_view event, std::string_view other_key = "",
                int64_t other = 0);
  Result<bool> apply_lifecycle(const Bucket& bucket, int limit);

  store::Database& database_;
  NotificationSink* sink_;
  std::string base_url_ = "https://www.googleapis.com";
  WallTime now_{};
  std::optional<int64_t> last_generation_;
  std::vector<std::string> put_contents_;
  bool has_garbage_ = false;
  bool has_messages_ = false;
};

}  // namespace thaw::objects
