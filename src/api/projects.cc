#include "api/projects.h"

#include <fmt/format.h>

#include <utility>

#include "api/reply.h"

namespace thaw::api {
namespace {

Route get(std::string pattern, std::vector<std::string> query, std::string help,
          Json (*shape)(const Call& call)) {
  return {"GET", std::move(pattern), std::move(query), std::move(help),
          [shape](const Call& call, http::Responder responder) {
            responder.answer(json_reply(shape(call)));
          }};
}

Json project_of(const Call& call) {
  const std::string& name = call.path.at("project");
  return Json::object({{"projectNumber", project_number(name)},
                       {"projectId", name},
                       {"name", name},
                       {"lifecycleState", "ACTIVE"}});
}

Json locations_of(const Call& call) {
  const std::string name =
      fmt::format("projects/{}/locations/{}", call.path.at("project"), kLocation);
  return Json::object(
      {{"locations",
        Json::Array{Json::object(
            {{"name", name}, {"locationId", kLocation}, {"displayName", "This machine"}})}}});
}

Json run_service_of(const Call& call) {
  return Json::object(
      {{"name", fmt::format("projects/{}/services/run.googleapis.com", call.path.at("project"))},
       {"state", "ENABLED"}});
}

}  // namespace

std::string project_number(std::string_view project) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char byte : project) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  }
  constexpr uint64_t kSmallest = 100'000'000'000;
  return std::to_string(kSmallest + hash % (9 * kSmallest));
}

std::vector<Route> project_routes() {
  std::vector<Route> routes;
  routes.push_back(get("/v1/projects/{project}", {}, "a project: each name is one", project_of));
  routes.push_back(get("/v1/projects/{project}/locations", {"pageSize", "pageToken", "filter"},
                       "where a project may deploy: here", locations_of));
  routes.push_back(get("/v1/projects/{project}/services/run.googleapis.com", {},
                       "whether Cloud Run is enabled: it is", run_service_of));
  return routes;
}

}  // namespace thaw::api
