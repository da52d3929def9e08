// Open Inference Protocol, version 2, over REST (github.com/kserve/open-inference-protocol).
#include <fmt/format.h>

#include <algorithm>

#include "inference/routes.h"
#include "inference/v2_infer.h"

namespace thaw::inference {
namespace {

constexpr const char* kVersion = "1";  // of each model

/// `version`: "" where none is named.
Result<size_t> find_version(const std::vector<Served>& models, const std::string& model,
                            const std::string& version) {
  ASSIGN_OR_RETURN(const size_t found, find_model(models, model));
  if (version.empty() || version == kVersion) return found;
  return Error(Code::kNotFound, fmt::format("model '{}' has no version '{:.40}'; there is {}",
                                            models[found].spec.name, version, kVersion));
}

Routed model_route(const http::Request& request, const Parts& parts, const std::string& version,
                   const std::vector<Served>& models) {
  const std::string action = parts.size() > 3 ? parts[3] : "";
  const std::string path = "/v2/models/{model}" + (action.empty() ? "" : "/" + action);
  const auto model = find_version(models, parts[2], version);
  if (!model) return {path, failure(model.error())};
  const Served& served = models[*model];
  if (action == "infer") {
    if (request.method != "POST") return wrong_method(path, request.method, "POST");
    return {path, [&request, &models, model = *model]() -> Result<Work> {
              return infer_work(models, model, request);
            }};
  }
  return reading(path, request, [&]() -> http::Response {
    if (action == "ready") {
      return served.model ? ok(Json::object({{"name", served.spec.name}, {"ready", true}}))
                          : failure(503, "UNAVAILABLE", "the model is loading");
    }
    const auto task = task_of(served);
    if (!task) return failure(task.error());
    return ok(Json::object({{"name", served.spec.name},
                            {"versions", Json::Array{kVersion}},
                            {"platform", "thaw"},
                            {"task", encoder::task_name(*task)},
                            {"inputs", inputs_json(*task)},
                            {"outputs", outputs_json(*task)}}));
  });
}

}  // namespace

Routed route_infer(const std::vector<Served>& models, const std::string& model,
                   const std::string& version, std::string_view message) {
  const std::string path = "/v2/models/{model}/infer";
  const auto found = find_version(models, model, version);
  if (!found) return {path, failure(found.error())};
  return {path, [&models, model = *found, message]() -> Result<Work> {
            return infer_message_work(models, model, message);
          }};
}

std::optional<Routed> route_v2(const http::Request& request, const Parts& parts,
                               const std::vector<Served>& models) {
  if (parts.empty() || parts[0] != "v2") return std::nullopt;
  const bool is_model = parts.size() >= 3 && parts[1] == "models";
  if (is_model) {
    Parts without_version = parts;
    std::string version;
    if (parts.size() >= 5 && parts[3] == "versions") {
      version = parts[4];
      without_version.erase(without_version.begin() + 3, without_version.begin() + 5);
    }
    const size_t count = without_version.size();
    const bool known =
        count == 3 ||
        (count == 4 && (without_version[3] == "infer" || without_version[3] == "ready"));
    return known ? std::optional(model_route(request, without_version, version, models))
                 : std::nullopt;
  }
  if (parts.size() == 1) {
    return reading("/v2", request, [] {
      return ok(Json::object(
          {{"name", "thaw"}, {"version", "2"}, {"extensions", Json::Array{"binary_tensor_data"}}}));
    });
  }
  if (request.path == "/v2/health/live") {
    return reading(request.path, request, [] { return ok(Json::object({{"live", true}})); });
  }
  if (request.path == "/v2/health/ready") {
    return reading(request.path, request, [&] {
      const bool ready = std::all_of(models.begin(), models.end(),
                                     [](const Served& each) { return each.model != nullptr; });
      return ready ? ok(Json::object({{"ready", true}}))
                   : failure(503, "UNAVAILABLE", "the models are loading");
    });
  }
  return std::nullopt;
}

}  // namespace thaw::inference
