#include "messaging/source_catalog.h"

#include <fmt/format.h>

namespace thaw::messaging {

Status SourceCatalog::put(const SourceRecord& record) {
  return database_
      .query("INSERT INTO stream_sources(name, consumer, created, config) VALUES(?,?,?,?)")
      .bind(record.config.name)
      .bind(record.consumer)
      .bind(record.created)
      .bind(to_json(record.config).dump())
      .run();
}

Status SourceCatalog::remove(const std::string& name) {
  return database_.query("DELETE FROM stream_sources WHERE name=?").bind(name).run();
}

Result<std::vector<SourceRecord>> SourceCatalog::load(std::vector<std::string>& unreadable) {
  std::vector<SourceRecord> records;
  store::Query rows =
      database_.query("SELECT name, consumer, created, config FROM stream_sources ORDER BY name");
  while (true) {
    ASSIGN_OR_RETURN(const bool row, rows.next());
    if (!row) return records;
    const auto json = Json::parse(rows.text(3));
    auto config = json ? source_from_json(*json) : Result<SourceConfig>(json.error());
    if (!config) {
      unreadable.push_back(fmt::format("{}: source '{}' cannot be read and is left out: {}",
                                       database_.path(), rows.text(0), config.error().message()));
      continue;
    }
    records.push_back({*std::move(config), std::string(rows.text(1)), std::string(rows.text(2))});
  }
}

}  // namespace thaw::messaging
