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

/// The namespace or project of the path. There is one set of services, seen from each of them.
const std::string& parent_of(const Call& call) {
  const auto found = call.path.find("namespace");
  return found != call.path.end() ? found->second : call.path.at("project");
}

Json service_json(spec::Service service, const std::string& parent) {
  service.metadata.namespace_ = parent;
  return spec::to_json(service);
}

std::string_view name_of(spec::ServiceKind kind) {
  return kind == spec::ServiceKind::kService ? "service" : "worker pool";
}

/// A service of a request's body, named as the path says where the path names one.
Result<spec::Service> service_of_body(const Call& call, spec::ServiceKind kind,
                                      std::vector<spec::FieldViolation>& faults) {
  ASSIGN_OR_RETURN(const Json body, Json::parse(call.request.body));
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(body, &faults));
  if (service.kind != kind) {
    return Error(Code::kInvalidArgument, fmt::format("kind: this path takes a {}, not a {}",
                                                     name_of(kind), name_of(service.kind)));
  }
  const auto name = call.path.find("service");
  if (name != call.path.end() && name->second != service.metadata.name) {
    return Error(Code::kInvalidArgument,
                 fmt::format("metadata.name: '{}' is not the service '{}' that the path names",
                             service.metadata.name, name->second));
  }
  return service;
}

/// On Cloud Run a service is private until its policy says otherwise, and gcloud relies on that: it
/// asks nothing more for --no-allow-unauthenticated, and sets a policy for the other.
bool begins_closed(const spec::Service& service) {
  const auto has = [&notes = service.metadata.annotations](const char* name, const char* value) {
    const auto found = notes.find(name);
    return found != notes.end() && found->second == value;
  };
  return service.kind == spec::ServiceKind::kService &&
         has("run.googleapis.com/client-name", "gcloud") &&
         !has("run.googleapis.com/invoker-iam-disabled", "true");
}

Answer apply(control::Controller& control, identity::Guard& guard, const Call& call,
             spec::ServiceKind kind, control::ApplyMode mode) {
  if (const auto dry = call.query("dryRun"); !dry.empty() && dry != "all") {
    return error_reply(Error(Code::kInvalidArgument, fmt::format("dryRun: '{}' must be all", dry)));
  }
  std::vector<spec::FieldViolation> faults;
  auto service = service_of_body(call, kind, faults);
  if (!service) return error_reply(service.error(), faults);
  const auto persistence =
      call.query("dryRun").empty() ? control::Persistence::kKeep : control::Persistence::kDryRun;
  const std::string name = service->metadata.name;
  const bool creates = persistence == control::Persistence::kKeep &&
                       kind == spec::ServiceKind::kService && !control.get(ServiceId(name));
  if (creates) {
    // Before it is there. One from before a crash is of a service that was deleted, or never was.
    const Status begun = begins_closed(*service) ? guard.set_policy(name, {}) : guard.forget(name);
    if (!begun) return error_reply(begun.error());
  }
  auto applied = control.apply(*std::move(service), mode, persistence, &faults);
  if (!applied) {
    if (creates) (void)guard.forget(name);
    return error_reply(applied.error(), faults);
  }
  return json_reply(service_json(*std::move(applied), parent_of(call)));
}

Answer deleted() {
  return json_reply(Json::object({{"apiVersion", "v1"},
                                  {"kind", "Status"},
                                  {"metadata", Json::object()},
                                  {"status", "Success"}}));
}

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

/// "KEY=VALUE, KEY=VALUE": all must hold. Blanks around each are allowed, as gcloud sends them.
using Selector = std::vector<std::pair<std::string, std::string>>;
Result<Selector> selector_of(const Call& call) {
  Selector selector;
  std::string_view rest = call.query("labelSelector");
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    const std::string_view term = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    const size_t equals = term.find('=');
    const std::string_view key = trim(term.substr(0, equals));
    if (equals == std::string_view::npos || key.empty() ||
        key.find_first_of("! ()") != std::string_view::npos) {
      return Error(Code::kInvalidArgument,
                   fmt::format("labelSelector: '{}': only KEY = VALUE, with commas between, is "
                               "understood",
                               term));
    }
    std::string_view value = term.substr(equals + 1);
    if (value.starts_with('=')) value.remove_prefix(1);  // "==" is "="
    selector.emplace_back(key, trim(value));
  }
  return selector;
}

