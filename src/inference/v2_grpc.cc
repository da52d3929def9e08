#include "inference/v2_grpc.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/json.h"
#include "http/query.h"
#include "inference/v2_messages.h"

namespace thaw::inference {
namespace {

using Encode = std::function<Result<std::string>(const Json& answer)>;

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

void refuse(const std::shared_ptr<rpc::Unary>& call, const http::Response& response) {
  http::Headers trailing;
  if (const auto wait = response.headers.find("retry-after")) {
    trailing.add("retry-after", std::string(*wait));
  }
  call->answer(error_of(response), std::move(trailing));
}

void read(const std::shared_ptr<rpc::Unary>& call, const Asks& asks, const std::string& path,
          Encode encode) {
  asks.read(get(path), call, [call, encode = std::move(encode)](const http::Response& response) {
    if (response.status != 200) return refuse(call, response);
    const auto json = Json::parse(response.body);
    if (!json) return call->answer(json.error());
    call->answer(encode(*json));
  });
}

/// With the only model's, `only`, where it has no name.
Result<ModelName> named(ModelName model, const std::string& only) {
  if (model.name.empty()) model.name = only;
  if (model.name.empty()) {
    return Error(Code::kInvalidArgument, "the model's name is missing: several are served");
  }
  return model;
}

/// "/v2/models/NAME" or "/v2/models/NAME/versions/VERSION", as a path has them.
std::string path_of(const ModelName& model) {
  std::string path = "/v2/models/" + http::percent_encode(model.name);
  if (!model.version.empty()) path += "/versions/" + http::percent_encode(model.version);
  return path;
}

void infer(const std::shared_ptr<rpc::Unary>& call, const Asks& asks, const std::string& only) {
  std::string message = call->take_message();
  // Only whose it is: what else it has is read once it is known to wait.
  const auto asked = decode_name(message);
  if (!asked) return call->answer(asked.error());
  const auto model = named(*asked, only);
  if (!model) return call->answer(model.error());
  asks.infer(*model, std::move(message), call, [call](http::Response response) {
    if (response.status != 200) return refuse(call, response);
    call->answer(std::move(response.body));
  });
}

}  // namespace

void add_v2_methods(rpc::Router& router, const Asks& asks, const std::string& only) {
  const std::string service = "/inference.GRPCInferenceService/";
  using Handle = std::function<void(const std::shared_ptr<rpc::Unary>&)>;
  const auto add = [&](const char* name, Handle handle) {
    router.add_unary(service + name, [handle = std::move(handle)](rpc::Unary call) {
      handle(std::make_shared<rpc::Unary>(std::move(call)));
    });
  };
  const auto yes = [](const Json&) { return encode_flag(true); };
  // Not being ready is an answer, no error.
  const auto readiness = [asks](const std::shared_ptr<rpc::Unary>& call, const std::string& path) {
    asks.read(get(path), call, [call](const http::Response& response) {
      const bool is_known = response.status == 200 || response.status == 503;
      is_known ? call->answer(encode_flag(response.status == 200))
               : call->answer(error_of(response));
    });
  };
  add("ServerLive", [=](const auto& call) { read(call, asks, "/v2/health/live", yes); });
  add("ServerReady", [=](const auto& call) { readiness(call, "/v2/health/ready"); });
  add("ServerMetadata", [=](const auto& call) { read(call, asks, "/v2", encode_server_metadata); });
  const auto path_in = [only](const std::shared_ptr<rpc::Unary>& call) -> Result<std::string> {
    ASSIGN_OR_RETURN(ModelName model, decode_name(call->message()));
    ASSIGN_OR_RETURN(model, named(std::move(model), only));
    return path_of(model);
  };
  add("ModelReady", [=](const auto& call) {
    const auto path = path_in(call);
    if (!path) return call->answer(path.error());
    readiness(call, *path + "/ready");
  });
  add("ModelMetadata", [=](const auto& call) {
    const auto path = path_in(call);
    if (!path) return call->answer(path.error());
    read(call, asks, *path, encode_model_metadata);
  });
  add("ModelInfer", [asks, only](const auto& call) { infer(call, asks, only); });
}

}  // namespace thaw::inference
