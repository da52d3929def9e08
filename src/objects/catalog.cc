#include "objects/catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "objects/catalog_rows.h"
#include "objects/names.h"
#include "objects/retention.h"

namespace thaw::objects {
namespace {

Error no_bucket(std::string_view name) {
  return {Code::kNotFound, fmt::format("The specified bucket does not exist: {}", name)};
}

Error no_object(std::string_view bucket, std::string_view name) {
  return {Code::kNotFound, fmt::format("No such object: {}/{}", bucket, name)};
}

}  // namespace

Catalog::Catalog(store::Database& database, NotificationSink* sink)
    : database_(database), sink_(sink) {}

// ---- Buckets ------------------------------------------------------------------------------------

Result<Bucket> Catalog::add_bucket(const std::string& name, const std::string& project,
                                   Json settings) {
  RETURN_IF_ERROR(check_bucket_name(name));
  if (bucket(name)) {
    return Error(Code::kAlreadyExists,
                 fmt::format("Your previous request to create the named bucket succeeded and you "
                             "already own it: {}",
                             name));
  }
  ASSIGN_OR_RETURN(settings, keep_retention_policy(Json::object(), std::move(settings), now_));
  Bucket made{.name = name,
              .project = project,
              .created = now_,
              .updated = now_,
              .settings = std::move(settings)};
  RETURN_IF_ERROR(database_.query("INSERT INTO buckets VALUES(?,?,?,?,1,1,?)")
                      .bind(name)
                      .bind(project)
                      .bind(micros(now_))
                      .bind(micros(now_))
                      .bind(made.settings.dump())
                      .run());
  return made;
}

Result<Bucket> Catalog::bucket(const std::string& name) {
  store::Query row =
      database_.query(fmt::format("SELECT {} FROM buckets WHERE name=?", kBucketColumns));
  row.bind(name);
  ASSIGN_OR_RETURN(const bool found, row.next());
  if (!found) return no_bucket(name);
  return read_bucket(row);
}

Result<std::vector<Bucket>> Catalog::buckets(const std::string& project, const std::string& prefix,
                                             const std::string& after, int limit) {
  store::Query row =
      database_.query(fmt::format("SELECT {} FROM buckets WHERE name>? AND (?='' OR project=?) AND "
                                  "substr(name,1,length(?))=? ORDER BY name LIMIT ?",
                                  kBucketColumns));
  row.bind(after).bind(project).bind(project).bind(prefix).bind(prefix).bind(int64_t{limit});
  std::vector<Bucket> found;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.next());
    if (!more) return found;
    ASSIGN_OR_RETURN(Bucket bucket, read_bucket(row));
    found.push_back(std::move(bucket));
  }
}

Result<Bucket> Catalog::change_bucket(const std::string& name, const Preconditions& conditions,
                                      const Change& change) {
  ASSIGN_OR_RETURN(Bucket bucket, this->bucket(name));
  RETURN_IF_ERROR(check(conditions, 1, bucket.metageneration));
  ASSIGN_OR_RETURN(Json changed, change(bucket.settings));
  ASSIGN_OR_RETURN(bucket.settings,
                   keep_retention_policy(bucket.settings, std::move(changed), now_));
  return write_bucket(std::move(bucket));
}

Result<Bucket> Catalog::lock_retention(const std::string& name, const Preconditions& conditions) {
  ASSIGN_OR_RETURN(Bucket bucket, this->bucket(name));
  RETURN_IF_ERROR(check(conditions, 1, bucket.metageneration));
  ASSIGN_OR_RETURN(bucket.settings, lock_retention_policy(bucket.settings));
  return write_bucket(std::move(bucket));
}

Result<Bucket> Catalog::write_bucket(Bucket bucket) {
  ++bucket.metageneration;
  bucket.updated = now_;
  RETURN_IF_ERROR(
      database_.query("UPDATE buckets SET updated=?, metageneration=?, settings=? WHERE name=?")
          .bind(micros(now_))
          .bind(bucket.metageneration)
          .bind(bucket.settings.dump())
          .bind(bucket.name)
          .run());
  return bucket;
}

