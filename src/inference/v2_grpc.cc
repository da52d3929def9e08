#include "inference/v2_grpc.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/json.h"
#include "http/query.h"
#include "inference/v2_messages.h"

namespace thaw::inference {
namespace {

using Encode = std::function<std::string(const Json& answer)>;

/// The Error of a failed answer: its status' name and message are in the one form of all.
Error error_of(const http::Response& response) {
  constexpr Code kCodes[] = {Code::kInvalidArgument,    Code::kNotFound,
                             Code::kFailedPrecondition, Code::kResourceExhausted,
                             Code::kUnavailable,        Code::kUnimplemented,
                             Code::kCancelled,          Code::kOutOfRange};
  const auto json = Json::parse(response.body);
  const Json error = json ? (*json)["error"] : Json();
  Code code = Code::kInternal;
  for (Code each : kCodes) {
    if (error.string_or("status") == code_name(each)) code = each;
  }
  return {code, error.string_or("message", "the answer cannot be read")};
}

http::Request get(std::string path) {
  http::Request request{.method = "GET", .target = path};
  request.path = std::move(path);
  return request;
}

void pass_on(const std::shared_ptr<rpc::Unary>& call, const Ask& ask, http::Request request,
             Encode encode) {
  ask(std::move(request), call, [call, encode = std::move(encode)](http::Response response) {
    if (response.status != 200) {
      http::Headers trailing;
      if (const auto wait = response.headers.find("retry-after")) {
        trailing.add("retry-after", std::string(*wait));
      }
      return call->answer(error_of(response), std::move(trailing));
    }
    const auto json = Json::parse(response.body);
    if (!json) return call->answer(json.error());
    call->answer(encode(*json));
  });
}

/// "/v2/models/NAME" or "/v2/models/NAME/versions/VERSION", as a path has them. No name means the
/// only model, `only`.
Result<std::string> model_path(const ModelName& model, const std::string& only) {
  const std::string& name = model.name.empty() ? only : model.name;
  if (name.empty()) {
    return Error(Code::kInvalidArgument, "the model's name is missing: several are served");
  }
  std::string path = "/v2/models/" + http::percent_encode(name);
  if (!model.version.empty()) path += "/versions/" + http::percent_encode(model.version);
  return path;
}

void infer(const std::shared_ptr<rpc::Unary>& call, const Ask& ask, const std::string& only) {
  auto message = decode_infer(call->message());
  if (!message) return call->answer(message.error());
  const auto path = model_path(message->model, only);
  if (!path) return call->answer(path.error());
  http::Request request{.method = "POST"};
  request.path = request.target = *path + "/infer";
  request.headers.add("content-type", "application/json");
  request.body = message->body.dump();
  pass_on(call, ask, std::move(request), [tensors = message->tensors](const Json& answer) {
    return encode_infer(answer, tensors);
  });
}

}  // namespace

void add_v2_methods(rpc::Router& router, const Ask& ask, const std::string& only) {
  const std::string service = "/inference.GRPCInferenceService/";
  using Handle = std::function<void(const std::shared_ptr<rpc::Unary>&)>;
  const auto add = [&](const char* name, Handle handle) {
    router.add_unary(service + name, [handle = std::move(handle)](rpc::Unary call) {
      handle(std::make_shared<rpc::Unary>(std::move(call)));
    });
  };
  const auto yes = [](const Json&) { return encode_flag(true); };
  // Not being ready is an answer, no error.
  const auto readiness = [ask](const std::shared_ptr<rpc::Unary>& call, const std::string& path) {
    ask(get(path), call, [call](const http::Response& response) {
      const bool is_known = response.status == 200 || response.status == 503;
      is_known ? call->answer(encode_flag(response.status == 200))
               : call->answer(error_of(response));
    });
  };
  add("ServerLive", [=](const auto& call) { pass_on(call, ask, get("/v2/health/live"), yes); });
  add("ServerReady", [=](const auto& call) { readiness(call, "/v2/health/ready"); });
  add("ServerMetadata",
      [=](const auto& call) { pass_on(call, ask, get("/v2"), encode_server_metadata); });
  const auto path_of = [only](const std::shared_ptr<rpc::Unary>& call) -> Result<std::string> {
    ASSIGN_OR_RETURN(const ModelName model, decode_name(call->message()));
    return model_path(model, only);
  };
  add("ModelReady", [=](const auto& call) {
    const auto path = path_of(call);
    if (!path) return call->answer(path.error());
    readiness(call, *path + "/ready");
  });
  add("ModelMetadata", [=](const auto& call) {
    const auto path = path_of(call);
    if (!path) return call->answer(path.error());
    pass_on(call, ask, get(*path), encode_model_metadata);
  });
  add("ModelInfer", [ask, only](const auto& call) { infer(call, ask, only); });
}

}  // namespace thaw::inference
