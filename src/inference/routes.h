// Routes: from a request of the model server to the work that answers it. Pure but for reading
// whether models are loaded.
// Thread: the loop's. Owner: the models outlive the Work. Limits: kMostInputs texts of a request.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "http/message.h"
#include "inference/model_server.h"
#include "inference/work.h"

namespace thaw::inference {

/// Reads the request's body, which costs time and tells its faults. The request and the models
/// outlive it.
using ReadWork = std::function<Result<Work>()>;
/// What a path is called in metrics: "/models/{model}/predict"; "" where nothing is there.
struct Routed {
  std::string path;
  std::variant<http::Response, ReadWork> answer;  // at once, or by a model
};
Routed route(const http::Request& request, const std::vector<Served>& models);

// One for each family of routes; nullopt: none of its paths.
using Parts = std::vector<std::string>;
std::optional<Routed> route_text(const http::Request& request, const std::vector<Served>& models);
std::optional<Routed> route_v2(const http::Request& request, const Parts& parts,
                               const std::vector<Served>& models);

/// ModelInfer over gRPC: as POST /v2/models/{model}/infer, but that the answer is a message. The
/// message outlives the ReadWork.
Routed route_infer(const std::vector<Served>& models, const std::string& model,
                   const std::string& version, std::string_view message);

/// The model of that name; of the only one when `name` is empty. kNotFound names those there are.
Result<size_t> find_model(const std::vector<Served>& models, const std::string& name);
/// The task's own request, to be answered in the pipeline's shape.
Result<Work> task_work(const std::vector<Served>& models, size_t model, const Json& body);
/// kInvalidArgument: no JSON, or a Content-Type that says it is something else.
Result<Json> parse_body(const http::Request& request);
Result<Json> parse_body(std::string_view body);
Status check_content_type(const http::Request& request);
/// The answer to GET and HEAD.
Routed reading(const std::string& path, const http::Request& request,
               const std::function<http::Response()>& answer);
Routed wrong_method(const std::string& path, std::string_view method, std::string_view allowed);

/// The task that the model will have; before it is loaded what the folder's config.json says.
Result<encoder::Task> task_of(const Served& served);
/// Whether it classifies with one label, which is how well a text fits.
bool is_reranker(const Served& served);

/// The most tokens of one text; what most models take before it is loaded.
size_t longest_of(const Served& served);

std::string openapi(const std::vector<Served>& models);

}  // namespace thaw::inference
