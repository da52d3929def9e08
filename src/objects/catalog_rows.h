// Rows of the catalog's tables as values, for the files of Catalog.
// **Thread**: the catalog's. **Owner**: values. **Limits**: the catalog's.
#pragma once

#include <string>

#include "objects/types.h"
#include "store/database.h"

namespace thaw::objects {

inline constexpr const char* kObjectColumns =
    "bucket, name, generation, metageneration, state, content, size, crc32c, md5, components, "
    "created, updated, deleted, hard_delete, settings";
/// kDataLoss: the row cannot be read.
Result<Object> read_object(const store::Query& row);
/// Binds all columns in their order.
void bind_object(store::Query& query, const Object& object);
/// The column `settings`.
std::string settings_text(const Object& object);

inline constexpr const char* kBucketColumns =
    "name, project, created, updated, metageneration, next_notification, settings";
Result<Bucket> read_bucket(const store::Query& row);

inline constexpr const char* kUploadColumns =
    "id, bucket, name, content, request, created, generation";
Result<Upload> read_upload(const store::Query& row);

/// Of times in tables.
int64_t micros(WallTime time);
WallTime from_micros(int64_t micros);

/// For one object, with its bucket's retention period as one column more (read_retained_object()).
inline std::string select_object(std::string_view where) {
  return std::string("SELECT ") + kObjectColumns +
         ", (SELECT json_extract(b.settings, '$.retentionPolicy.retentionPeriod') FROM buckets b "
         "WHERE b.name=objects.bucket) FROM objects WHERE " +
         std::string(where);
}
Result<Object> read_retained_object(const store::Query& row);

inline std::string select_objects(std::string_view where) {
  return std::string("SELECT ") + kObjectColumns + " FROM objects WHERE " + std::string(where);
}

}  // namespace thaw::objects
