#include "storage_api/intake.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "http/text.h"
#include "objects/names.h"
#include "objects/settings.h"
#include "storage_api/ranges.h"
#include "storage_api/xml_error.h"

namespace thaw::storage_api {
namespace {

constexpr std::string_view kSizesHeader = "x-goog-content-length-range";

Status promise_crc(std::string_view text, std::optional<uint32_t>& to) {
  to = objects::parse_crc32c(text);
  if (to) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("Invalid crc32c '{}': base64 of 4 bytes is wanted", text.substr(0, 40)));
}

Status promise_md5(std::string_view text, std::optional<std::string>& to) {
  to = from_base64(text);
  if (to && to->size() == 16) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("Invalid MD5 '{}': base64 of 16 bytes is wanted", text.substr(0, 40)));
}

void put_number(Json& json, const char* key, const std::optional<int64_t>& value) {
  if (value) json.set(key, *value);
}

std::optional<int64_t> get_number(const Json& json, std::string_view key) {
  const Json& value = json[key];
  return value.is_int() ? std::optional(value.as_int()) : std::nullopt;
}

/// "LEAST,MOST".
Result<Intake::Sizes> parse_sizes(std::string_view text) {
  const size_t comma = std::min(text.find(','), text.size());
  const auto least = parse_count(http::trim(text.substr(0, comma)));
  const auto most = parse_count(http::trim(text.substr(std::min(comma + 1, text.size()))));
  if (least && most && *least <= *most) return Intake::Sizes{*least, *most};
  return Error(Code::kInvalidArgument,
               fmt::format("Invalid value for header '{}': '{}', LEAST,MOST in bytes is wanted",
                           kSizesHeader, text.substr(0, 80)));
}

}  // namespace

Error Intake::Sizes::too_small() const {
  return {Code::kInvalidArgument, fmt::format("{} {} bytes ({})", kTooSmall, least, kSizesHeader)};
}
Error Intake::Sizes::too_large() const {
  return {Code::kInvalidArgument, fmt::format("{} {} bytes ({})", kTooLarge, most, kSizesHeader)};
}

Result<Intake> Intake::read(const Call& call, const Json& metadata, std::string_view content_type) {
  Intake intake{.bucket = call.target.bucket, .name = metadata.string_or("name")};
  if (intake.name.empty()) intake.name = call.query("name");
  if (intake.name.empty()) return Error(Code::kInvalidArgument, "Required: the object's name");
  RETURN_IF_ERROR(objects::check_object_name(intake.name));
  ASSIGN_OR_RETURN(intake.settings, objects::merge_object_settings(Json::object(), metadata,
                                                                   objects::Merge::kReplace));
  if (intake.settings.find("contentType") == nullptr) {
    const bool is_usable = !content_type.empty() && http::is_field_value(content_type);
    intake.settings.set("contentType", is_usable ? content_type : "application/octet-stream");
  }
  if (const std::string encoding = call.query("contentEncoding");
      !encoding.empty() && http::is_field_value(encoding)) {
    intake.settings.set("contentEncoding", encoding);
  }
  mark_hops(intake.settings, call.request.headers.get(kHopsHeader));
  ASSIGN_OR_RETURN(intake.conditions, preconditions_of(call));
  if (const auto range = call.request.headers.find(kSizesHeader)) {
    ASSIGN_OR_RETURN(intake.sizes, parse_sizes(*range));
  }
  const std::string crc = metadata.string_or("crc32c");
  if (!crc.empty()) RETURN_IF_ERROR(promise_crc(crc, intake.crc32c));
  const std::string md5 = metadata.string_or("md5Hash");
  if (!md5.empty()) RETURN_IF_ERROR(promise_md5(md5, intake.md5));
  return intake;
}

Status Intake::add_promises(const http::Headers& headers) {
  Status fault;
  for (const auto& header : headers) {
    if (http::equals_ignoring_case(header.name, "content-md5")) {
      RETURN_IF_ERROR(promise_md5(header.value, md5));
    }
    if (!http::equals_ignoring_case(header.name, "x-goog-hash")) continue;
    http::for_each_element(header.value, [&](std::string_view hash) {
      Status taken;
      if (hash.starts_with("crc32c=")) taken = promise_crc(hash.substr(7), crc32c);
      if (hash.starts_with("md5=")) taken = promise_md5(hash.substr(4), md5);
      if (!taken) fault = std::move(taken);
    });
  }
  return fault;
}

