#include "domains/catalog.h"

#include <fmt/format.h>

namespace thaw::domains {
namespace {

Result<WallTime> read_time(std::string_view text) {
  if (text.empty()) return WallTime();
  if (const auto time = parse_rfc3339(text)) return *time;
  return Error(Code::kDataLoss, fmt::format("a domain mapping's time '{}' is none", text));
}

std::string time_text(WallTime time) { return time == WallTime() ? "" : format_rfc3339(time); }

}  // namespace

Result<std::vector<Mapping>> Catalog::load() {
  std::vector<Mapping> all;
  auto rows = database_.query(
      "SELECT domain, service, created, automatic, trouble, failures, retry_at "
      "FROM domain_mappings ORDER BY domain");
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.next());
    if (!more) return all;
    Mapping mapping;
    mapping.domain = rows.text(0);
    mapping.service = rows.text(1);
    ASSIGN_OR_RETURN(mapping.created, read_time(rows.text(2)));
    mapping.automatic = rows.integer(3) != 0;
    mapping.trouble = rows.text(4);
    mapping.failures = static_cast<int>(rows.integer(5));
    ASSIGN_OR_RETURN(mapping.retry_at, read_time(rows.text(6)));
    all.push_back(std::move(mapping));
  }
}

Status Catalog::put(const Mapping& mapping) {
  return database_
      .query(
          "INSERT OR REPLACE INTO domain_mappings(domain, service, created, automatic, trouble, "
          "failures, retry_at) VALUES(?, ?, ?, ?, ?, ?, ?)")
      .bind(mapping.domain)
      .bind(mapping.service)
      .bind(time_text(mapping.created))
      .bind(static_cast<int64_t>(mapping.automatic ? 1 : 0))
      .bind(mapping.trouble)
      .bind(static_cast<int64_t>(mapping.failures))
      .bind(time_text(mapping.retry_at))
      .run();
}

Status Catalog::remove(const std::string& domain) {
  return database_.query("DELETE FROM domain_mappings WHERE domain=?").bind(domain).run();
}

}  // namespace thaw::domains
