#include "pipeline/catalog.h"

#include <fmt/format.h>

#include "spec/names.h"

namespace thaw::pipeline {
namespace {

Result<Record> record_of(store::Query& row) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(row.text(1)));
  return record_from_json(json, std::string(row.text(0)));
}

}  // namespace

Json to_json(const Record& record) {
  Json resources = Json::array();
  for (const auto& [key, applied] : record.resources) {
    resources.push_back(
        Json::object({{"kind", kind_name(key.kind)}, {"name", key.name}, {"applied", applied}}));
  }
  return Json::object(
      {{"name", record.name}, {"version", record.version}, {"resources", std::move(resources)}});
}

Result<Record> record_from_json(const Json& json, const std::string& name) {
  Record record{.name = name, .version = json.int_or("version", 0)};
  if (const auto fault = spec::service_name_fault(name)) {
    return Error(Code::kInvalidArgument, fmt::format("the pipeline's name '{}' {}", name, *fault));
  }
  const Json& resources = json["resources"];
  if (!resources.is_array()) return Error(Code::kInvalidArgument, "resources: a list is wanted");
  if (resources.as_array().size() > kMostResources) {
    return Error(Code::kInvalidArgument, fmt::format("resources: over {}", kMostResources));
  }
  for (const Json& each : resources.as_array()) {
    const auto kind = kind_named(each.string_or("kind"));
    const std::string of = each.string_or("name");
    if (!kind || of.empty() || !each["applied"].is_object()) {
      return Error(Code::kInvalidArgument,
                   "resources: each has a kind, a name and what was applied");
    }
    record.resources[{*kind, of}] = each["applied"];
  }
  return record;
}

Result<Record> Catalog::get(const std::string& name) {
  store::Query row = database_.query("SELECT name, record FROM pipelines WHERE name=?");
  row.bind(name);
  ASSIGN_OR_RETURN(const bool found, row.next());
  if (found) return record_of(row);
  return Error(Code::kNotFound, fmt::format("no pipeline '{}' was applied", name));
}

Result<std::vector<Record>> Catalog::list() {
  std::vector<Record> all;
  store::Query rows = database_.query("SELECT name, record FROM pipelines ORDER BY name");
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.next());
    if (!row) return all;
    ASSIGN_OR_RETURN(Record record, record_of(rows));
    all.push_back(std::move(record));
  }
}

Result<Record> Catalog::put(Record record) {
  const auto stored = get(record.name);
  if (!stored && stored.error().code() != Code::kNotFound) return stored.error();
  const int64_t version = stored ? stored->version : 0;
  if (record.version != version) {
    return Error(Code::kAborted, fmt::format("pipeline '{}' was changed by somebody else at the "
                                             "same time (version {}, not {}); apply again",
                                             record.name, version, record.version));
  }
  if (record.resources.empty()) {
    RETURN_IF_ERROR(database_.query("DELETE FROM pipelines WHERE name=?").bind(record.name).run());
    record.version = 0;
    return record;
  }
  if (!stored) {
    ASSIGN_OR_RETURN(const auto all, list());
    if (static_cast<int64_t>(all.size()) >= kMostPipelines) {
      return Error(Code::kResourceExhausted, fmt::format("{} pipelines already", kMostPipelines));
    }
  }
  ++record.version;
  RETURN_IF_ERROR(database_.query("INSERT OR REPLACE INTO pipelines(name, record) VALUES(?,?)")
                      .bind(record.name)
                      .bind(to_json(record).dump())
                      .run());
  return record;
}

}  // namespace thaw::pipeline
