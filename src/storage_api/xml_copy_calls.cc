// Copies of the XML API: a PUT whose headers name the source.
// Source: Cloud Storage's XML API, "PUT Object"; Amazon S3's "CopyObject".
#include <fmt/format.h>

#include "http/query.h"
#include "http/text.h"
#include "objects/names.h"
#include "objects/resource_json.h"
#include "storage_api/copying.h"
#include "storage_api/handlers.h"
#include "storage_api/intake.h"
#include "storage_api/ranges.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;
using objects::Object;

constexpr std::string_view kDialects[] = {"x-goog-", "x-amz-"};

Error bad(std::string_view header, std::string_view value, std::string_view wanted) {
  return {Code::kInvalidArgument, fmt::format("Invalid value for header '{}': '{}', {} is wanted",
                                              header, value.substr(0, 80), wanted)};
}

/// "BUCKET/OBJECT" or "/BUCKET/OBJECT", percent-encoded; Amazon's may end in "?versionId=N".
Status read_source(std::string_view header, std::string_view value, Copy& to) {
  const auto refused = [&] { return bad(header, value, "BUCKET/OBJECT"); };
  std::string_view path = http::trim(value);
  constexpr std::string_view kVersion = "?versionId=";
  if (const size_t at = path.rfind(kVersion); at != path.npos && header.starts_with("x-amz-")) {
    to.generation = parse_count(path.substr(at + kVersion.size()));
    if (!to.generation) return bad(header, value, "a number as versionId");
    path = path.substr(0, at);
  }
  if (path.starts_with('/')) path.remove_prefix(1);
  const size_t slash = path.find('/');
  if (slash == path.npos) return refused();
  auto bucket = http::percent_decode(path.substr(0, slash));
  auto object = http::percent_decode(path.substr(slash + 1));
  if (!bucket || !object || !objects::check_bucket_name(*bucket) ||
      !objects::check_object_name(*object)) {
    return refused();
  }
  to.target.bucket = *std::move(bucket);
  to.target.object = *std::move(object);
  return {};
}

/// What comes behind "copy-source-".
Status read_condition(std::string_view header, std::string_view name, std::string_view value,
                      Copy& to) {
  objects::Preconditions& conditions = to.source_conditions;
  const auto number = [&](std::optional<int64_t>& into) -> Status {
    into = parse_count(http::trim(value));
    return into ? Status() : bad(header, value, "a whole number");
  };
  if (name == "generation") return number(to.generation);
  if (name == "if-generation-match") return number(conditions.generation);
  if (name == "if-metageneration-match") return number(conditions.metageneration);
  const bool is_match = name == "if-match";
  if (!is_match && name != "if-none-match") {
    return Error(Code::kUnimplemented, fmt::format("The header '{}' is not known here", header));
  }
  const auto tag = parse_etag(value);
  if (!tag) return bad(header, value, "an ETag that was answered here");
  if (is_match) {
    conditions.generation = tag->first;
    conditions.metageneration = tag->second;
  } else {
    conditions.not_generation = tag->first;
  }
  return {};
}

Status read_header(std::string_view header, std::string_view value, Copy& to, bool& replaces) {
  for (const std::string_view dialect : kDialects) {
    if (!header.starts_with(dialect)) continue;
    const std::string_view name = header.substr(dialect.size());
    constexpr std::string_view kSource = "copy-source";
    if (name == kSource) return read_source(header, value, to);
    if (name.starts_with("copy-source-")) {
      return read_condition(header, name.substr(kSource.size() + 1), value, to);
    }
    if (name == "metadata-directive") {
      replaces = http::equals_ignoring_case(value, "REPLACE");
      const bool is_known = replaces || http::equals_ignoring_case(value, "COPY");
      return is_known ? Status() : bad(header, value, "COPY or REPLACE");
    }
  }
  return {};
}

http::Response copied(const Object& object) {
  const std::string tag = objects::etag(object.generation, object.metageneration);
  http::Response reply{200, {{"content-type", "application/xml; charset=UTF-8"}}, ""};
  reply.headers.add("x-goog-generation", std::to_string(object.generation));
  reply.headers.add("x-goog-metageneration", std::to_string(object.metageneration));
  reply.headers.add("x-goog-hash", "crc32c=" + objects::crc32c_text(object.checksums.crc32c));
  const auto time = std::chrono::floor<std::chrono::milliseconds>(object.updated);
  reply.body = fmt::format(
      "<?xml version='1.0' encoding='UTF-8'?><CopyObjectResult>"
      "<LastModified>{}</LastModified><ETag>\"{}\"</ETag></CopyObjectResult>",
      format_rfc3339(time), tag);
  return reply;
}

}  // namespace

bool names_copy_source(const http::Headers& headers) {
  return headers.find("x-goog-copy-source") || headers.find("x-amz-copy-source");
}

bool is_amazons_copy_header(std::string_view name) {
  return name.starts_with("x-amz-copy-source") || name == "x-amz-metadata-directive";
}

Result<Copy> read_xml_copy(const Call& call) {
  Copy what;
  what.target.to_bucket = call.target.bucket;
  what.target.to_object = call.target.object;
  RETURN_IF_ERROR(objects::check_object_name(call.target.object));
  bool replaces = false;
  for (const auto& header : call.request.headers) {
    RETURN_IF_ERROR(read_header(http::lower_case(header.name), header.value, what, replaces));
  }
  if (replaces) {
    what.sent = settings_of_headers(call.request.headers);
    if (what.sent.find("contentType") == nullptr) {
      what.sent.set("contentType", "application/octet-stream");
    }
  } else {
    what.sent = Json::object();
  }
  ASSIGN_OR_RETURN(what.conditions, preconditions_of(call));
  what.hops = call.request.headers.get(kHopsHeader);
  return what;
}

void xml_copy_call(ObjectStore& store, const CallPtr& call) {
  if (!call->request.body.empty()) {
    return call->answer(
        Error(Code::kInvalidArgument,
              fmt::format("A copy has no body, {} bytes came", call->request.body.size())));
  }
  auto what = read_xml_copy(*call);
  if (!what) return call->answer(what.error());
  store.change<Object>([what = *std::move(what)](Catalog& catalog) { return copy(catalog, what); },
                       answering<Object>(call, copied));
}

}  // namespace thaw::storage_api