Status Catalog::remove_bucket(const std::string& name, const Preconditions& conditions) {
  ASSIGN_OR_RETURN(const Bucket bucket, this->bucket(name));
  RETURN_IF_ERROR(check(conditions, 1, bucket.metageneration));
  {
    store::Query row = database_.query("SELECT 1 FROM objects WHERE bucket=? AND state<2 LIMIT 1");
    row.bind(name);
    ASSIGN_OR_RETURN(const bool found, row.next());
    if (found) return Error(Code::kAborted, "The bucket you tried to delete is not empty.");
  }
  // Soft-deleted objects and unfinished uploads go with their bucket.
  ListQuery rest{.bucket = name, .which = ListQuery::Which::kSoftDeleted};
  for (;;) {
    ASSIGN_OR_RETURN(const Listing page, list(rest));
    for (const Object& object : page.objects) RETURN_IF_ERROR(erase(object));
    if (page.next_token.empty()) break;
    rest.token = page.next_token;
  }
  store::Query uploads = database_.query("SELECT id FROM object_uploads WHERE bucket=?");
  uploads.bind(name);
  std::vector<std::string> ids;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, uploads.next());
    if (!more) break;
    ids.emplace_back(uploads.text(0));
  }
  for (const std::string& id : ids) RETURN_IF_ERROR(remove_upload(id));
  RETURN_IF_ERROR(
      database_.query("DELETE FROM object_notifications WHERE bucket=?").bind(name).run());
  return database_.query("DELETE FROM buckets WHERE name=?").bind(name).run();
}

// ---- Objects ------------------------------------------------------------------------------------

Result<int64_t> Catalog::next_generation() {
  if (!last_generation_) {
    store::Query row = database_.query("SELECT last FROM object_generation");
    ASSIGN_OR_RETURN(const bool found, row.next());
    last_generation_ = found ? row.integer(0) : 0;
  }
  last_generation_ = std::max(*last_generation_ + 1, micros(now_));
  RETURN_IF_ERROR(
      database_.query("UPDATE object_generation SET last=?").bind(*last_generation_).run());
  return *last_generation_;
}

Result<std::optional<Object>> Catalog::find(const std::string& bucket, const std::string& name,
                                            std::optional<int64_t> generation) {
  store::Query row =
      database_.query(select_object(generation ? "bucket=? AND name=? AND generation=? AND state<2"
                                               : "bucket=? AND name=? AND state=0"));
  row.bind(bucket).bind(name);
  if (generation) row.bind(*generation);
  ASSIGN_OR_RETURN(const bool found, row.next());
  if (!found) return std::optional<Object>();
  ASSIGN_OR_RETURN(Object object, read_retained_object(row));
  return std::optional<Object>(std::move(object));
}

Result<Object> Catalog::object(const std::string& bucket, const std::string& name,
                               std::optional<int64_t> generation) {
  ASSIGN_OR_RETURN(std::optional<Object> found, find(bucket, name, generation));
  if (found) return *std::move(found);
  if (auto owner = this->bucket(bucket); !owner) return std::move(owner).error();
  return no_object(bucket, name);
}

Result<Object> Catalog::soft_deleted(const std::string& bucket, const std::string& name,
                                     int64_t generation) {
  store::Query row =
      database_.query(select_object("bucket=? AND name=? AND generation=? AND state=2"));
  row.bind(bucket).bind(name).bind(generation);
  ASSIGN_OR_RETURN(const bool found, row.next());
  if (!found) return no_object(bucket, name);
  return read_retained_object(row);
}

Result<Object> Catalog::put(Object object, const Preconditions& conditions) {
  RETURN_IF_ERROR(check_object_name(object.name));
  ASSIGN_OR_RETURN(const Bucket owner, bucket(object.bucket));
  ASSIGN_OR_RETURN(const std::optional<Object> old, find(object.bucket, object.name, std::nullopt));
  RETURN_IF_ERROR(check(conditions, old ? old->generation : 0, old ? old->metageneration : 0));
  ASSIGN_OR_RETURN(object.generation, next_generation());
  object.metageneration = 1;
  object.state = Object::State::kLive;
  object.created = object.updated = now_;
  object.deleted = object.hard_delete = object.hold_released = std::nullopt;
  object.retention = owner.retention();
  const bool says_held = object.settings.find("eventBasedHold") != nullptr;
  if (!says_held && owner.settings.bool_or("defaultEventBasedHold", false)) {
    object.settings.set("eventBasedHold", true);
  }
  if (old) RETURN_IF_ERROR(check_may_go(*old, now_));
  if (old) RETURN_IF_ERROR(retire(owner, *old, Gone::kReplaced, object.generation));
  store::Query row = database_.query(
      fmt::format("INSERT INTO objects({}) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", kObjectColumns));
  bind_object(row, object);
  RETURN_IF_ERROR(row.run());
  put_contents_.push_back(object.content);
  RETURN_IF_ERROR(old ? notify(object, "OBJECT_FINALIZE", "overwroteGeneration", old->generation)
                      : notify(object, "OBJECT_FINALIZE"));
  return object;
}

