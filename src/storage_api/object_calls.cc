#include <fmt/format.h>

#include <algorithm>

#include "objects/names.h"
#include "objects/resource_json.h"
#include "objects/settings.h"
#include "storage_api/handlers.h"
#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

using objects::Catalog;
using objects::Listing;
using objects::ListQuery;
using objects::Merge;
using objects::Object;

constexpr int64_t kMostListed = 1000;

std::function<http::Response(const Object&)> shown(const CallPtr& call) {
  return [base = call->base_url](const Object& object) {
    return json_reply(objects::object_json(object, base));
  };
}

Result<ListQuery> list_query(const Call& call) {
  ListQuery query{.bucket = call.target.bucket,
                  .prefix = call.query("prefix"),
                  .delimiter = call.query("delimiter"),
                  .start = call.query("startOffset"),
                  .end = call.query("endOffset"),
                  .glob = call.query("matchGlob"),
                  .token = call.query("pageToken")};
  ASSIGN_OR_RETURN(const auto limit, number_of(call, "maxResults"));
  query.limit = static_cast<int>(std::clamp<int64_t>(limit.value_or(kMostListed), 1, kMostListed));
  if (call.is_on("versions")) query.which = ListQuery::Which::kVersions;
  if (call.is_on("softDeleted")) query.which = ListQuery::Which::kSoftDeleted;
  if (call.is_on("includeTrailingDelimiter")) query.trailing = ListQuery::Trailing::kListedToo;
  return query;
}

void get_object(ObjectStore& store, const CallPtr& call) {
  const auto conditions = preconditions_of(*call);
  const auto generation = number_of(*call, "generation");
  if (!conditions) return call->answer(conditions.error());
  if (!generation) return call->answer(generation.error());
  if (call->is_on("softDeleted")) {
    if (!*generation) {
      return call->answer(Error(Code::kInvalidArgument, "softDeleted needs a generation"));
    }
    store.read<Object>(
        [target = call->target, generation = **generation](Catalog& catalog) {
          return catalog.soft_deleted(target.bucket, target.object, generation);
        },
        answering<Object>(call, shown(call)));
    return;
  }
  store.read<Object>(
      [target = call->target, generation = *generation](Catalog& catalog) {
        return catalog.object(target.bucket, target.object, generation);
      },
      [call, conditions = *conditions](const Result<Object>& object) {
        if (!object) return call->answer(object.error());
        const auto tag = parse_etag(call->request.headers.get("if-none-match"));
        const bool is_same = tag && *tag == std::pair(object->generation, object->metageneration);
        const auto verdict = judge(conditions, object->generation, object->metageneration);
        if (verdict == objects::Verdict::kFails) {
          return call->answer(
              check(conditions, object->generation, object->metageneration).error());
        }
        if (is_same || verdict == objects::Verdict::kNotModified) {
          return call->answer(empty_reply(304));
        }
        http::Response reply = shown(call)(*object);
        reply.headers.add("etag", objects::etag(object->generation, object->metageneration));
        call->answer(std::move(reply));
      });
}

void change_object(ObjectStore& store, const CallPtr& call, Merge how) {
  auto body = json_body(*call);
  const auto conditions = preconditions_of(*call);
  const auto generation = number_of(*call, "generation");
  if (!body) return call->answer(body.error());
  if (!conditions) return call->answer(conditions.error());
  if (!generation) return call->answer(generation.error());
  store.change<Object>(
      [target = call->target, generation = *generation, conditions = *conditions,
       body = *std::move(body), how](Catalog& catalog) {
        return catalog.change(target.bucket, target.object, generation, conditions,
                              [&](const Json& settings) {
                                return objects::merge_object_settings(settings, body, how);
                              });
      },
      answering<Object>(call, shown(call)));
}

void remove_object(ObjectStore& store, const CallPtr& call) {
  const auto conditions = preconditions_of(*call);
  const auto generation = number_of(*call, "generation");
  if (!conditions) return call->answer(conditions.error());
  if (!generation) return call->answer(generation.error());
  store.change_only(
      [target = call->target, generation = *generation,
       conditions = *conditions](Catalog& catalog) {
        return catalog.remove(target.bucket, target.object, generation, conditions);
      },
      [call](const Status& status) {
        status ? call->answer(empty_reply()) : call->answer(status.error());
      });
}

}  // namespace

void list_call(ObjectStore& store, const CallPtr& call) {
  if (call->request.method != "GET") return call->answer(method_not_allowed(*call, "GET"));
  auto query = list_query(*call);
  if (!query) return call->answer(query.error());
  // Pages are made on the reader, so that a thousand resources do not hold up the loop.
  store.read<std::string>(
      [query = *std::move(query), base = call->base_url](Catalog& catalog) -> Result<std::string> {
        ASSIGN_OR_RETURN(const Listing listing, catalog.list(query));
        Json page = Json::object({{"kind", "storage#objects"}});
        if (!listing.next_token.empty()) page.set("nextPageToken", listing.next_token);
        Json prefixes = Json::array();
        for (const std::string& prefix : listing.prefixes) prefixes.push_back(prefix);
        if (!listing.prefixes.empty()) page.set("prefixes", std::move(prefixes));
        Json items = Json::array();
        for (const Object& object : listing.objects) {
          items.push_back(objects::object_json(object, base));
        }
        if (!listing.objects.empty()) page.set("items", std::move(items));
        return page.dump();
      },
      answering<std::string>(
          call, [](const std::string& text) { return http::Response::json(200, text); }));
}

void object_call(ObjectStore& store, const CallPtr& call) {
  const std::string& method = call->request.method;
  if (const Status fit = objects::check_object_name(call->target.object); !fit) {
    return call->answer(fit.error());
  }
  if (method == "GET" && call->query("alt") == "media") return media_call(store, call);
  if (method == "GET") return get_object(store, call);
  if (method == "PATCH") return change_object(store, call, Merge::kPatch);
  if (method == "PUT") return change_object(store, call, Merge::kReplace);
  if (method == "DELETE") return remove_object(store, call);
  call->answer(method_not_allowed(*call, "GET, PATCH, PUT, DELETE"));
}

void restore_call(ObjectStore& store, const CallPtr& call) {
  const auto conditions = preconditions_of(*call);
  const auto generation = number_of(*call, "generation");
  if (!conditions) return call->answer(conditions.error());
  if (!generation) return call->answer(generation.error());
  if (call->request.method != "POST") return call->answer(method_not_allowed(*call, "POST"));
  if (!*generation) {
    return call->answer(
        Error(Code::kInvalidArgument, "Required parameter: generation, of the deleted object"));
  }
  store.change<Object>(
      [target = call->target, generation = **generation,
       conditions = *conditions](Catalog& catalog) {
        return catalog.restore(target.bucket, target.object, generation, conditions);
      },
      answering<Object>(call, shown(call)));
}

}  // namespace thaw::storage_api
