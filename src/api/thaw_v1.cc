#include "api/thaw_v1.h"

#include <fmt/format.h>

#include <charconv>

#include "api/metrics_page.h"
#include "api/reply.h"
#include "billing/prices.h"

namespace thaw::api {
namespace {

constexpr size_t kMostLines = 100'000;
/// A follower that takes no lines may fall so far behind before it is cut off.
constexpr size_t kMostBehind = 1 << 20;

Json instance_json(const serving::InstanceStatus& instance, Instant now) {
  return Json::object({{"name", instance.id.str()},
                       {"service", instance.service.str()},
                       {"revision", instance.revision.str()},
                       {"state", name_of(instance.state)},
                       {"temperature", name_of(instance.temperature)},
                       {"start", instance.from_template ? "templated" : "cold"},
                       {"inFlight", instance.in_flight},
                       {"ageSeconds", to_seconds(now - instance.created)},
                       {"cpuSeconds", to_seconds(instance.usage.cpu)},
                       {"memoryBytes", instance.usage.memory.value},
                       {"swappedBytes", instance.usage.swapped.value},
                       {"memoryPeakBytes", instance.usage.memory_peak.value},
                       {"memoryLimitBytes", instance.memory_limit.value}});
}

std::string_view phase_name(sandbox::TemplateState::Phase phase) {
  using Phase = sandbox::TemplateState::Phase;
  switch (phase) {
    case Phase::kRecording:
      return "recording";
    case Phase::kRecorded:
      return "recorded";
    case Phase::kReady:
      return "ready";
    case Phase::kRefused:
      return "refused";
    case Phase::kNone:
      break;
  }
  return "none";
}

Json template_json(const sandbox::TemplateState& state) {
  Json json = Json::object({{"state", phase_name(state.phase)}});
  if (state.phase == sandbox::TemplateState::Phase::kReady) {
    json.set("modules", state.modules);
    json.set("leftOut", state.left_out);
    json.set("sizeBytes", state.size.value);
  }
  if (!state.why.empty()) json.set("why", state.why);
  return json;
}

/// What the rungs of the ladder cost a revision, those that were seen.
Json rungs_json(const scaling::PriceList& prices) {
  Json rungs = Json::array();
  for (const scaling::Rung rung : scaling::kRungs) {
    const scaling::PriceList::Price& price = prices.of(rung);
    if (price.wakes_ever == 0 && !price.memory) continue;
    Json json = Json::object(
        {{"rung", scaling::name_of(rung)}, {"wakes", static_cast<int64_t>(price.wakes_ever)}});
    if (price.wakes.count() > 0) {
      json.set("p50Ms", to_millis(price.wakes.quantile(0.5)));
      json.set("p99Ms", to_millis(price.wakes.quantile(0.99)));
    }
    if (price.memory) json.set("memoryBytes", price.memory->value);
    rungs.push_back(std::move(json));
  }
  return rungs;
}

Json prices_json(const Rooms& rooms, const ServiceId& service) {
  Json revisions = Json::array();
  for (const control::Revision& revision : rooms.control.revisions(service)) {
    const scaling::PriceList* prices = rooms.serving.prices(revision.name);
    if (prices == nullptr || prices->empty()) continue;
    revisions.push_back(
        Json::object({{"revision", revision.name.str()}, {"rungs", rungs_json(*prices)}}));
  }
  return Json::object({{"revisions", std::move(revisions)}});
}

Json usage_json(const billing::Usage& usage) {
  const auto sum = [&](auto member) {
    return (usage.request_based.*member)() + (usage.instance_based.*member)();
  };
  const billing::Cost cost = billing::list_cost(usage, billing::kTier1);
  return Json::object({{"vcpuSeconds", sum(&billing::Amount::vcpu_seconds)},
                       {"gibSeconds", sum(&billing::Amount::gib_seconds)},
                       {"instanceSeconds", sum(&billing::Amount::instance_seconds)},
                       {"requests", usage.request_based.requests + usage.instance_based.requests},
                       {"costUsd", cost.total()},
                       {"priceList", billing::kTier1.name}});
}

Result<telemetry::LogFilter> filter_of(const Call& call) {
  telemetry::LogFilter filter;
  if (const auto tail = call.query("tail"); !tail.empty()) {
    const auto [end, fault] = std::from_chars(tail.data(), tail.data() + tail.size(), filter.tail);
    if (fault != std::errc() || end != tail.data() + tail.size() || filter.tail > kMostLines) {
      return Error(Code::kInvalidArgument,
                   fmt::format("tail: '{}' must be a number from 0 to {}", tail, kMostLines));
    }
  }
  if (const auto since = call.query("since"); !since.empty()) {
    filter.since = parse_rfc3339(since);
    if (!filter.since) {
      return Error(Code::kInvalidArgument,
                   fmt::format("since: '{}' must be a time such as 2026-11-23T01:02:03Z", since));
    }
  }
  filter.lowest_severity = std::string(call.query("severity"));
  if (!filter.lowest_severity.empty() && telemetry::severity_rank(filter.lowest_severity) < 0) {
    return Error(Code::kInvalidArgument,
                 fmt::format("severity: '{}' must be one of DEFAULT, DEBUG, INFO, NOTICE, WARNING, "
                             "ERROR, CRITICAL, ALERT, EMERGENCY",
                             filter.lowest_severity));
  }
  if (const auto follow = call.query("follow");
      !follow.empty() && follow != "true" && follow != "false") {
    return Error(Code::kInvalidArgument, fmt::format("follow: '{}' must be true or false", follow));
  }
  return filter;
}

std::string text_of(const telemetry::LogLine& line) {
  return telemetry::to_log_entry(line).dump() + "\n";
}

void answer_logs(const Rooms& rooms, Followers& followers, const Call& call,
                 http::Responder responder) {
  const ServiceId service(call.path.at("service"));
  if (const auto known = rooms.control.get(service); !known) {
    responder.answer(error_reply(known.error()));
    return;
  }
  const auto filter = filter_of(call);
  if (!filter) {
    responder.answer(error_reply(filter.error()));
    return;
  }
  // Functions are copied, a responder is not.
  const auto waiting = std::make_shared<http::Responder>(std::move(responder));
  if (call.query("follow") == "true") {
    rooms.requests.when_written([&rooms, &followers, service, filter = *filter, waiting] {
      followers.add(service, rooms.logs.read(service, filter), std::move(*waiting));
    });
    return;
  }
  rooms.requests.read(service, *filter, [waiting](const std::vector<telemetry::LogLine>& lines) {
    http::Response reply{200, {{"content-type", "application/x-ndjson"}}, {}};
    for (const telemetry::LogLine& line : lines) reply.body += text_of(line);
    waiting->answer(std::move(reply));
  });
}

}  // namespace

// ---- Followers ---------------------------------------------------------------------------------

struct Followers::Follower {
  http::Responder responder;
  std::unique_ptr<telemetry::LogSubscription> subscription;
  std::string behind = {};  // lines that the client did not take yet
  bool waiting = false;

