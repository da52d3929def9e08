#include "storage_api/call.h"

#include <fmt/format.h>

#include <charconv>

#include "base/base64.h"
#include "http/query.h"
#include "http/text.h"
#include "storage_api/ranges.h"
#include "storage_api/reply.h"
#include "storage_api/xml_error.h"

namespace thaw::storage_api {

void Call::answer(http::Response response) {
  for (const auto& header : extra) response.headers.add(header.name, header.value);
  if (responder) {
    responder->answer(std::move(response));
  } else if (on_answer) {
    std::exchange(on_answer, nullptr)(std::move(response));
  }
}

http::Response Call::fault(const Error& error) const {
  const bool is_xml =
      target.kind == Target::Kind::kXmlObject || target.kind == Target::Kind::kXmlBucket;
  return is_xml ? xml_reply(xml_error_of(error)) : error_reply(error);
}

void Call::answer(const Error& error) { answer(fault(error)); }

std::string Call::query(std::string_view name) const {
  return std::string(http::find(request.query, name).value_or(""));
}

Result<std::optional<int64_t>> number_of(const Call& call, std::string_view name) {
  const auto text = http::find(call.request.query, name);
  if (!text || text->empty()) return std::optional<int64_t>();
  const auto number = parse_count(*text);
  if (number) return number;
  return Error(Code::kInvalidArgument,
               fmt::format("Invalid value '{}' for '{}': a whole number is wanted",
                           text->substr(0, 80), name));
}

std::optional<std::pair<int64_t, int64_t>> parse_etag(std::string_view text) {
  text = http::trim(text);
  if (text.starts_with("W/")) text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  const auto plain = from_base64(text);
  const size_t slash = plain ? plain->find('/') : std::string::npos;
  if (slash == std::string::npos) return std::nullopt;
  const auto generation = parse_count(std::string_view(*plain).substr(0, slash));
  const auto metageneration = parse_count(std::string_view(*plain).substr(slash + 1));
  if (!generation || !metageneration) return std::nullopt;
  return std::pair(*generation, *metageneration);
}

Result<objects::Preconditions> preconditions_of(const Call& call, Side side) {
  const std::string prefix = side == Side::kSource ? "ifSource" : "if";
  objects::Preconditions conditions;
  ASSIGN_OR_RETURN(conditions.generation, number_of(call, prefix + "GenerationMatch"));
  ASSIGN_OR_RETURN(conditions.not_generation, number_of(call, prefix + "GenerationNotMatch"));
  ASSIGN_OR_RETURN(conditions.metageneration, number_of(call, prefix + "MetagenerationMatch"));
  ASSIGN_OR_RETURN(conditions.not_metageneration,
                   number_of(call, prefix + "MetagenerationNotMatch"));
  if (side == Side::kSource) return conditions;
  const auto match = call.request.headers.find("if-match");
  if (match && http::trim(*match) != "*") {
    const auto tag = parse_etag(*match).value_or(std::pair<int64_t, int64_t>(-1, -1));
    // Entity tags of buckets have no generation.
    if (tag.first != 0 && !conditions.generation) conditions.generation = tag.first;
    if (!conditions.metageneration) conditions.metageneration = tag.second;
  } else if (match) {
    conditions.not_generation = 0;
  }
  const bool is_change = call.request.method != "GET" && call.request.method != "HEAD";
  if (is_change && http::trim(call.request.headers.get("if-none-match")) == "*") {
    conditions.generation = 0;
  }
  // Headers of the XML API.
  for (const auto& [name, to] :
       {std::pair("x-goog-if-generation-match", &conditions.generation),
        std::pair("x-goog-if-metageneration-match", &conditions.metageneration)}) {
    const auto value = call.request.headers.find(name);
    if (!value) continue;
    *to = parse_count(http::trim(*value));
    if (!*to) {
      return Error(Code::kInvalidArgument, fmt::format("Invalid value for header '{}'", name));
    }
  }
  return conditions;
}

Result<Json> json_body(const Call& call) {
  if (http::trim(call.request.body).empty()) return Json::object();
  auto json = Json::parse(call.request.body);
  if (!json) return std::move(json).error().with_context("The body is no JSON");
  if (!json->is_object()) return Error(Code::kInvalidArgument, "The body is no JSON object");
  return json;
}

}  // namespace thaw::storage_api
