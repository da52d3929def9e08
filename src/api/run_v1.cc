#include "api/run_v1.h"

#include <fmt/format.h>

#include "api/reply.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::api {
namespace {

using Answer = http::Response;
using Handler = std::function<Answer(const Call&)>;

Route route(std::string method, std::string pattern, std::vector<std::string> query,
            std::string help, Handler handler) {
  return {std::move(method), std::move(pattern), std::move(query), std::move(help),
          [handler = std::move(handler)](const Call& call, http::Responder responder) {
            responder.answer(handler(call));
          }};
}

/// A service of a request's body, named as the path says where the path names one.
Result<spec::Service> service_of_body(const Call& call, std::vector<spec::FieldViolation>& faults) {
  ASSIGN_OR_RETURN(const Json body, Json::parse(call.request.body));
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(body, &faults));
  const auto name = call.path.find("service");
  if (name != call.path.end() && name->second != service.metadata.name) {
    return Error(Code::kInvalidArgument,
                 fmt::format("metadata.name: '{}' is not the service '{}' that the path names",
                             service.metadata.name, name->second));
  }
  return service;
}

Answer apply(control::Controller& control, const Call& call, control::ApplyMode mode) {
  if (const auto dry = call.query("dryRun"); !dry.empty() && dry != "all") {
    return error_reply(Error(Code::kInvalidArgument, fmt::format("dryRun: '{}' must be all", dry)));
  }
  std::vector<spec::FieldViolation> faults;
  auto service = service_of_body(call, faults);
  if (!service) return error_reply(service.error(), faults);
  const auto persistence = call.query("dryRun").empty() ? control::Persistence::kKeep
                                                        : control::Persistence::kDryRun;
  auto applied = control.apply(*std::move(service), mode, persistence, &faults);
  if (!applied) return error_reply(applied.error(), faults);
  return json_reply(spec::to_json(*applied));
}

Answer deleted() {
  return json_reply(Json::object(
      {{"apiVersion", "v1"}, {"kind", "Status"}, {"metadata", Json::object()}, {"status", "Success"}}));
}

/// The service that "serving.knative.dev/service=NAME" (blanks allowed) selects; "" for no selector.
Result<ServiceId> selected_service(std::string_view selector) {
  if (selector.empty()) return ServiceId();
  std::string text;
  for (char c : selector) {
    if (c != ' ') text += c;
  }
  constexpr std::string_view kKey = "serving.knative.dev/service=";
  if (!text.starts_with(kKey) || text.find(',') != std::string::npos) {
    return Error(Code::kUnimplemented,
                 fmt::format("labelSelector: '{}': only 'serving.knative.dev/service = NAME' is "
                             "understood",
                             selector));
  }
  return ServiceId(text.substr(kKey.size()));
}

Answer list_services(const control::Controller& control) {
  Json::Array items;
  for (const spec::Service& service : control.list()) items.push_back(spec::to_json(service));
  return json_reply(list_of("Service", std::move(items)));
}

Answer list_revisions(const control::Controller& control, const Call& call) {
  const auto service = selected_service(call.query("labelSelector"));
  if (!service) return error_reply(service.error());
  Json::Array items;
  for (const control::Revision& revision : control.revisions(*service)) {
    items.push_back(revision_json(revision, control.traffic_of(revision.name)));
  }
  return json_reply(list_of("Revision", std::move(items)));
}

Answer get_service(const control::Controller& control, const Call& call) {
  const auto service = control.get(ServiceId(call.path.at("service")));
  return service ? json_reply(spec::to_json(*service)) : error_reply(service.error());
}

Answer get_revision(const control::Controller& control, const Call& call) {
  const RevisionId name(call.path.at("revision"));
  const auto revision = control.revision(name);
  return revision ? json_reply(revision_json(*revision, control.traffic_of(name)))
                  : error_reply(revision.error());
}

