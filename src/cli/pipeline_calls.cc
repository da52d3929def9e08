#include "cli/pipeline_calls.h"

#include <fmt/format.h>

#include <set>

#include "cli/buckets.h"
#include "cli/deploy_wait.h"
#include "http/query.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

using pipeline::Key;
using pipeline::Kind;

std::string record_path(const std::string& name) {
  return thaw_path("pipelines/" + http::percent_encode(name));
}
std::string bucket_path(const std::string& name) {
  return "/storage/v1/b/" + http::percent_encode(name);
}

bool is_service(Kind kind) { return kind == Kind::kService || kind == Kind::kWorkerPool; }

spec::ServiceKind service_kind(Kind kind) {
  return kind == Kind::kService ? spec::ServiceKind::kService : spec::ServiceKind::kWorkerPool;
}

constexpr std::string_view kInvoker = "roles/run.invoker";

std::string service_path_v1(const std::string& name) {
  return "/v1/projects/thaw/locations/local/services/" + http::percent_encode(name);
}
std::string account_path(const Json& body) {
  return "/v1/projects/-/serviceAccounts/" + http::percent_encode(body.string_or("email"));
}

/// Who is bound to roles/run.invoker, sorted.
Json::Array invokers_of(const Json& policy) {
  std::set<std::string> members;
  if (!policy["bindings"].is_array()) return {};
  for (const Json& binding : policy["bindings"].as_array()) {
    if (binding.string_or("role") != kInvoker) continue;
    for (const Json& member : binding["members"].as_array()) members.insert(member.as_string());
  }
  return {members.begin(), members.end()};
}

/// The project stands in a topic's full name.
std::string pubsub_path(const Json& body) { return "/v1/" + body.string_or("name"); }

std::string path_of(const Key& key, const Json& body) {
  if (key.kind == Kind::kBucket) return bucket_path(key.name);
  if (is_service(key.kind)) return deployed_path(service_kind(key.kind), key.name);
  if (key.kind == Kind::kServiceAccount) return account_path(body);
  if (key.kind == Kind::kInvokers) return service_path_v1(key.name) + ":getIamPolicy";
  if (key.kind == Kind::kNotification) {
    return bucket_path(body.string_or("bucket")) + "/notificationConfigs";
  }
  return pubsub_path(body);
}

std::string fields_of(const Json& body) {
  std::string names;
  for (const auto& [name, value] : body.as_object()) names += (names.empty() ? "" : ",") + name;
  return names;
}

Json without(const Json& body, std::string_view field) {
  Json rest = Json::object();
  for (const auto& [name, value] : body.as_object()) {
    if (name != field) rest.set(name, value);
  }
  return rest;
}

}  // namespace

Outcome<pipeline::Record> PipelineCalls::record(const std::string& name) {
  const auto json = api_.get(record_path(name));
  if (!json && json.error().exit == ExitCode::kNotFound) return pipeline::Record{.name = name};
  if (!json) return json.error();
  ASSIGN_OR_RETURN(pipeline::Record record, pipeline::record_from_json(*json, name));
  return record;
}

Outcome<pipeline::Record> PipelineCalls::keep(const pipeline::Record& record) {
  ASSIGN_OR_RETURN(const Json json, api_.put(record_path(record.name), to_json(record)));
  ASSIGN_OR_RETURN(pipeline::Record stored, pipeline::record_from_json(json, record.name));
  return stored;
}

/// Null when it is not there.
Outcome<Json> PipelineCalls::there(const Key& key, const Json& body) {
  auto json = api_.get(path_of(key, body));
  if (!json && json.error().exit == ExitCode::kNotFound) return Json();
  if (!json) return json;
  if (key.kind == Kind::kInvokers) {
    // Open to all is how a service begins: nobody has said so, unless the file does.
    const Json members(invokers_of(*json));
    const Json open(Json::Array{"allUsers"});
    if (members == open && body["members"] != open) return Json();
    return Json::object({{"service", key.name}, {"members", members}});
  }
  if (key.kind == Kind::kServiceAccount) {
    Json found = *json;
    found.set("name", key.name);
    return found;
  }
  if (key.kind != Kind::kNotification) return json;
  const Json& items = (*json)["items"];
  if (!items.is_array()) return Json();
  for (const Json& each : items.as_array()) {
    if (each.string_or("topic") == body.string_or("topic") &&
        each.string_or("object_name_prefix") == body.string_or("object_name_prefix")) {
      Json found = each;
      found.set("bucket", body.string_or("bucket"));
      return found;
    }
  }
  return Json();
}