bool selects(const Selector& selector, const Json& item) {
  const Json& labels = item["metadata"]["labels"];
  for (const auto& [key, value] : selector) {
    const Json* label = labels.find(key);
    if (label == nullptr || !label->is_string() || label->as_string() != value) return false;
  }
  return true;
}

Answer list_services(const control::Controller& control, const Call& call, spec::ServiceKind kind) {
  const auto selector = selector_of(call);
  if (!selector) return error_reply(selector.error());
  Json::Array items;
  for (spec::Service& service : control.list()) {
    if (service.kind != kind) continue;
    Json item = service_json(std::move(service), parent_of(call));
    if (selects(*selector, item)) items.push_back(std::move(item));
  }
  Json list =
      list_of(kind == spec::ServiceKind::kService ? "Service" : "WorkerPool", std::move(items));
  if (kind == spec::ServiceKind::kWorkerPool) list.set("apiVersion", "run.googleapis.com/v1");
  return json_reply(list);
}

Answer list_revisions(const control::Controller& control, const Call& call) {
  const auto selector = selector_of(call);
  if (!selector) return error_reply(selector.error());
  Json::Array items;
  for (const control::Revision& revision : control.revisions()) {
    Json item = revision_json(revision, control.traffic_of(revision.name), parent_of(call));
    if (selects(*selector, item)) items.push_back(std::move(item));
  }
  return json_reply(list_of("Revision", std::move(items)));
}

/// What the path names, of that kind.
Result<spec::Service> named(const control::Controller& control, const Call& call,
                            spec::ServiceKind kind) {
  const ServiceId id(call.path.at("service"));
  ASSIGN_OR_RETURN(spec::Service service, control.get(id));
  if (service.kind != kind) {
    return Error(Code::kNotFound, fmt::format("{} '{}' is not deployed: that is the name of a {}",
                                              name_of(kind), id.str(), name_of(service.kind)));
  }
  return service;
}

Answer get_service(const control::Controller& control, const Call& call, spec::ServiceKind kind) {
  auto service = named(control, call, kind);
  return service ? json_reply(service_json(*std::move(service), parent_of(call)))
                 : error_reply(service.error());
}

Answer delete_service(control::Controller& control, identity::Guard& guard, const Call& call,
                      spec::ServiceKind kind) {
  if (const auto known = named(control, call, kind); !known) return error_reply(known.error());
  const std::string& name = call.path.at("service");
  Status done = control.remove(ServiceId(name));
  if (done) done = guard.forget(name);
  return done ? deleted() : error_reply(done.error());
}

Answer get_revision(const control::Controller& control, const Call& call) {
  const RevisionId name(call.path.at("revision"));
  const auto revision = control.revision(name);
  return revision ? json_reply(revision_json(*revision, control.traffic_of(name), parent_of(call)))
                  : error_reply(revision.error());
}

/// Of one kind: list, create, get, replace, delete.
void add_kind(std::vector<Route>& routes, control::Controller& control, identity::Guard& guard,
              const std::string& all, spec::ServiceKind kind) {
  const std::string one = all + "/{service}", word(name_of(kind));
  routes.push_back(route("GET", all, {"labelSelector", "limit"}, "all " + word + "s",
                         [&, kind](const Call& c) { return list_services(control, c, kind); }));
  routes.push_back(route("POST", all, {"dryRun"}, "deploy a new " + word, [&, kind](const Call& c) {
    return apply(control, guard, c, kind, control::ApplyMode::kCreate);
  }));
  routes.push_back(route("GET", one, {}, "a " + word + " with its status",
                         [&, kind](const Call& c) { return get_service(control, c, kind); }));
  routes.push_back(route("PUT", one, {"dryRun"}, "deploy over a " + word, [&, kind](const Call& c) {
    return apply(control, guard, c, kind, control::ApplyMode::kReplace);
  }));
  routes.push_back(
      route("DELETE", one, {"propagationPolicy"}, "delete a " + word,
            [&, kind](const Call& c) { return delete_service(control, guard, c, kind); }));
}

