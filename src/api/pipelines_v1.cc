#include "api/pipelines_v1.h"

#include "api/reply.h"

namespace thaw::api {
namespace {

http::Response put(pipeline::Catalog& catalog, const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  auto record = pipeline::record_from_json(*body, call.path.at("pipeline"));
  if (!record) return error_reply(record.error());
  const auto stored = catalog.put(*std::move(record));
  return stored ? json_reply(to_json(*stored)) : error_reply(stored.error());
}

}  // namespace

std::vector<Route> pipelines_v1_routes(pipeline::Catalog& catalog) {
  const auto answer = [](auto make) {
    return [make](const Call& call, http::Responder responder) { responder.answer(make(call)); };
  };
  const std::string one = "/thaw/v1/pipelines/{pipeline}";
  return {
      {"GET",
       "/thaw/v1/pipelines",
       {},
       "what each pipeline file has made",
       answer([&](const Call&) {
         const auto all = catalog.list();
         if (!all) return error_reply(all.error());
         Json items = Json::array();
         for (const pipeline::Record& record : *all) items.push_back(to_json(record));
         return json_reply(Json::object({{"pipelines", std::move(items)}}));
       })},
      {"GET", one, {}, "what a pipeline file has made", answer([&](const Call& call) {
         const auto record = catalog.get(call.path.at("pipeline"));
         return record ? json_reply(to_json(*record)) : error_reply(record.error());
       })},
      {"PUT",
       one,
       {},
       "keep what a pipeline file has made; `version` is the one that was read",
       answer([&](const Call& call) { return put(catalog, call); })},
  };
}

}  // namespace thaw::api
