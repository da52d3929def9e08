#include <fmt/format.h>

#include <algorithm>

#include "storage_api/handlers.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;

constexpr std::string_view kService = "//pubsub.googleapis.com/";

Error bad(std::string_view field, std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("Invalid value for field '{}': {}", field, why)};
}

Status check_topic(std::string_view topic) {
  // projects/P/topics/T
  const size_t middle = topic.find("/topics/");
  const bool fits = topic.starts_with("projects/") && middle != topic.npos && middle > 9 &&
                    topic.size() > middle + 8 && topic.find('/', middle + 8) == topic.npos &&
                    topic.find('/', 9) == middle && topic.size() < 400;
  if (fits) return {};
  return bad("topic", "'projects/PROJECT/topics/TOPIC' is wanted");
}

Status check_events(const Json& types) {
  constexpr std::string_view kTypes[] = {"OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE",
                                         "OBJECT_DELETE", "OBJECT_ARCHIVE"};
  if (types.is_null()) return {};
  if (!types.is_array()) return bad("event_types", "an array is wanted");
  for (const Json& type : types.as_array()) {
    const bool is_known = type.is_string() && std::find(std::begin(kTypes), std::end(kTypes),
                                                        type.as_string()) != std::end(kTypes);
    if (!is_known) {
      return bad("event_types",
                 "OBJECT_FINALIZE, OBJECT_METADATA_UPDATE, OBJECT_DELETE or OBJECT_ARCHIVE is "
                 "wanted");
    }
  }
  return {};
}

Status check_attributes(const Json& attributes) {
  if (attributes.is_null()) return {};
  if (!attributes.is_object()) return bad("custom_attributes", "an object of strings is wanted");
  if (attributes.as_object().size() > 20) return bad("custom_attributes", "over 20");
  for (const auto& [key, value] : attributes.as_object()) {
    if (key.empty() || key.size() > 256 || !value.is_string() || value.as_string().size() > 1024) {
      return bad("custom_attributes", "keys have 1 to 256 bytes, values up to 1024");
    }
  }
  return {};
}

/// The configuration as it is kept: the topic in its full form, defaults filled in.
Result<Json> read_config(const Json& body) {
  std::string topic = body.string_or("topic");
  if (topic.starts_with(kService)) topic.erase(0, kService.size());
  RETURN_IF_ERROR(check_topic(topic));
  RETURN_IF_ERROR(check_events(body["event_types"]));
  RETURN_IF_ERROR(check_attributes(body["custom_attributes"]));
  const std::string format = body.string_or("payload_format", "JSON_API_V1");
  if (format != "JSON_API_V1" && format != "NONE") {
    return bad("payload_format", "JSON_API_V1 or NONE is wanted");
  }
  const std::string prefix = body.string_or("object_name_prefix");
  if (prefix.size() > 1024) return bad("object_name_prefix", "over 1024 bytes");
  Json config = Json::object({{"kind", "storage#notification"},
                              {"topic", std::string(kService) + topic},
                              {"payload_format", format}});
  for (const char* name : {"event_types", "custom_attributes"}) {
    if (!body[name].is_null()) config.set(name, body[name]);
  }
  if (!prefix.empty()) config.set("object_name_prefix", prefix);
  return config;
}

Json shown(Json config, const Call& call) {
  const std::string id = config.string_or("id");
  config.set("etag", id);
  config.set("selfLink", fmt::format("{}/storage/v1/b/{}/notificationConfigs/{}", call.base_url,
                                     call.target.bucket, id));
  return config;
}

void list_notifications(ObjectStore& store, const CallPtr& call) {
  using All = std::vector<Json>;
  store.read<All>(
      [bucket = call->target.bucket](Catalog& catalog) { return catalog.notifications(bucket); },
      answering<All>(call, [call](const All& all) {
        Json page = Json::object({{"kind", "storage#notifications"}});
        Json items = Json::array();
        for (const Json& config : all) items.push_back(shown(config, *call));
        if (!all.empty()) page.set("items", std::move(items));
        return json_reply(page);
      }));
}

}  // namespace

void notification_call(ObjectStore& store, const CallPtr& call) {
  const std::string& method = call->request.method;
  const std::string bucket = call->target.bucket;
  const std::string id = call->target.id;
  const auto show = [call](const Json& config) { return json_reply(shown(config, *call)); };
  if (id.empty() && method == "GET") return list_notifications(store, call);
  if (id.empty() && method == "POST") {
    const auto body = json_body(*call);
    if (!body) return call->answer(body.error());
    auto config = read_config(*body);
    if (!config) return call->answer(config.error());
    store.change<Json>([bucket, config = *std::move(config)](
                           Catalog& catalog) { return catalog.add_notification(bucket, config); },
                       answering<Json>(call, show));
    return;
  }
  if (!id.empty() && method == "GET") {
    store.read<Json>([bucket, id](Catalog& catalog) { return catalog.notification(bucket, id); },
                     answering<Json>(call, show));
    return;
  }
  if (!id.empty() && method == "DELETE") {
    store.change_only(
        [bucket, id](Catalog& catalog) { return catalog.remove_notification(bucket, id); },
        [call](const Status& status) {
          status ? call->answer(empty_reply()) : call->answer(status.error());
        });
    return;
  }
  call->answer(method_not_allowed(*call, id.empty() ? "GET, POST" : "GET, DELETE"));
}

}  // namespace thaw::storage_api
