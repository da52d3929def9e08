#include "app/front_door.h"

namespace thaw::app {
namespace {

/// run.googleapis.com/custom-audiences: a JSON list of strings.
std::vector<std::string> custom_audiences(const spec::Service& service) {
  std::vector<std::string> audiences;
  const auto& notes = service.metadata.annotations;
  const auto found = notes.find("run.googleapis.com/custom-audiences");
  if (found == notes.end()) return audiences;
  const auto list = Json::parse(found->second);
  if (!list || !list->is_array()) return audiences;
  for (const Json& each : list->as_array()) {
    if (each.is_string()) audiences.push_back(each.as_string());
  }
  return audiences;
}

}  // namespace

std::optional<gateway::Reply> FrontDoor::refuse(const ServiceId& service,
                                                const gateway::Credentials& credentials) {
  const auto audiences = [&] {
    if (control_ == nullptr) return std::vector<std::string>();
    const auto known = control_->get(service);
    return known ? custom_audiences(*known) : std::vector<std::string>();
  };
  const std::string own_host = service.str() + "." + base_domain_;
  const auto refusal = guard_.refusal({.service = service.str(),
                                       .host = credentials.host,
                                       .own_host = own_host,
                                       .authorization = credentials.authorization,
                                       .audiences = audiences});
  if (!refusal) return std::nullopt;
  return gateway::Reply{refusal->status, refusal->why, {}, "not_allowed"};
}

}  // namespace thaw::app