  /// False when the client is gone or too far behind.
  bool send(std::string text) {
    if (waiting) {
      behind += text;
      return behind.size() <= kMostBehind;
    }
    const auto flow = responder.write(text);
    if (flow == http::Responder::Flow::kWait) {
      waiting = true;
      responder.when_writable([this] {
        waiting = false;
        if (!behind.empty()) send(std::exchange(behind, {}));
      });
    }
    return flow != http::Responder::Flow::kGone;
  }
};

Followers::Followers(telemetry::Logs& logs) : logs_(logs) {}
Followers::~Followers() = default;

void Followers::remove(Follower* follower) {
  std::erase_if(followers_, [&](const auto& each) { return each.get() == follower; });
}

void Followers::add(const ServiceId& service, const std::vector<telemetry::LogLine>& first,
                    http::Responder responder, Wanted wanted) {
  if (followers_.size() >= kMost) {
    responder.answer(error_reply(
        Error(Code::kResourceExhausted,
              fmt::format("{} logs are being followed already; end one of them", kMost))));
    return;
  }
  auto follower = std::make_unique<Follower>(Follower{.responder = std::move(responder)});
  Follower* const raw = follower.get();
  followers_.push_back(std::move(follower));
  raw->responder.start({200, {{"content-type", "application/x-ndjson"}}, {}});
  raw->responder.when_gone([this, raw] { remove(raw); });
  std::string text;
  for (const telemetry::LogLine& line : first) text += text_of(line);
  if (!text.empty() && !raw->send(std::move(text))) {
    remove(raw);
    return;
  }
  raw->subscription = logs_.follow(
      service, [this, raw, wanted = std::move(wanted)](const telemetry::LogLine& line) {
        if (wanted && !wanted(line)) return;
        if (!raw->send(text_of(line))) remove(raw);
      });
}

void Followers::end_all() {
  for (const auto& follower : followers_) follower->responder.end();
  followers_.clear();
}

// ---- Routes ------------------------------------------------------------------------------------

std::vector<Route> thaw_v1_routes(const io::Clock& clock, const Rooms& rooms,
                                  const ApiOptions& options, Followers& followers) {
  const auto answer = [](auto make) {
    return [make](const Call& call, http::Responder responder) { responder.answer(make(call)); };
  };
  const auto of_service = [&rooms, answer](auto make) {
    return answer([&rooms, make](const Call& call) {
      const ServiceId service(call.path.at("service"));
      const auto known = rooms.control.get(service);
      return known ? json_reply(make(service)) : error_reply(known.error());
    });
  };
  return {
      {"GET",
       "/thaw/v1/version",
       {},
       "this program's version and how it isolates instances",
       answer([&options](const Call&) {
         return json_reply(Json::object(
             {{"version", options.version}, {"isolationNotice", options.isolation_notice}}));
       })},
      {"GET", "/thaw/v1/health", {}, "200 while the platform runs", answer([](const Call&) {
         return http::Response::text(200, "ok\n");
       })},
      {"GET",
       "/thaw/v1/instances",
       {},
       "all instances that live now",
       answer([&clock, &rooms](const Call&) {
         Json all = Json::array();
         for (const auto& instance : rooms.serving.instances()) {
           all.push_back(instance_json(instance, clock.now()));
         }
         return json_reply(Json::object({{"instances", std::move(all)}}));
       })},
      {"GET",
       "/thaw/v1/revisions/{revision}/template",
       {},
       "whether its starts are restored from a snapshot, or why not",
       answer([&rooms](const Call& call) {
         const RevisionId revision(call.path.at("revision"));
         return json_reply(template_json(rooms.serving.template_state(revision)));
       })},
      {"GET",
       "/thaw/v1/services/{service}/logs",
       {"tail", "since", "severity", "follow"},
       "log lines as JSON, one a line, oldest first; follow=true goes on",
       [&rooms, &followers](const Call& call, http::Responder responder) {
         answer_logs(rooms, followers, call, std::move(responder));
       }},
      {"GET",
       "/thaw/v1/services/{service}/starts",
       {},
       "waterfalls of the last 20 starts and wakes",
       of_service([&rooms](const ServiceId& service) {
         Json all = Json::array();
         for (const auto& start : rooms.starts.of(service)) all.push_back(to_json(start));
         return Json::object({{"starts", std::move(all)}});
       })},
      {"GET",
       "/thaw/v1/services/{service}/prices",
       {},
       "what each rung of the ladder costs each revision: wake times, memory held",
       of_service([&rooms](const ServiceId& service) { return prices_json(rooms, service); })},
      {"GET",
       "/thaw/v1/services/{service}/usage",
       {},
       "vCPU-seconds, GiB-seconds and requests as Cloud Run would bill them, with its list price",
       of_service([&rooms](const ServiceId& service) {
         return usage_json(rooms.meter.usage_of(service));
       })},
      {"GET",
       "/thaw/v1/alerts",
       {},
       "what the platform stopped by itself, such as endless loops; the last one last",
       answer([&rooms](const Call&) {
         Json all = Json::array();
         for (const auto& alert : rooms.alerts.all()) all.push_back(to_json(alert));
         return json_reply(Json::object({{"alerts", std::move(all)}}));
       })},
      {"GET",
       "/metrics",
       {},
       "counters and gauges for Prometheus",
       answer([&rooms, &options](const Call&) {
         return http::Response{200,
                               {{"content-type", "text/plain; version=0.0.4; charset=utf-8"}},
                               metrics_page(rooms, options)};
       })},
  };
}

}  // namespace thaw::api
