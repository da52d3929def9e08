#include "telemetry/starts.h"

namespace thaw::telemetry {

Json to_json(const Start& start) {
  Json json = Json::object({{"instance", start.instance.str()},
                            {"revision", start.revision.str()},
                            {"time", format_rfc3339(start.requested)},
                            {"from", start.from}});
  const auto put = [&](const char* name, const std::optional<Duration>& phase) {
    if (phase) json.set(name, to_millis(*phase));
  };
  if (!start.how.empty()) json.set("how", start.how);
  put("queuedMs", start.queued);
  put("sandboxMs", start.sandbox);
  put("execMs", start.exec);
  put("loadMs", start.load);
  put("firstByteMs", start.first_byte);
  return json;
}

void Starts::put(Start start) {
  std::deque<Start>& kept = starts_[start.service];
  const auto is_start = [](const Start& each) {
    return each.from == "cold" || each.from == "templated";
  };
  std::erase_if(kept, [&](const Start& old) {
    if (old.instance != start.instance) return false;
    return is_start(start) ? is_start(old) : old.from == start.from;
  });
  kept.push_back(std::move(start));
  if (kept.size() > kKept) kept.pop_front();
}

std::deque<Start> Starts::of(const ServiceId& service) const {
  const auto at = starts_.find(service);
  return at == starts_.end() ? std::deque<Start>() : at->second;
}

}  // namespace thaw::telemetry