/// The routes of one way to write the parent: by namespace, or by project and location.
void add_routes(std::vector<Route>& routes, control::Controller& control, identity::Guard& guard,
                const std::string& parent) {
  const std::string revisions = parent + "/revisions", one_revision = revisions + "/{revision}";
  add_kind(routes, control, guard, parent + "/services", spec::ServiceKind::kService);
  routes.push_back(route("GET", revisions, {"labelSelector", "limit"},
                         "revisions, newest first; labelSelector=serving.knative.dev/service=NAME",
                         [&](const Call& c) { return list_revisions(control, c); }));
  routes.push_back(route("GET", one_revision, {}, "a revision",
                         [&](const Call& c) { return get_revision(control, c); }));
  routes.push_back(
      route("DELETE", one_revision, {"propagationPolicy"}, "delete a revision", [&](const Call& c) {
        const Status done = control.remove_revision(RevisionId(c.path.at("revision")));
        return done ? deleted() : error_reply(done.error());
      }));
}

// ---- Who may call ------------------------------------------------------------------------------
// Whoever reaches the API may do everything; who may call a service through the gateway, its
// policy says.

Json shown_policy(const identity::Policy& policy) {
  Json shown = identity::policy_json(policy);
  shown.set("etag", identity::etag_of(policy));
  return shown;
}

Answer set_policy(identity::Guard& guard, const std::string& service, const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  auto policy = identity::read_policy((*body)["policy"], guard.policy_of(service));
  if (!policy) return error_reply(policy.error());
  const Json shown = shown_policy(*policy);
  const Status kept = guard.set_policy(service, *std::move(policy));
  return kept ? json_reply(shown) : error_reply(kept.error());
}

Answer test_permissions(const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const Json& asked = (*body)["permissions"];
  return json_reply(Json::object({{"permissions", asked.is_array() ? asked : Json::array()}}));
}

void add_access_routes(std::vector<Route>& routes, const control::Controller& control,
                       identity::Guard& guard, const std::string& service) {
  const auto of_known = [&control](auto make) {
    return [&control, make](const Call& c) {
      const std::string name = c.path.at("service");
      const auto known = control.get(ServiceId(name));
      return known ? make(name, c) : error_reply(known.error());
    };
  };
  routes.push_back(route("GET", service + ":getIamPolicy", {"options.requestedPolicyVersion"},
                         "who may call the service; everybody, until it is given a policy, but "
                         "nobody when gcloud deployed it",
                         of_known([&guard](const std::string& name, const Call&) {
                           return json_reply(shown_policy(guard.policy_of(name)));
                         })));
  routes.push_back(route("POST", service + ":setIamPolicy", {},
                         "say who may call: members of roles/run.invoker",
                         of_known([&guard](const std::string& name, const Call& c) {
                           return set_policy(guard, name, c);
                         })));
  // Also for services that do not exist yet: gcloud asks before it deploys.
  routes.push_back(route("POST", service + ":testIamPermissions", {},
                         "what the caller may do: all that it asks for",
                         [](const Call& c) { return test_permissions(c); }));
}

}  // namespace

Json revision_json(const control::Revision& revision, control::Traffic traffic,
                   const std::string& parent) {
  const Json shaped = spec::to_json(revision.template_);
  Json labels = shaped["metadata"]["labels"];
  labels.set("serving.knative.dev/service", revision.service.str());
  labels.set("serving.knative.dev/configuration", revision.service.str());
  labels.set("serving.knative.dev/configurationGeneration",
             std::to_string(revision.service_generation));
  Json metadata = Json::object({{"name", revision.name.str()},
                                {"namespace", parent},
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

std::vector<Route> run_v1_routes(control::Controller& control, identity::Guard& guard) {
  std::vector<Route> routes;
  add_routes(routes, control, guard, "/apis/serving.knative.dev/v1/namespaces/{namespace}");
  add_kind(routes, control, guard, "/apis/run.googleapis.com/v1/namespaces/{namespace}/workerpools",
           spec::ServiceKind::kWorkerPool);
  const std::string parent = "/v1/projects/{project}/locations/{location}";
  add_kind(routes, control, guard, parent + "/workerpools", spec::ServiceKind::kWorkerPool);
  add_routes(routes, control, guard, parent);
  add_access_routes(routes, control, guard, parent + "/services/{service}");
  return routes;
}

}  // namespace thaw::api