/// The routes of one way to write the parent: by namespace, or by project and location.
void add_routes(std::vector<Route>& routes, control::Controller& control,
                const std::string& parent) {
  const std::string services = parent + "/services", one_service = services + "/{service}";
  const std::string revisions = parent + "/revisions", one_revision = revisions + "/{revision}";
  routes.push_back(route("GET", services, {"limit", "labelSelector"}, "all services",
                         [&](const Call&) { return list_services(control); }));
  routes.push_back(route("POST", services, {"dryRun"}, "deploy a new service", [&](const Call& c) {
    return apply(control, c, control::ApplyMode::kCreate);
  }));
  routes.push_back(route("GET", one_service, {}, "a service with its status",
                         [&](const Call& c) { return get_service(control, c); }));
  routes.push_back(route("PUT", one_service, {"dryRun"}, "deploy over a service",
                         [&](const Call& c) {
                           return apply(control, c, control::ApplyMode::kReplace);
                         }));
  routes.push_back(route("DELETE", one_service, {"propagationPolicy"}, "delete a service",
                         [&](const Call& c) {
                           const Status done = control.remove(ServiceId(c.path.at("service")));
                           return done ? deleted() : error_reply(done.error());
                         }));
  routes.push_back(route("GET", revisions, {"labelSelector", "limit"},
                         "revisions, newest first; labelSelector=serving.knative.dev/service=NAME",
                         [&](const Call& c) { return list_revisions(control, c); }));
  routes.push_back(route("GET", one_revision, {}, "a revision",
                         [&](const Call& c) { return get_revision(control, c); }));
  routes.push_back(route("DELETE", one_revision, {"propagationPolicy"}, "delete a revision",
                         [&](const Call& c) {
                           const Status done =
                               control.remove_revision(RevisionId(c.path.at("revision")));
                           return done ? deleted() : error_reply(done.error());
                         }));
}

}  // namespace

Json revision_json(const control::Revision& revision, control::Traffic traffic) {
  const Json shaped = spec::to_json(revision.template_);
  Json labels = shaped["metadata"]["labels"];
  labels.set("serving.knative.dev/service", revision.service.str());
  labels.set("serving.knative.dev/configuration", revision.service.str());
  Json metadata = Json::object({{"name", revision.name.str()},
                                {"namespace", "default"},
                                {"uid", revision.uid},
                                {"generation", 1},
                                {"creationTimestamp", format_rfc3339(revision.created)},
                                {"labels", std::move(labels)}});
  if (const Json* annotations = shaped["metadata"].find("annotations")) {
    metadata.set("annotations", *annotations);
  }
  Json conditions = Json::array();
  for (const spec::Condition& condition : control::conditions_of(revision, traffic)) {
    conditions.push_back(spec::to_json(condition));
  }
  return Json::object({{"apiVersion", "serving.knative.dev/v1"},
                       {"kind", "Revision"},
                       {"metadata", std::move(metadata)},
                       {"spec", shaped["spec"]},
                       {"status", Json::object({{"conditions", std::move(conditions)},
                                                {"observedGeneration", 1},
                                                {"serviceName", revision.service.str()}})}});
}

std::vector<Route> run_v1_routes(control::Controller& control) {
  std::vector<Route> routes;
  add_routes(routes, control, "/apis/serving.knative.dev/v1/namespaces/{namespace}");
  add_routes(routes, control, "/v1/projects/{project}/locations/{location}");
  // gcloud asks whether the service it calls is switched on.
  routes.push_back(route("GET", "/v1/projects/{project}/services/run.googleapis.com", {},
                         "whether Cloud Run is enabled: it is", [](const Call& c) {
                           return json_reply(Json::object(
                               {{"name", fmt::format("projects/{}/services/run.googleapis.com",
                                                     c.path.at("project"))},
                                {"state", "ENABLED"}}));
                         }));
  return routes;
}

}  // namespace thaw::api
