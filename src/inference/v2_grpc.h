// The Open Inference Protocol over gRPC: service inference.GRPCInferenceService, each method being
// the REST call that means the same. Thread: the loop's. Owner: `ask` is kept by the router.
// Limits: those of the router and of v2_messages.h.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/message.h"
#include "rpc/router.h"

namespace thaw::inference {

/// Answers the request at once or later, once, or never when the call is gone.
using Ask = std::function<void(http::Request request, const std::shared_ptr<rpc::Unary>& call,
                               std::function<void(http::Response)> answer)>;

/// ServerLive, ServerReady, ModelReady, ServerMetadata, ModelMetadata, ModelInfer. `only`: the
/// model that a request without a name means; "" where there are several.
void add_v2_methods(rpc::Router& router, const Ask& ask, const std::string& only);

}  // namespace thaw::inference
