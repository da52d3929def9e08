#include "storage_api/reply.h"

namespace thaw::storage_api {
namespace {

struct Row {
  int status;
  std::string_view reason;
};

Row row_of(const Error& error) {
  switch (error.code()) {
    case Code::kNotFound:
      return {404, "notFound"};
    case Code::kInvalidArgument:
      return {400, "invalid"};
    case Code::kAlreadyExists:
    case Code::kAborted:
      return {409, "conflict"};
    case Code::kFailedPrecondition:
      return {412, "conditionNotMet"};
    case Code::kPermissionDenied:
      if (error.message().find("retention policy and cannot") != std::string::npos) {
        return {403, "retentionPolicyNotMet"};
      }
      return {403, "forbidden"};
    case Code::kUnauthenticated:
      return {401, "authError"};
    case Code::kOutOfRange:
      return {416, "requestedRangeNotSatisfiable"};
    case Code::kResourceExhausted:
      return {507, "insufficientStorage"};
    case Code::kUnavailable:
      return {503, "backendError"};
    case Code::kUnimplemented:
      return {501, "notImplemented"};
    case Code::kDeadlineExceeded:
      return {408, "uploadBrokenConnection"};
    default:
      return {500, "internalError"};
  }
}

}  // namespace

http::Response json_reply(const Json& body, int status) {
  http::Response reply = http::Response::json(status, body.dump());
  reply.headers.add("cache-control", "no-cache, no-store, max-age=0, must-revalidate");
  return reply;
}

http::Response empty_reply(int status) { return {status, {}, ""}; }

http::Response error_reply(int status, std::string_view reason, std::string_view message) {
  Json one = Json::object({{"domain", "global"}, {"reason", reason}, {"message", message}});
  return json_reply(
      Json::object({{"error", Json::object({{"code", status},
                                            {"message", message},
                                            {"errors", Json(Json::Array{std::move(one)})}})}}),
      status);
}

http::Response error_reply(const Error& error) {
  const Row row = row_of(error);
  return error_reply(row.status, row.reason, error.message());
}

}  // namespace thaw::storage_api
