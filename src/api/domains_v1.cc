#include "api/domains_v1.h"

#include <fmt/format.h>

#include "api/reply.h"

namespace thaw::api {
namespace {

using domains::Domains;
using State = Domains::View::State;

constexpr std::string_view kVersion = "domains.cloudrun.com/v1";

Json condition(std::string_view type, std::string_view status, std::string_view reason,
               const std::string& message) {
  Json json = Json::object({{"type", type}, {"status", status}});
  if (!reason.empty()) json.set("reason", reason);
  if (!message.empty()) json.set("message", message);
  return json;
}

/// Of the certificate: True, False, or Unknown while it is on its way.
Json certificate_condition(const Domains::View& view) {
  const auto& mapping = view.mapping;
  const std::string again = mapping.failures == 0
                                ? ""
                                : fmt::format("{} (attempt {}; again at {})", mapping.trouble,
                                              mapping.failures, format_rfc3339(mapping.retry_at));
  switch (view.state) {
    case State::kNone:
      return condition("CertificateProvisioned", "True", "NotAutomatic",
                       "no certificate is asked for: those given to `thaw up` are served");
    case State::kPending:
      return condition("CertificateProvisioned", "Unknown", "CertificatePending", again);
    case State::kReady:
      return condition("CertificateProvisioned", "True", again.empty() ? "" : "RenewalFailed",
                       again);
    case State::kFailed:
      break;
  }
  return condition("CertificateProvisioned", "False", "CertificateFailed", again);
}

Json conditions_of(const control::Controller& control, const Domains::View& view) {
  const std::string& service = view.mapping.service;
  const bool is_there = control.get(ServiceId(service)).has_value();
  const Json certificate = certificate_condition(view);
  const Json routable = is_there ? condition("DomainRoutable", "True", "", "")
                                 : condition("DomainRoutable", "False", "RouteNotFound",
                                             fmt::format("there is no service '{}'", service));
  const Json& cause = is_there ? certificate : routable;
  const Json ready = condition("Ready", cause.string_or("status"), cause.string_or("reason"),
                               cause.string_or("message"));
  return Json::Array{ready, certificate, routable};
}

/// What is to stand in the domain's zone: the service's own name leads to the gateway already.
/// gcloud waits until there is one.
Json records_of(const control::Controller& control, const domains::Mapping& mapping) {
  const auto service = control.get(ServiceId(mapping.service));
  if (!service) return Json::array();
  std::string_view host = service->status.url;
  const size_t scheme = host.find("://");
  if (scheme != std::string_view::npos) host.remove_prefix(scheme + 3);
  host = host.substr(0, host.find_first_of(":/"));
  return Json::Array{Json::object({{"name", mapping.domain.substr(0, mapping.domain.find('.'))},
                                   {"type", "CNAME"},
                                   {"rrdata", std::string(host) + "."}})};
}

Json mapping_json(const control::Controller& control, const Domains::View& view,
                  const std::string& parent) {
  const auto& mapping = view.mapping;
  Json notes = Json::object();
  if (view.validity) {
    notes.set("thaw.local/certificate-issuer", view.issuer);
    notes.set("thaw.local/certificate-not-after", format_rfc3339(view.validity->until));
    notes.set("thaw.local/certificate-renewal", format_rfc3339(view.renewal));
  }
  return Json::object(
      {{"apiVersion", kVersion},
       {"kind", "DomainMapping"},
       {"metadata", Json::object({{"name", mapping.domain},
                                  {"namespace", parent},
                                  {"generation", 1},
                                  {"creationTimestamp", format_rfc3339(mapping.created)},
                                  {"annotations", std::move(notes)}})},
       {"spec", Json::object({{"routeName", mapping.service},
                              {"certificateMode", mapping.automatic ? "AUTOMATIC" : "NONE"}})},
       {"status", Json::object({{"observedGeneration", 1},
                                {"mappedRouteName", mapping.service},
                                {"url", "https://" + mapping.domain},
                                {"resourceRecords", records_of(control, mapping)},
                                {"conditions", conditions_of(control, view)}})}});
}

Error wrong(std::string text) { return {Code::kInvalidArgument, std::move(text)}; }

Result<Domains::View> create(const control::Controller& control, Domains& domains,
                             const Json& body) {
  const std::string domain = body["metadata"].string_or("name");
  const std::string service = body["spec"].string_or("routeName");
  const std::string mode = body["spec"].string_or("certificateMode", "AUTOMATIC");
  if (const std::string kind = body.string_or("kind", "DomainMapping"); kind != "DomainMapping") {
    return wrong(fmt::format("kind: '{}' must be DomainMapping", kind));
  }
  if (domain.empty()) return wrong("metadata.name: the domain is missing");
  if (service.empty()) return wrong("spec.routeName: the service is missing");
  if (mode != "AUTOMATIC" && mode != "NONE" && mode != "CERTIFICATE_MODE_UNSPECIFIED") {
    return wrong(fmt::format("spec.certificateMode: '{}' must be AUTOMATIC or NONE", mode));
  }
  if (const auto known = control.get(ServiceId(service)); !known) {
    return wrong("spec.routeName: " + known.error().message());
  }
  const auto before = domains.get(domain);
  if (before && before->mapping.service != service &&
      !body["spec"].bool_or("forceOverride", false)) {
    return Error(Code::kAlreadyExists,
                 fmt::format("domain '{}' is mapped to service '{}'; unmap it, or set "
                             "spec.forceOverride",
                             domain, before->mapping.service));
  }
  const auto wanted =
      mode == "NONE" ? Domains::Certificates::kNone : Domains::Certificates::kAutomatic;
  if (const Status status = domains.map(domain, service, wanted); !status) {
    return Error(status.error()).with_context("metadata.name");
  }
  return domains.get(domain);
}

}  // namespace

std::vector<Route> domains_v1_routes(const control::Controller& control, Domains& domains) {
  const auto answer = [](auto make) {
    return [make](const Call& call, http::Responder responder) { responder.answer(make(call)); };
  };
  const auto shown = [&control](const Result<Domains::View>& view, const Call& call) {
    return view ? json_reply(mapping_json(control, *view, call.path.at("namespace")))
                : error_reply(view.error());
  };
  const std::string all = "/apis/domains.cloudrun.com/v1/namespaces/{namespace}/domainmappings";
  const std::string one = all + "/{domain}";
  return {
      {"GET",
       all,
       {"limit", "labelSelector", "continue"},
       "all domain mappings",
       answer([&control, &domains](const Call& call) {
         Json::Array items;
         for (const auto& view : domains.list()) {
           items.push_back(mapping_json(control, view, call.path.at("namespace")));
         }
         return json_reply(Json::object({{"apiVersion", kVersion},
                                         {"kind", "DomainMappingList"},
                                         {"metadata", Json::object()},
                                         {"items", std::move(items)}}));
       })},
      {"POST",
       all,
       {"dryRun"},
       "map a domain of one's own to a service",
       answer([&control, &domains, shown](const Call& call) {
         const auto body = Json::parse(call.request.body);
         if (!body) return error_reply(body.error());
         return shown(create(control, domains, *body), call);
       })},
      {"GET",
       one,
       {},
       "a domain mapping and how its certificate fares",
       answer([&domains, shown](const Call& call) {
         return shown(domains.get(call.path.at("domain")), call);
       })},
      {"GET",
       "/v1/projects/{project}/authorizeddomains",
       {},
       "the domains that may be mapped: all",
       answer([](const Call&) {
         // The root of all names: gcloud looks whether one of these stands in the domain.
         const Json root = Json::object({{"id", "."}, {"name", "."}});
         return json_reply(Json::object({{"domains", Json::Array{root}}}));
       })},
      {"DELETE",
       one,
       {"propagationPolicy", "orphanDependents"},
       "take a domain from its service",
       answer([&domains](const Call& call) {
         if (const Status done = domains.unmap(call.path.at("domain")); !done) {
           return error_reply(done.error());
         }
         return json_reply(Json::object({{"apiVersion", "v1"},
                                         {"kind", "Status"},
                                         {"metadata", Json::object()},
                                         {"status", "Success"}}));
       })},
  };
}

}  // namespace thaw::api
