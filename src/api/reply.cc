#include "api/reply.h"

namespace thaw::api {

http::Response json_reply(const Json& body, int status) {
  return http::Response::json(status, body.dump() + "\n");
}

http::Response error_reply(const Error& error,
                           const std::vector<spec::FieldViolation>& violations) {
  if (violations.empty()) return error_reply(error, Json::array());
  Json fields = Json::array();
  for (const spec::FieldViolation& violation : violations) {
    fields.push_back(
        Json::object({{"field", violation.path}, {"description", violation.description}}));
  }
  return error_reply(
      error, Json(Json::Array{Json::object({{"@type", "type.googleapis.com/google.rpc.BadRequest"},
                                            {"fieldViolations", std::move(fields)}})}));
}

http::Response error_reply(const Error& error, Json details) {
  const int status = http_status(error.code());
  Json fault = Json::object(
      {{"code", status}, {"message", error.message()}, {"status", code_name(error.code())}});
  if (!details.as_array().empty()) fault.set("details", std::move(details));
  return json_reply(Json::object({{"error", std::move(fault)}}), status);
}

Json list_of(std::string_view kind, Json::Array items) {
  return Json::object({{"apiVersion", "serving.knative.dev/v1"},
                       {"kind", std::string(kind) + "List"},
                       {"metadata", Json::object()},
                       {"items", std::move(items)}});
}

}  // namespace thaw::api
