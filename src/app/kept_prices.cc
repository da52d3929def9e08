#include "app/kept_prices.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/log.h"

namespace thaw::app {

void KeptPrices::load_into(serving::Serving& serving) {
  const auto rows = store_.load();
  if (!rows) {
    log_warning("the prices of the ladder are learned anew", {{"why", rows.error().message()}});
    return;
  }
  for (const auto& row : *rows) {
    if (const auto prices = scaling::PriceList::decode(row.prices)) {
      serving.set_prices(row.revision, *prices);
    }
  }
}

void KeptPrices::put(const RevisionId& revision, const ServiceId& service,
                     const scaling::PriceList& prices) {
  waiting_[revision] = {revision, service, prices.encode(), format_rfc3339(clock_.wall_now())};
  if (!writing_) write();
}

void KeptPrices::write() {
  auto rows = std::make_shared<std::vector<telemetry::PriceStore::Row>>();
  for (auto& [revision, row] : std::exchange(waiting_, {})) rows->push_back(std::move(row));
  auto saved = std::make_shared<Status>();
  const Status accepted = worker_.run(
      [this, rows, saved] { *saved = store_.save(*rows); },
      [this, saved] {
        writing_ = false;
        if (!*saved) {
          log_warning("prices of the ladder were not written", {{"why", saved->error().message()}});
        }
        if (!waiting_.empty()) write();
      });
  writing_ = accepted.has_value();
}

}  // namespace thaw::app
