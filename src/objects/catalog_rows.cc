#include "objects/catalog_rows.h"

#include <chrono>

namespace thaw::objects {
namespace {

// In `settings`, where callers cannot set it: merge_object_settings() drops what it does not know.
constexpr const char* kHoldReleased = "thaw.holdReleased";

Result<Json> read_json(std::string_view table, std::string_view key, std::string_view text) {
  auto json = Json::parse(text);
  if (json) return json;
  return Error(Code::kDataLoss, "the row '" + std::string(key) + "' of the table " +
                                    std::string(table) + " is damaged: " + json.error().message());
}

void bind_time(store::Query& query, const std::optional<WallTime>& time) {
  if (time) {
    query.bind(micros(*time));
  } else {
    query.bind_null();
  }
}

std::optional<WallTime> read_time(const store::Query& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return from_micros(row.integer(column));
}

}  // namespace

int64_t micros(WallTime time) {
  return std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch()).count();
}
WallTime from_micros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

Result<Object> read_object(const store::Query& row) {
  Object object;
  object.bucket = row.text(0);
  object.name = row.text(1);
  object.generation = row.integer(2);
  object.metageneration = row.integer(3);
  object.state = static_cast<Object::State>(row.integer(4));
  object.content = row.text(5);
  object.size = row.integer(6);
  object.checksums.crc32c = static_cast<uint32_t>(row.integer(7));
  object.checksums.md5 = row.text(8);
  object.components = row.integer(9);
  object.created = from_micros(row.integer(10));
  object.updated = from_micros(row.integer(11));
  object.deleted = read_time(row, 12);
  object.hard_delete = read_time(row, 13);
  ASSIGN_OR_RETURN(object.settings, read_json("objects", object.name, row.text(14)));
  if (const Json* released = object.settings.find(kHoldReleased)) {
    if (released->is_int()) object.hold_released = from_micros(released->as_int());
    std::erase_if(object.settings.as_object(),
                  [](const auto& member) { return member.first == kHoldReleased; });
  }
  return object;
}

Result<Object> read_retained_object(const store::Query& row) {
  ASSIGN_OR_RETURN(Object object, read_object(row));
  object.retention = retention_of(row.integer(15));
  return object;
}

std::string settings_text(const Object& object) {
  if (!object.hold_released) return object.settings.dump();
  Json settings = object.settings;
  settings.set(kHoldReleased, micros(*object.hold_released));
  return settings.dump();
}

void bind_object(store::Query& query, const Object& object) {
  query.bind(object.bucket)
      .bind(object.name)
      .bind(object.generation)
      .bind(object.metageneration)
      .bind(static_cast<int64_t>(object.state))
      .bind(object.content)
      .bind(object.size)
      .bind(int64_t{object.checksums.crc32c})
      .bind_blob(object.checksums.md5)
      .bind(object.components)
      .bind(micros(object.created))
      .bind(micros(object.updated));
  bind_time(query, object.deleted);
  bind_time(query, object.hard_delete);
  query.bind(settings_text(object));
}

Result<Bucket> read_bucket(const store::Query& row) {
  Bucket bucket;
  bucket.name = row.text(0);
  bucket.project = row.text(1);
  bucket.created = from_micros(row.integer(2));
  bucket.updated = from_micros(row.integer(3));
  bucket.metageneration = row.integer(4);
  bucket.next_notification = row.integer(5);
  ASSIGN_OR_RETURN(bucket.settings, read_json("buckets", bucket.name, row.text(6)));
  return bucket;
}

Result<Upload> read_upload(const store::Query& row) {
  Upload upload;
  upload.id = row.text(0);
  upload.bucket = row.text(1);
  upload.name = row.text(2);
  upload.content = row.text(3);
  ASSIGN_OR_RETURN(upload.request, read_json("object_uploads", upload.id, row.text(4)));
  upload.created = from_micros(row.integer(5));
  upload.generation = row.integer(6);
  return upload;
}

}  // namespace thaw::objects