Outcome<ExitCode> PipelineCalls::look(const Key& key, const Json& body, pipeline::Facts& facts) {
  ASSIGN_OR_RETURN(Json found, there(key, body));
  if (found.is_null()) return ExitCode::kOk;
  if (key.kind == Kind::kService) urls_[key.name] = found["status"].string_or("url");
  if (is_service(key.kind)) {
    ASSIGN_OR_RETURN(found, pipeline::normal_service(found));
  }
  facts.actual[key] = std::move(found);
  return ExitCode::kOk;
}

Outcome<Json> PipelineCalls::resolved(const Json& body) {
  const std::string service = pipeline::pushed_service(body);
  if (service.empty()) return body;
  if (!urls_.contains(service)) {
    const auto found = api_.get(services_path(service));
    if (!found && found.error().exit == ExitCode::kNotFound) return body;
    if (!found) return found.error();
    urls_[service] = (*found)["status"].string_or("url");
  }
  return pipeline::with_address(body, urls_[service]);
}

Outcome<bool> PipelineCalls::has_objects(const std::string& bucket) {
  ASSIGN_OR_RETURN(const Json page, api_.get(bucket_path(bucket) + "/o?maxResults=1"));
  return page["items"].is_array() && !page["items"].as_array().empty();
}

Outcome<ExitCode> PipelineCalls::deploy(const pipeline::Step& step) {
  const spec::ServiceKind kind = service_kind(step.key.kind);
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(step.body));
  const std::string path = deployed_path(kind, step.key.name);
  const auto known = api_.get(path);
  if (known) service.metadata.resource_version = (*known)["metadata"].string_or("resourceVersion");
  const Json body = spec::to_json(service);
  ASSIGN_OR_RETURN(const Json stored,
                   known ? api_.put(path, body) : api_.post(deployed_path(kind), body));
  ASSIGN_OR_RETURN(service, spec::service_from_json(stored));
  ASSIGN_OR_RETURN(service, wait_until_ready(context_, api_, std::move(service)));
  urls_[step.key.name] = service.status.url;
  if (readiness_of(service) == Readiness::kReady) return ExitCode::kOk;
  const spec::Condition* why = condition(service, "Ready");
  return Failure(ExitCode::kNotReady,
                 Error(Code::kFailedPrecondition,
                       fmt::format("{} did not become ready: {}: {}; see 'thaw logs {}'",
                                   step.key.str(), why->reason, why->message, step.key.name)));
}

/// Other roles' bindings stay as they are.
Outcome<ExitCode> PipelineCalls::set_invokers(const std::string& service, const Json& members) {
  ASSIGN_OR_RETURN(Json policy, api_.get(service_path_v1(service) + ":getIamPolicy"));
  Json bindings = Json::array();
  if (policy["bindings"].is_array()) {
    for (const Json& binding : policy["bindings"].as_array()) {
      if (binding.string_or("role") != kInvoker) bindings.push_back(binding);
    }
  }
  if (!members.as_array().empty()) {
    bindings.push_back(Json::object({{"role", kInvoker}, {"members", members}}));
  }
  policy.set("bindings", std::move(bindings));
  ASSIGN_OR_RETURN(const Json done, api_.post(service_path_v1(service) + ":setIamPolicy",
                                              Json::object({{"policy", policy}})));
  return ExitCode::kOk;
}

