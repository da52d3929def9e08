#include "control/sqlite_catalog.h"

#include <fmt/format.h>

#include "base/json.h"
#include "base/time.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::control {
namespace {

using Ready = serving::RevisionState::Ready;

Result<WallTime> read_time(std::string_view text) {
  const auto time = parse_rfc3339(text);
  if (!time) return Error(Code::kDataLoss, fmt::format("\"{}\" is no time", text));
  return *time;
}

Result<spec::Service> read_service(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  return spec::service_from_store(json);
}

Result<spec::RevisionTemplate> read_template(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  return spec::template_from_store(json);
}

// Columns as the query of load() names them.
Result<Revision> read_revision(const store::Query& row) {
  Revision revision;
  revision.name = RevisionId(std::string(row.text(0)));
  revision.service = ServiceId(std::string(row.text(1)));
  revision.number = row.integer(2);
  revision.uid = row.text(3);
  revision.service_generation = row.integer(4);
  ASSIGN_OR_RETURN(revision.created, read_time(row.text(5)));
  ASSIGN_OR_RETURN(revision.template_, read_template(row.text(6)));
  const int64_t ready = row.integer(7);
  if (ready < 0 || ready > 2) {
    return Error(Code::kDataLoss, fmt::format("{} is no readiness", ready));
  }
  revision.state.ready = static_cast<Ready>(ready);
  revision.was_ready = row.integer(8) != 0;
  revision.state.reason = row.text(9);
  revision.state.message = row.text(10);
  ASSIGN_OR_RETURN(revision.state_since, read_time(row.text(11)));
  return revision;
}

}  // namespace

Status SqliteCatalog::commit(const Change& change) {
  ASSIGN_OR_RETURN(store::Transaction transaction, database_.begin());
  constexpr std::string_view kDropService = "DELETE FROM services WHERE name=?";
  if (change.drop_service) RETURN_IF_ERROR(drop(kDropService, change.drop_service->str()));
  for (const RevisionId& name : change.drop_revisions) {
    RETURN_IF_ERROR(drop("DELETE FROM revisions WHERE name=?", name.str()));
  }
  if (change.put_service) {
    if (change.writes == Change::Writes::kNewService) {
      RETURN_IF_ERROR(drop(kDropService, change.put_service->service.metadata.name));
    }
    RETURN_IF_ERROR(put(*change.put_service));
  }
  for (const Revision& revision : change.put_revisions) RETURN_IF_ERROR(put(revision));
  return transaction.commit();
}

Status SqliteCatalog::drop(std::string_view sql, std::string_view name) {
  return database_.query(sql).bind(name).run();
}

Status SqliteCatalog::put(const ServiceRecord& record) {
  return database_
      .query(
          "INSERT INTO services(name, next_revision, service) VALUES(?,?,?) "
          "ON CONFLICT(name) DO UPDATE SET next_revision=excluded.next_revision, "
          "service=excluded.service")
      .bind(record.service.metadata.name)
      .bind(record.next_revision_number)
      .bind(spec::to_json(record.service).dump())
      .run();
}

Status SqliteCatalog::put(const Revision& revision) {
  return database_
      .query(
          "INSERT INTO revisions(name, service, number, uid, generation, created, template, "
          "ready, was_ready, reason, message, state_since) VALUES(?,?,?,?,?,?,?,?,?,?,?,?) "
          "ON CONFLICT(name) DO UPDATE SET ready=excluded.ready, "
          "was_ready=excluded.was_ready, reason=excluded.reason, message=excluded.message, "
          "state_since=excluded.state_since")
      .bind(revision.name.str())
      .bind(revision.service.str())
      .bind(revision.number)
      .bind(revision.uid)
      .bind(revision.service_generation)
      .bind(format_rfc3339(revision.created))
      .bind(spec::to_json(revision.template_).dump())
      .bind(static_cast<int64_t>(revision.state.ready))
      .bind(int64_t{revision.was_ready})
      .bind(revision.state.reason)
      .bind(revision.state.message)
      .bind(format_rfc3339(revision.state_since))
      .run();
}

Result<Contents> SqliteCatalog::load() {
  Contents contents;
  const auto unreadable = [&](std::string_view kind, std::string_view name, const Error& error) {
    contents.unreadable.push_back(fmt::format("{}: {} '{}' cannot be read and is left out: {}",
                                              database_.path(), kind, name, error.message()));
  };
  store::Query services =
      database_.query("SELECT name, next_revision, service FROM services ORDER BY name");
  while (true) {
    ASSIGN_OR_RETURN(const bool row, services.next());
    if (!row) break;
    auto service = read_service(services.text(2));
    if (service && service->metadata.name != services.text(0)) {
      service = Error(Code::kDataLoss, "its content names another service");
    }
    if (!service) {
      unreadable("service", services.text(0), service.error());
      continue;
    }
    contents.services.push_back({*std::move(service), services.integer(1)});
  }
  store::Query revisions = database_.query(
      "SELECT name, service, number, uid, generation, created, template, ready, was_ready, "
      "reason, message, state_since FROM revisions ORDER BY service, number");
  while (true) {
    ASSIGN_OR_RETURN(const bool row, revisions.next());
    if (!row) break;
    auto revision = read_revision(revisions);
    if (!revision) {
      unreadable("revision", revisions.text(0), revision.error());
      continue;
    }
    contents.revisions.push_back(*std::move(revision));
  }
  return contents;
}

}  // namespace thaw::control
