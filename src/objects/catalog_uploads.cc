// Uploads of several requests, and notification configurations.
#include <fmt/format.h>

#include "objects/catalog.h"
#include "objects/catalog_rows.h"
#include "objects/names.h"
#include "objects/resource_json.h"

namespace thaw::objects {
namespace {

constexpr size_t kMostNotifications = 100;

/// Whether a list of event types, null meaning all, has `event`.
bool wants_event(const Json& config, std::string_view event) {
  const Json& types = config["event_types"];
  if (!types.is_array() || types.as_array().empty()) return true;
  for (const Json& type : types.as_array()) {
    if (type.is_string() && type.as_string() == event) return true;
  }
  return false;
}

}  // namespace

Status Catalog::add_upload(const Upload& upload) {
  RETURN_IF_ERROR(check_object_name(upload.name));
  if (auto owner = bucket(upload.bucket); !owner) return std::move(owner).error();
  return database_.query("INSERT INTO object_uploads VALUES(?,?,?,?,?,?,?)")
      .bind(upload.id)
      .bind(upload.bucket)
      .bind(upload.name)
      .bind(upload.content)
      .bind(upload.request.dump())
      .bind(micros(now_))
      .bind(upload.generation)
      .run();
}

Result<Upload> Catalog::upload(const std::string& id) {
  store::Query row =
      database_.query(fmt::format("SELECT {} FROM object_uploads WHERE id=?", kUploadColumns));
  row.bind(id);
  ASSIGN_OR_RETURN(const bool found, row.next());
  if (!found) return Error(Code::kNotFound, "No such upload: it ended, was cancelled or never was");
  return read_upload(row);
}

Status Catalog::finish_upload(const std::string& id, int64_t generation) {
  return database_.query("UPDATE object_uploads SET generation=? WHERE id=?")
      .bind(generation)
      .bind(id)
      .run();
}

Status Catalog::remove_upload(const std::string& id) {
  ASSIGN_OR_RETURN(const Upload upload, this->upload(id));
  RETURN_IF_ERROR(database_.query("DELETE FROM object_uploads WHERE id=?").bind(id).run());
  return drop_content(upload.content);
}

Result<std::vector<Upload>> Catalog::uploads_before(WallTime time, int limit) {
  store::Query row = database_.query(fmt::format(
      "SELECT {} FROM object_uploads WHERE created<? ORDER BY created LIMIT ?", kUploadColumns));
  row.bind(micros(time)).bind(int64_t{limit});
  std::vector<Upload> found;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.next());
    if (!more) return found;
    ASSIGN_OR_RETURN(Upload upload, read_upload(row));
    found.push_back(std::move(upload));
  }
}

// ---- Notifications ------------------------------------------------------------------------------

Result<Json> Catalog::add_notification(const std::string& bucket, Json config) {
  ASSIGN_OR_RETURN(const Bucket owner, this->bucket(bucket));
  ASSIGN_OR_RETURN(const std::vector<Json> present, notifications(bucket));
  if (present.size() >= kMostNotifications) {
    return Error(Code::kInvalidArgument,
                 fmt::format("bucket {} has {} notification configurations already, the most that "
                             "one may have",
                             bucket, kMostNotifications));
  }
  const std::string id = std::to_string(owner.next_notification);
  config.set("id", id);
  RETURN_IF_ERROR(
      database_.query("UPDATE buckets SET next_notification=next_notification+1 WHERE name=?")
          .bind(bucket)
          .run());
  RETURN_IF_ERROR(database_.query("INSERT INTO object_notifications VALUES(?,?,?)")
                      .bind(bucket)
                      .bind(id)
                      .bind(config.dump())
                      .run());
  return config;
}

Result<Json> Catalog::notification(const std::string& bucket, const std::string& id) {
  ASSIGN_OR_RETURN(const std::vector<Json> all, notifications(bucket));
  for (const Json& config : all) {
    if (config.string_or("id") == id) return config;
  }
  return Error(Code::kNotFound, fmt::format("No such notification: {}/{}", bucket, id));
}

Result<std::vector<Json>> Catalog::notifications(const std::string& bucket) {
  if (auto owner = this->bucket(bucket); !owner) return std::move(owner).error();
  store::Query row = database_.query(
      "SELECT config FROM object_notifications WHERE bucket=? ORDER BY length(id), id");
  row.bind(bucket);
  std::vector<Json> all;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.next());
    if (!more) return all;
    ASSIGN_OR_RETURN(Json config, Json::parse(row.text(0)));
    all.push_back(std::move(config));
  }
}

Status Catalog::remove_notification(const std::string& bucket, const std::string& id) {
  if (auto present = notification(bucket, id); !present) return std::move(present).error();
  return database_.query("DELETE FROM object_notifications WHERE bucket=? AND id=?")
      .bind(bucket)
      .bind(id)
      .run();
}

/// One message per configuration that wants the event, in the transaction of the change.
Status Catalog::notify(const Object& object, std::string_view event, std::string_view other_key,
                       int64_t other) {
  if (sink_ == nullptr) return {};
  store::Query row = database_.query("SELECT id, config FROM object_notifications WHERE bucket=?");
  row.bind(object.bucket);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.next());
    if (!more) return {};
    ASSIGN_OR_RETURN(const Json config, Json::parse(row.text(1)));
    if (!wants_event(config, event)) continue;
    if (!object.name.starts_with(config.string_or("object_name_prefix"))) continue;
    Notification message;
    message.topic = config.string_or("topic");
    constexpr std::string_view kService = "//pubsub.googleapis.com/";
    if (message.topic.starts_with(kService)) message.topic.erase(0, kService.size());
    const Json& custom = config["custom_attributes"];
    if (custom.is_object()) {
      for (const auto& [key, value] : custom.as_object()) {
        if (value.is_string()) message.attributes[key] = value.as_string();
      }
    }
    const std::string format = config.string_or("payload_format", "JSON_API_V1");
    message.attributes["notificationConfig"] =
        fmt::format("projects/_/buckets/{}/notificationConfigs/{}", object.bucket, row.text(0));
    message.attributes["eventType"] = event;
    message.attributes["payloadFormat"] = format;
    message.attributes["bucketId"] = object.bucket;
    message.attributes["objectId"] = object.name;
    message.attributes["objectGeneration"] = std::to_string(object.generation);
    message.attributes["eventTime"] = format_rfc3339(now_);
    // Of an object that an instance wrote: messaging/hops.h.
    const std::string hops = object.settings["metadata"].string_or("thaw-hops");
    if (!hops.empty()) message.attributes["thawHops"] = hops;
    if (!other_key.empty()) message.attributes[std::string(other_key)] = std::to_string(other);
    if (format == "JSON_API_V1") message.data = object_json(object, base_url_).dump();
    RETURN_IF_ERROR(sink_->append(database_, message));
    has_messages_ = true;
  }
}

}  // namespace thaw::objects
