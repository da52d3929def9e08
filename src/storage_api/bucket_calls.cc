#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "objects/names.h"
#include "objects/resource_json.h"
#include "objects/settings.h"
#include "storage_api/handlers.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Bucket;
using objects::Catalog;
using objects::Merge;

constexpr int kMostListed = 1000;

std::function<http::Response(const Bucket&)> shown(const CallPtr& call) {
  return [base = call->base_url](const Bucket& bucket) {
    return json_reply(objects::bucket_json(bucket, base));
  };
}

/// First parts of the paths of these APIs; those of others are asked for.
bool is_own(std::string_view name) {
  constexpr std::string_view kNames[] = {"storage", "upload", "resumable", "download", "batch"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

void insert_bucket(ObjectStore& store, const CallPtr& call, IsTaken is_taken) {
  const auto body = json_body(*call);
  if (!body) return call->answer(body.error());
  const std::string name = body->string_or("name");
  if (is_own(name) || is_taken(name)) {
    return call->answer(Error(Code::kInvalidArgument,
                              fmt::format("Invalid bucket name: '{}' is kept for paths of the "
                                          "platform itself",
                                          name)));
  }
  auto settings = objects::merge_bucket_settings(Json::object(), *body, Merge::kReplace);
  if (!settings) return call->answer(settings.error());
  const std::string project = call->query("project");
  store.change<Bucket>(
      [name, project, settings = *std::move(settings)](Catalog& catalog) {
        return catalog.add_bucket(name, project, settings);
      },
      answering<Bucket>(call, shown(call)));
}

void list_buckets(ObjectStore& store, const CallPtr& call) {
  const auto limit = number_of(*call, "maxResults");
  if (!limit) return call->answer(limit.error());
  const int most =
      static_cast<int>(std::clamp<int64_t>(limit->value_or(kMostListed), 1, kMostListed));
  const auto after = from_base64(call->query("pageToken"));
  if (!after) return call->answer(Error(Code::kInvalidArgument, "Invalid pageToken"));
  using Buckets = std::vector<Bucket>;
  store.read<Buckets>(
      [project = call->query("project"), prefix = call->query("prefix"), after = *after,
       most](Catalog& catalog) { return catalog.buckets(project, prefix, after, most + 1); },
      answering<Buckets>(call, [call, most](const Buckets& found) {
        Json items = Json::array();
        Json page = Json::object({{"kind", "storage#buckets"}});
        for (const Bucket& bucket : found) {
          if (std::cmp_equal(items.as_array().size(), most)) {
            const std::string last = found[static_cast<size_t>(most) - 1].name;
            page.set("nextPageToken", base64_url(last));
            break;
          }
          items.push_back(objects::bucket_json(bucket, call->base_url));
        }
        if (!items.as_array().empty()) page.set("items", std::move(items));
        return json_reply(page);
      }));
}

void change_bucket(ObjectStore& store, const CallPtr& call, Merge how) {
  auto body = json_body(*call);
  if (!body) return call->answer(body.error());
  auto conditions = preconditions_of(*call);
  if (!conditions) return call->answer(conditions.error());
  conditions->generation.reset();
  store.change<Bucket>(
      [name = call->target.bucket, conditions = *conditions, body = *std::move(body),
       how](Catalog& catalog) {
        return catalog.change_bucket(name, conditions, [&](const Json& settings) {
          return objects::merge_bucket_settings(settings, body, how);
        });
      },
      answering<Bucket>(call, shown(call)));
}

void lock_retention(ObjectStore& store, const CallPtr& call) {
  if (call->request.method != "POST") return call->answer(method_not_allowed(*call, "POST"));
  auto conditions = preconditions_of(*call);
  if (!conditions) return call->answer(conditions.error());
  conditions->generation.reset();
  if (!conditions->metageneration) {
    return call->answer(Error(Code::kInvalidArgument,
                              "Required parameter: ifMetagenerationMatch, since a lock stays for "
                              "ever"));
  }
  store.change<Bucket>([name = call->target.bucket, conditions = *conditions](
                           Catalog& catalog) { return catalog.lock_retention(name, conditions); },
                       answering<Bucket>(call, shown(call)));
}

/// GETs that clients make of a bucket's parts which mean nothing here.
std::optional<Json> fixed_part(const Call& call) {
  const std::string& bucket = call.target.bucket;
  const std::string& part = call.target.part;
  if (part == "storageLayout") {
    return Json::object({{"kind", "storage#storageLayout"},
                         {"bucket", bucket},
                         {"location", "US-CENTRAL1"},
                         {"locationType", "region"},
                         {"hierarchicalNamespace", Json::object({{"enabled", false}})}});
  }
  if (part == "managedFolders") return Json::object({{"kind", "storage#managedFolders"}});
  if (part == "folders") return Json::object({{"kind", "storage#folders"}});
  if (part == "anywhereCaches") return Json::object({{"kind", "storage#anywhereCaches"}});
  if (part == "acl") return Json::object({{"kind", "storage#bucketAccessControls"}});
  if (part == "defaultObjectAcl") return Json::object({{"kind", "storage#objectAccessControls"}});
  if (part == "iam" && call.target.id.empty()) {
    return Json::object({{"kind", "storage#policy"},
                         {"resourceId", "projects/_/buckets/" + bucket},
                         {"version", 1},
                         {"etag", "CAE="},
                         {"bindings", Json::array()}});
  }
  if (part == "iam" && call.target.id == "testPermissions") {
    Json permissions = Json::array();
    for (const auto& [name, value] : call.request.query) {
      if (name == "permissions") permissions.push_back(value);
    }
    return Json::object(
        {{"kind", "storage#testIamPermissionsResponse"}, {"permissions", std::move(permissions)}});
  }
  return std::nullopt;
}

}  // namespace

http::Response method_not_allowed(const Call& call, std::string_view allowed) {
  http::Response reply = error_reply(
      405, "methodNotAllowed",
      fmt::format("{} {}: only {} is known here", call.request.method, call.request.path, allowed));
  reply.headers.add("allow", std::string(allowed));
  return reply;
}

void buckets_call(ObjectStore& store, const CallPtr& call, IsTaken is_taken) {
  if (call->request.method == "GET") return list_buckets(store, call);
  if (call->request.method == "POST") return insert_bucket(store, call, is_taken);
  call->answer(method_not_allowed(*call, "GET, POST"));
}

void bucket_call(ObjectStore& store, const CallPtr& call) {
  const std::string& method = call->request.method;
  if (method == "PATCH") return change_bucket(store, call, Merge::kPatch);
  if (method == "PUT") return change_bucket(store, call, Merge::kReplace);
  if (method != "GET" && method != "DELETE") {
    return call->answer(method_not_allowed(*call, "GET, PATCH, PUT, DELETE"));
  }
  auto conditions = preconditions_of(*call);
  if (!conditions) return call->answer(conditions.error());
  conditions->generation.reset();
  const std::string name = call->target.bucket;
  if (method == "DELETE") {
    store.change_only([name, conditions = *conditions](
                          Catalog& catalog) { return catalog.remove_bucket(name, conditions); },
                      [call](const Status& status) {
                        status ? call->answer(empty_reply()) : call->answer(status.error());
                      });
    return;
  }
  store.read<Bucket>(
      [name](Catalog& catalog) { return catalog.bucket(name); },
      [call, conditions = *conditions](const Result<Bucket>& bucket) {
        if (!bucket) return call->answer(bucket.error());
        switch (judge(conditions, 1, bucket->metageneration)) {
          case objects::Verdict::kHolds:
            return call->answer(shown(call)(*bucket));
          case objects::Verdict::kNotModified:
            return call->answer(empty_reply(304));
          case objects::Verdict::kFails:
            return call->answer(check(conditions, 1, bucket->metageneration).error());
        }
      });
}

void bucket_part_call(ObjectStore& store, const CallPtr& call) {
  if (call->target.part == "notificationConfigs") return notification_call(store, call);
  if (call->target.part == "lockRetentionPolicy") return lock_retention(store, call);
  const bool sets_policy = call->target.part == "iam" && call->request.method == "PUT";
  if (call->request.method != "GET" && !sets_policy) {
    return call->answer(method_not_allowed(*call, "GET"));
  }
  auto fixed = fixed_part(*call);
  if (!fixed) {
    return call->answer(error_reply(
        404, "notFound",
        fmt::format("buckets have no '{}' here: {}", call->target.part, call->request.path)));
  }
  if (sets_policy) {
    auto body = json_body(*call);
    if (!body) return call->answer(body.error());
    fixed = *std::move(body);
  }
  store.read<Bucket>(
      [name = call->target.bucket](Catalog& catalog) { return catalog.bucket(name); },
      answering<Bucket>(call, [fixed = *fixed](const Bucket&) { return json_reply(fixed); }));
}

}  // namespace thaw::storage_api