Result<Object> Catalog::change(const std::string& bucket, const std::string& name,
                               std::optional<int64_t> generation, const Preconditions& conditions,
                               const Change& change) {
  ASSIGN_OR_RETURN(Object object, this->object(bucket, name, generation));
  RETURN_IF_ERROR(check(conditions, object.generation, object.metageneration));
  const bool was_held = object.settings.bool_or("eventBasedHold", false);
  ASSIGN_OR_RETURN(object.settings, change(object.settings));
  const bool is_held = object.settings.bool_or("eventBasedHold", false);
  if (was_held && !is_held) object.hold_released = now_;
  ++object.metageneration;
  object.updated = now_;
  RETURN_IF_ERROR(database_
                      .query("UPDATE objects SET metageneration=?, updated=?, settings=? "
                             "WHERE bucket=? AND name=? AND generation=?")
                      .bind(object.metageneration)
                      .bind(micros(now_))
                      .bind(settings_text(object))
                      .bind(bucket)
                      .bind(name)
                      .bind(object.generation)
                      .run());
  RETURN_IF_ERROR(notify(object, "OBJECT_METADATA_UPDATE"));
  return object;
}

Status Catalog::remove(const std::string& bucket, const std::string& name,
                       std::optional<int64_t> generation, const Preconditions& conditions) {
  ASSIGN_OR_RETURN(const Bucket owner, this->bucket(bucket));
  ASSIGN_OR_RETURN(const std::optional<Object> found, find(bucket, name, generation));
  if (!found && conditions.empty()) return no_object(bucket, name);
  RETURN_IF_ERROR(
      check(conditions, found ? found->generation : 0, found ? found->metageneration : 0));
  if (!found) return no_object(bucket, name);
  RETURN_IF_ERROR(check_may_go(*found, now_));
  return retire(owner, *found, generation ? Gone::kForGood : Gone::kDeleted, 0);
}

/// Takes a version out of use: to a noncurrent one, to a soft-deleted one, or away.
Status Catalog::retire(const Bucket& bucket, const Object& object, Gone why,
                       int64_t by_generation) {
  Object after = object;
  after.deleted = now_;
  const bool is_archived = bucket.keeps_versions() && why != Gone::kForGood;
  if (is_archived) {
    after.state = Object::State::kNoncurrent;
  } else if (bucket.soft_delete() > Duration::zero()) {
    after.state = Object::State::kSoftDeleted;
    after.hard_delete = now_ + bucket.soft_delete();
  } else {
    RETURN_IF_ERROR(erase(object));
  }
  if (after.state != Object::State::kLive) {
    store::Query row = database_.query(
        "UPDATE objects SET state=?, deleted=?, hard_delete=? "
        "WHERE bucket=? AND name=? AND generation=?");
    row.bind(static_cast<int64_t>(after.state)).bind(micros(now_));
    if (after.hard_delete) {
      row.bind(micros(*after.hard_delete));
    } else {
      row.bind_null();
    }
    row.bind(object.bucket).bind(object.name).bind(object.generation);
    RETURN_IF_ERROR(row.run());
  }
  after.state = Object::State::kLive;  // the message shows the resource as it was, with timeDeleted
  const char* event = is_archived ? "OBJECT_ARCHIVE" : "OBJECT_DELETE";
  if (by_generation == 0) return notify(after, event);
  return notify(after, event, "overwrittenByGeneration", by_generation);
}

Status Catalog::erase(const Object& object) {
  RETURN_IF_ERROR(database_.query("DELETE FROM objects WHERE bucket=? AND name=? AND generation=?")
                      .bind(object.bucket)
                      .bind(object.name)
                      .bind(object.generation)
                      .run());
  return drop_content(object.content);
}

Result<Object> Catalog::restore(const std::string& bucket, const std::string& name,
                                int64_t generation, const Preconditions& conditions) {
  ASSIGN_OR_RETURN(Object object, soft_deleted(bucket, name, generation));
  ASSIGN_OR_RETURN(Object live, put(object, conditions));
  RETURN_IF_ERROR(erase(object));
  return live;
}

// ---- Contents -----------------------------------------------------------------------------------

bool Catalog::is_content_used(const std::string& content) {
  store::Query row = database_.query(
      "SELECT 1 FROM objects WHERE content=? UNION ALL "
      "SELECT 1 FROM object_uploads WHERE content=? AND generation=0 LIMIT 1");
  row.bind(content).bind(content);
  const auto found = row.next();
  return !found || *found;  // when in doubt it is
}

Status Catalog::drop_content(const std::string& content) {
  if (content.empty() || is_content_used(content)) return {};
  has_garbage_ = true;
  return database_.query("INSERT OR IGNORE INTO object_garbage VALUES(?)").bind(content).run();
}

Result<std::vector<std::string>> Catalog::garbage(int limit) {
  store::Query row = database_.query("SELECT content FROM object_garbage LIMIT ?");
  row.bind(int64_t{limit});
  std::vector<std::string> found;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.next());
    if (!more) return found;
    found.emplace_back(row.text(0));
  }
}

Status Catalog::forget_garbage(const std::string& content) {
  return database_.query("DELETE FROM object_garbage WHERE content=?").bind(content).run();
}

}  // namespace thaw::objects
