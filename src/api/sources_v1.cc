#include "api/sources_v1.h"

#include "api/reply.h"

namespace thaw::api {
namespace {

Json source_json(const messaging::StreamSource& source) {
  const messaging::SourceStatus status = source.status();
  const bool reading = status.state == messaging::SourceStatus::State::kReading;
  Json json = messaging::to_json(source.config());
  json.set("status", Json::object({{"state", reading ? "reading" : "connecting"},
                                   {"trouble", status.trouble},
                                   {"delivered", status.counts.delivered},
                                   {"failedDeliveries", status.counts.failed},
                                   {"deadLettered", status.counts.buried},
                                   {"claimed", status.counts.claimed},
                                   {"held", static_cast<int64_t>(status.held)},
                                   {"inFlight", status.in_flight}}));
  return json;
}

http::Response create(const control::Controller& control, messaging::Sources& sources,
                      const Call& call) {
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const auto config = messaging::source_from_json(*body);
  if (!config) return error_reply(config.error());
  if (const auto known = control.get(ServiceId(config->service)); !known) {
    return error_reply(Error(Code::kInvalidArgument, "service: " + known.error().message()));
  }
  if (const Status made = sources.create(*config); !made) return error_reply(made.error());
  return json_reply(source_json(**sources.get(config->name)));
}

}  // namespace

std::vector<Route> sources_v1_routes(const control::Controller& control,
                                     messaging::Sources& sources) {
  const auto answer = [](auto make) {
    return [make](const Call& call, http::Responder responder) { responder.answer(make(call)); };
  };
  const std::string one = "/thaw/v1/sources/{source}";
  return {
      {"GET", "/thaw/v1/sources", {}, "all Redis-stream sources", answer([&](const Call&) {
         Json all = Json::array();
         for (const auto* source : sources.list()) all.push_back(source_json(*source));
         return json_reply(Json::object({{"sources", std::move(all)}}));
       })},
      {"POST",
       "/thaw/v1/sources",
       {},
       "make a Redis-stream source (docs/formats/stream-source.md)",
       answer([&](const Call& call) { return create(control, sources, call); })},
      {"GET", one, {}, "a source and how it fares", answer([&](const Call& call) {
         const auto source = sources.get(call.path.at("source"));
         return source ? json_reply(source_json(**source)) : error_reply(source.error());
       })},
      {"DELETE",
       one,
       {},
       "delete a source; its group and what is pending in it stay in Redis",
       answer([&](const Call& call) {
         const Status done = sources.remove(call.path.at("source"));
         return done ? json_reply(Json::object()) : error_reply(done.error());
       })},
  };
}

}  // namespace thaw::api
