// MemoryCatalog: a Catalog that survives a simulated kill because it belongs to the world.
//
// **Thread**: one. **Owner**: outlives its Controllers. **Limits**: none.
#pragma once

#include <map>
#include <string>

#include "control/catalog.h"

namespace thaw::sim {

class MemoryCatalog final : public control::Catalog {
 public:
  Status commit(const control::Change& change) override {
    if (change.put_service) {
      const std::string& name = change.put_service->service.metadata.name;
      if (change.writes == control::Change::Writes::kNewService) drop(ServiceId(name));
      services_[name] = *change.put_service;
    }
    for (const auto& revision : change.put_revisions) revisions_[revision.name] = revision;
    for (const auto& name : change.drop_revisions) revisions_.erase(name);
    if (change.drop_service) drop(*change.drop_service);
    return {};
  }
  Result<control::Contents> load() override {
    control::Contents contents;
    for (const auto& [name, record] : services_) contents.services.push_back(record);
    for (const auto& [name, revision] : revisions_) contents.revisions.push_back(revision);
    return contents;
  }

 private:
  void drop(const ServiceId& service) {
    services_.erase(service.str());
    std::erase_if(revisions_, [&](const auto& r) { return r.second.service == service; });
  }
  std::map<std::string, control::ServiceRecord> services_;
  std::map<RevisionId, control::Revision> revisions_;
};

}  // namespace thaw::sim
