#include "storage_api/target.h"

#include <vector>

#include "http/query.h"
#include "http/text.h"
#include "objects/names.h"

namespace thaw::storage_api {
namespace {

using Kind = Target::Kind;

bool take(std::string_view& path, std::string_view prefix) {
  if (!path.starts_with(prefix)) return false;
  const std::string_view rest = path.substr(prefix.size());
  if (!rest.empty() && rest[0] != '/') return false;
  path = rest;
  return true;
}

/// Splits at '/', decodes each part; a '/' at the end is left out.
std::optional<std::vector<std::string>> parts_of(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> parts;
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const size_t end = path.find('/');
    auto part = http::percent_decode(path.substr(0, end));
    if (!part) return std::nullopt;
    parts.push_back(*std::move(part));
    path = end == std::string_view::npos ? "" : path.substr(end);
  }
  return parts;
}

Target below_object(const std::vector<std::string>& parts, Target target) {
  target.kind = Kind::kUnknown;
  const std::string& verb = parts[4];
  if (parts.size() == 5 && verb == "compose") target.kind = Kind::kCompose;
  if (parts.size() == 5 && verb == "restore") target.kind = Kind::kRestore;
  if (parts.size() == 9 && parts[5] == "b" && parts[7] == "o") {
    if (verb == "rewriteTo") target.kind = Kind::kRewrite;
    if (verb == "copyTo") target.kind = Kind::kCopy;
    target.to_bucket = parts[6];
    target.to_object = parts[8];
  }
  return target;
}

Target json_target(const std::vector<std::string>& parts) {
  Target target;
  if (parts.size() == 3 && parts[0] == "projects" && parts[2] == "serviceAccount") {
    target.kind = Kind::kServiceAccount;
    target.bucket = parts[1];
    return target;
  }
  if (parts.empty() || parts[0] != "b") return target;
  if (parts.size() == 1) {
    target.kind = Kind::kBuckets;
    return target;
  }
  target.bucket = parts[1];
  if (parts.size() == 2) {
    target.kind = Kind::kBucket;
  } else if (parts[2] == "o" && parts.size() == 3) {
    target.kind = Kind::kObjects;
  } else if (parts[2] == "o") {
    target.object = parts[3];
    target.kind = Kind::kObject;
    if (parts.size() > 4) return below_object(parts, std::move(target));
  } else if (parts.size() <= 4) {
    target.kind = Kind::kBucketPart;
    target.part = parts[2];
    if (parts.size() == 4) target.id = parts[3];
  }
  return target;
}

Target target_in(std::string bucket, std::string object) {
  Target target;
  target.bucket = std::move(bucket);
  target.object = std::move(object);
  target.kind = target.object.empty() ? Kind::kXmlBucket : Kind::kXmlObject;
  return target;
}

std::optional<Target> xml_target(std::string_view path, IsTaken is_taken) {
  const size_t slash = path.find('/', 1);
  const auto bucket = http::percent_decode(path.substr(1, slash == path.npos ? slash : slash - 1));
  if (!bucket || is_taken(*bucket) || !objects::check_bucket_name(*bucket)) return std::nullopt;
  if (slash == path.npos || slash + 1 == path.size()) return target_in(*bucket, "");
  auto object = http::percent_decode(path.substr(slash + 1));
  if (!object) return std::nullopt;
  return target_in(*bucket, *std::move(object));
}

}  // namespace

std::optional<Target> parse_target(std::string_view path, IsTaken is_taken) {
  const std::string_view whole = path;
  if (!path.starts_with('/')) return std::nullopt;
  if (take(path, "/batch/storage/v1")) return Target{.kind = Kind::kBatch};
  bool is_upload = take(path, "/resumable/upload/storage/v1") || take(path, "/upload/storage/v1");
  const bool is_json = is_upload || take(path, "/download/storage/v1") ||
                       take(path, "/storage/v1") || path == "/b" || path.starts_with("/b/");
  if (!is_json) return xml_target(whole, is_taken);
  const auto parts = parts_of(path);
  if (!parts) return Target{};
  Target target = json_target(*parts);
  if (is_upload) target.kind = target.kind == Kind::kObjects ? Kind::kUpload : Kind::kUnknown;
  return target;
}

std::optional<std::string> bucket_of_host(std::string_view host) {
  std::string name = http::lower_case(host.substr(0, host.rfind(':')));
  for (const std::string_view suffix : {".storage.googleapis.com", ".storage.localhost"}) {
    if (!name.ends_with(suffix)) continue;
    name.resize(name.size() - suffix.size());
    if (objects::check_bucket_name(name)) return name;
  }
  return std::nullopt;
}

std::optional<Target> target_of(const http::Request& head, IsTaken is_taken) {
  auto bucket = bucket_of_host(head.host);
  if (!bucket) return parse_target(head.path, is_taken);
  if (!head.path.starts_with('/')) return std::nullopt;
  auto object = http::percent_decode(std::string_view(head.path).substr(1));
  if (!object) return std::nullopt;
  return target_in(*std::move(bucket), *std::move(object));
}

}  // namespace thaw::storage_api
