// The Open Inference Protocol over gRPC: service inference.GRPCInferenceService, each method being
// the REST call that means the same. Thread: the loop's. Owner: the Asks are kept by the router.
// Limits: those of the router and of v2_messages.h.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"
#include "inference/v2_messages.h"
#include "rpc/router.h"

namespace thaw::inference {

/// How calls are answered: at once or later, once, or never when the call is gone.
struct Asks {
  using Call = std::shared_ptr<rpc::Unary>;
  using Answer = std::function<void(http::Response)>;
  /// A path of the REST form that is read.
  std::function<void(const http::Request& request, const Call& call, Answer answer)> read;
  /// ModelInfer of the model that `message` names. The answer's body is a message.
  std::function<void(const ModelName& model, std::string message, const Call& call, Answer answer)>
      infer;
};

/// ServerLive, ServerReady, ModelReady, ServerMetadata, ModelMetadata, ModelInfer. `only`: the
/// model that a request without a name means; "" where there are several.
void add_v2_methods(rpc::Router& router, const Asks& asks, const std::string& only);

}  // namespace thaw::inference
