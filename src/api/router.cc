#include "api/router.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/reply.h"
#include "base/check.h"
#include "base/nearest.h"

namespace thaw::api {
namespace {

// Names that Google's clients add to any call (cloud.google.com/apis/docs/system-parameters) and
// that change nothing here.
constexpr std::string_view kCommonQuery[] = {
    "alt",    "prettyPrint", "key",          "quotaUser", "$alt",      "$prettyPrint",
    "fields", "$fields",     "access_token", "$.xgafv",   "uploadType"};

using Values = std::map<std::string, std::string, std::less<>>;

/// "{name}" takes a part without a colon, "{name}:verb" one that ends so.
bool takes(std::string_view pattern, std::string_view part, Values& values) {
  const size_t close = pattern.find('}');
  const std::string_view verb = pattern.substr(close + 1);
  if (!part.ends_with(verb)) return false;
  part.remove_suffix(verb.size());
  if (part.empty() || part.find(':') != std::string_view::npos) return false;
  values.insert_or_assign(std::string(pattern.substr(1, close - 1)), std::string(part));
  return true;
}

/// Fills `values` when the path's parts fit the pattern's.
bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& parts,
          Values& values) {
  if (pattern.size() != parts.size()) return false;
  values.clear();
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool fit =
        pattern[i].starts_with('{') ? takes(pattern[i], parts[i], values) : pattern[i] == parts[i];
    if (!fit) return false;
  }
  return true;
}

Status check_query(const Route& route, const http::Query& query) {
  for (const auto& [name, value] : query) {
    if (std::find(std::begin(kCommonQuery), std::end(kCommonQuery), name) !=
            std::end(kCommonQuery) ||
        std::find(route.query.begin(), route.query.end(), name) != route.query.end()) {
      continue;
    }
    std::string message = fmt::format("unknown query parameter '{}'", name);
    const std::vector<std::string_view> known(route.query.begin(), route.query.end());
    if (const auto near = nearest(name, known))
      message += fmt::format("; did you mean '{}'?", *near);
    return Error(Code::kInvalidArgument, std::move(message));
  }
  return {};
}

}  // namespace

std::string_view Call::query(std::string_view name) const {
  return http::find(request.query, name).value_or("");
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) {
    auto parts = http::split_path(route.pattern);
    CHECK(parts.has_value(), route.pattern);
    parts_.push_back(*std::move(parts));
  }
}

void Router::dispatch(http::Request request, http::Responder responder) const {
  const auto parts = http::split_path(request.path);
  std::string allowed;
  Call call;
  for (size_t i = 0; parts && i < routes_.size(); ++i) {
    if (!fits(parts_[i], *parts, call.path)) continue;
    const Route& route = routes_[i];
    if (route.method != request.method) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    if (const Status status = check_query(route, request.query); !status) {
      responder.answer(error_reply(status.error()));
      return;
    }
    call.request = std::move(request);
    route.handle(std::move(call), std::move(responder));
    return;
  }
  if (allowed.empty()) {
    responder.answer(error_reply(
        Error(Code::kNotFound, fmt::format("no route {} {}; GET /thaw/v1/routes lists them all",
                                           request.method, request.path))));
    return;
  }
  // google.rpc.Code has no name of its own for 405.
  const std::string message =
      fmt::format("{} {}: only {} is known here", request.method, request.path, allowed);
  Json error = Json::object(
      {{"code", 405}, {"message", message}, {"status", code_name(Code::kUnimplemented)}});
  http::Response reply = json_reply(Json::object({{"error", std::move(error)}}), 405);
  reply.headers.add("Allow", allowed);
  responder.answer(std::move(reply));
}

}  // namespace thaw::api