Outcome<Json> PipelineCalls::make_account(const pipeline::Step& step) {
  Json shown = Json::object();
  for (const char* field : {"displayName", "description"}) {
    shown.set(field, step.body.string_or(field));
  }
  if (step.action == pipeline::Action::kChange) {
    return patch(
        account_path(step.body),
        Json::object({{"serviceAccount", shown}, {"updateMask", "displayName,description"}}));
  }
  const std::string email = step.body.string_or("email");
  const size_t at = email.find('@') + 1;
  return api_.post(
      "/v1/projects/" + email.substr(at, email.find('.', at) - at) + "/serviceAccounts",
      Json::object({{"accountId", step.key.name}, {"serviceAccount", shown}}));
}

Outcome<Json> PipelineCalls::make(const pipeline::Step& step) {
  if (is_service(step.key.kind)) {
    RETURN_IF_ERROR(deploy(step));
    return step.body;
  }
  if (step.key.kind == Kind::kInvokers) {
    RETURN_IF_ERROR(set_invokers(step.key.name, step.body["members"]));
    return step.body;
  }
  if (step.key.kind == Kind::kServiceAccount) {
    RETURN_IF_ERROR(make_account(step).map([](const Json&) {}));
    return step.body;
  }
  ASSIGN_OR_RETURN(const Json body, resolved(step.body));
  if (!pipeline::pushed_service(body).empty()) {
    return Failure(Error(Code::kFailedPrecondition,
                         fmt::format("{}: service '{}' is not deployed", step.key.str(),
                                     pipeline::pushed_service(body))));
  }
  const std::string path = path_of(step.key, body);
  Json done;
  if (step.action == pipeline::Action::kChange) {
    ASSIGN_OR_RETURN(Json send, resolved(step.send));
    if (step.key.kind != Kind::kBucket) {
      const std::string mask = fields_of(send);
      send.set("name", body.string_or("name"));
      const char* what = step.key.kind == Kind::kTopic ? "topic" : "subscription";
      send = Json::object({{what, send}, {"updateMask", mask}});
    }
    ASSIGN_OR_RETURN(done, patch(path, send));
  } else if (step.key.kind == Kind::kBucket) {
    ASSIGN_OR_RETURN(done, api_.post("/storage/v1/b?project=thaw", body));
  } else if (step.key.kind == Kind::kNotification) {
    ASSIGN_OR_RETURN(done, api_.post(path, without(body, "bucket")));
  } else {
    ASSIGN_OR_RETURN(done, api_.put(path, without(body, "name")));
  }
  return body;
}

Outcome<Json> PipelineCalls::patch(const std::string& path, const Json& body) {
  http::Request request{.method = "PATCH", .target = path};
  request.host = api_.address().str();
  request.headers.add("content-type", "application/json");
  request.body = body.dump();
  const auto answer = http_call(context_.ports, api_.address(), std::move(request), {});
  if (!answer) return Failure(ExitCode::kUnreachable, answer.error());
  if (answer->status >= 400) return Failure(error_of(*answer));
  ASSIGN_OR_RETURN(Json json, Json::parse(answer->body));
  return json;
}

Outcome<ExitCode> PipelineCalls::empty(const std::string& bucket) {
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context_));
  ASSIGN_OR_RETURN(const auto listed, buckets.list({bucket, ""}, Buckets::Depth::kAll));
  for (const Json& object : listed.objects) {
    RETURN_IF_ERROR(buckets.remove({bucket, object.string_or("name")}));
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> PipelineCalls::destroy(const Key& key, const Json& body) {
  if (key.kind == Kind::kInvokers) {
    const auto opened = set_invokers(key.name, Json(Json::Array{"allUsers"}));
    if (!opened && opened.error().exit != ExitCode::kNotFound) return opened.error();
    return ExitCode::kOk;
  }
  std::string path = path_of(key, body);
  if (key.kind == Kind::kNotification) path += "/" + http::percent_encode(body.string_or("id"));
  const auto gone = api_.remove(path);
  if (!gone && gone.error().exit != ExitCode::kNotFound) return gone.error();
  return ExitCode::kOk;
}

}  // namespace thaw::cli