Status Intake::check(const objects::Content& content) const {
  if (size && *size != content.size) {
    return Error(Code::kInvalidArgument,
                 fmt::format("The upload has {} bytes, {} were announced", content.size, *size));
  }
  if (sizes && content.size < sizes->least) return sizes->too_small();
  if (sizes && content.size > sizes->most) return sizes->too_large();
  if (crc32c && *crc32c != content.checksums.crc32c) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("Provided CRC32C \"{}\" doesn't match calculated CRC32C \"{}\".",
                    objects::crc32c_text(*crc32c), objects::crc32c_text(content.checksums.crc32c)));
  }
  if (md5 && *md5 != content.checksums.md5) {
    return Error(Code::kInvalidArgument,
                 fmt::format("Provided MD5 hash \"{}\" doesn't match calculated MD5 hash \"{}\".",
                             base64(*md5), base64(content.checksums.md5)));
  }
  return {};
}

objects::Object Intake::object(const objects::Content& content) const {
  objects::Object object{.bucket = bucket, .name = name};
  object.content = content.id;
  object.size = content.size;
  object.checksums = content.checksums;
  object.settings = settings;
  return object;
}

Json Intake::to_json() const {
  Json json = Json::object({{"settings", settings}});
  put_number(json, "generation", conditions.generation);
  put_number(json, "not_generation", conditions.not_generation);
  put_number(json, "metageneration", conditions.metageneration);
  put_number(json, "not_metageneration", conditions.not_metageneration);
  put_number(json, "size", size);
  if (sizes) put_number(json, "least", sizes->least);
  if (sizes) put_number(json, "most", sizes->most);
  if (crc32c) json.set("crc32c", objects::crc32c_text(*crc32c));
  if (md5) json.set("md5", base64(*md5));
  return json;
}

Result<Intake> Intake::from_json(std::string bucket, std::string name, const Json& json) {
  Intake intake{.bucket = std::move(bucket), .name = std::move(name)};
  intake.settings = json["settings"].is_object() ? json["settings"] : Json::object();
  intake.conditions = {get_number(json, "generation"), get_number(json, "not_generation"),
                       get_number(json, "metageneration"), get_number(json, "not_metageneration")};
  intake.size = get_number(json, "size");
  const auto least = get_number(json, "least");
  const auto most = get_number(json, "most");
  if (least && most) intake.sizes = Sizes{*least, *most};
  const std::string crc = json.string_or("crc32c");
  if (!crc.empty()) RETURN_IF_ERROR(promise_crc(crc, intake.crc32c));
  const std::string md5 = json.string_or("md5");
  if (!md5.empty()) RETURN_IF_ERROR(promise_md5(md5, intake.md5));
  return intake;
}

Json settings_of_headers(const http::Headers& headers) {
  Json settings = Json::object();
  Json metadata = Json::object();
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"content-type", "contentType"},
      {"content-encoding", "contentEncoding"},
      {"content-disposition", "contentDisposition"},
      {"content-language", "contentLanguage"},
      {"cache-control", "cacheControl"}};
  for (const auto& [header, field] : kNames) {
    if (const auto value = headers.find(header)) settings.set(field, *value);
  }
  constexpr std::string_view kMeta = "x-goog-meta-";
  for (const auto& header : headers) {
    if (http::equals_ignoring_case(std::string_view(header.name).substr(0, kMeta.size()), kMeta)) {
      metadata.set(header.name.substr(kMeta.size()), header.value);
    }
  }
  if (!metadata.as_object().empty()) settings.set("metadata", std::move(metadata));
  return settings;
}

void mark_hops(Json& settings, std::string_view hops) {
  if (hops.empty() || hops.find_first_not_of("0123456789") != std::string_view::npos) return;
  Json metadata = settings["metadata"].is_object() ? settings["metadata"] : Json::object();
  metadata.set("thaw-hops", hops);
  settings.set("metadata", std::move(metadata));
}

}  // namespace thaw::storage_api
