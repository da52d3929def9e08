// POST /v2/models/NAME/infer and gRPC's ModelInfer as a Work, and how a model's tensors are
// described.
//
// Thread: the loop's; the Work's own where the model is. Owner: as routes.h. Limits: v2_request.h.
#pragma once

#include "inference/routes.h"

namespace thaw::inference {

Result<Work> infer_work(const std::vector<Served>& models, size_t model,
                        const http::Request& request);
/// Of a ModelInferRequest of the gRPC form; the answer's body is a ModelInferResponse.
Result<Work> infer_message_work(const std::vector<Served>& models, size_t model,
                                std::string_view message);

/// Their names, datatypes and shapes.
Json inputs_json(encoder::Task task);
Json outputs_json(encoder::Task task);

}  // namespace thaw::inference
