#include "messaging/cloud_event.h"

#include <fmt/format.h>

#include "http/query.h"

namespace thaw::messaging {
namespace {

std::string_view attribute(const Message& message, std::string_view name) {
  for (const auto& [key, value] : message.attributes) {
    if (key == name) return value;
  }
  return "";
}

std::string_view storage_type(std::string_view event) {
  if (event == "OBJECT_FINALIZE") return "google.cloud.storage.object.v1.finalized";
  if (event == "OBJECT_DELETE") return "google.cloud.storage.object.v1.deleted";
  if (event == "OBJECT_ARCHIVE") return "google.cloud.storage.object.v1.archived";
  if (event == "OBJECT_METADATA_UPDATE") return "google.cloud.storage.object.v1.metadataUpdated";
  return "";
}

/// The binding's rule for header values: what is not printable ASCII, a quote or a percent sign is
/// percent-encoded.
std::string header_value(std::string_view text) {
  std::string value;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '"' || c == '%') {
      value += fmt::format("%{:02X}", byte);
    } else {
      value += c;
    }
  }
  return value;
}

}  // namespace

bool wants_cloud_events(const Subscription& subscription) {
  if (!subscription.push) return false;
  for (const auto& [key, value] : subscription.push->attributes) {
    if (key == "x-thaw-format" && value == "cloudevents") return true;
  }
  return false;
}

http::Request cloud_event(const Subscription& subscription, const Stored& stored,
                          std::string wrapped) {
  http::Request request{.method = "POST"};
  const Message& message = stored.message;
  const std::string_view bucket = attribute(message, "bucketId");
  const std::string_view type = storage_type(attribute(message, "eventType"));
  request.headers.add("user-agent", "Eventarc");
  request.headers.add("content-type", "application/json");
  request.headers.add("ce-specversion", "1.0");
  request.headers.add("ce-id", std::to_string(stored.id));
  request.headers.add("ce-time", format_rfc3339(stored.published));
  if (!type.empty() && !bucket.empty()) {
    request.headers.add("ce-type", std::string(type));
    request.headers.add("ce-source",
                        "//storage.googleapis.com/projects/_/buckets/" + header_value(bucket));
    request.headers.add("ce-subject", "objects/" + header_value(attribute(message, "objectId")));
    request.headers.add("ce-bucket", header_value(bucket));
    request.body = message.data.empty() ? "{}" : message.data;
    return request;
  }
  request.headers.add("ce-type", "google.cloud.pubsub.topic.v1.messagePublished");
  request.headers.add("ce-source", "//pubsub.googleapis.com/" + header_value(subscription.topic));
  request.body = std::move(wrapped);
  return request;
}

}  // namespace thaw::messaging
