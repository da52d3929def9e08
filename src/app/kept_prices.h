// KeptPrices: writes down what the rungs of the ladder cost, and gives it to serving at the start.
//
// **Thread**: the loop's; the worker writes. **Owner**: all that it is given outlives it, and the
// database belongs to the worker from then on. **Limits**: one write is under way; what comes
// meanwhile waits, one entry a revision.
#pragma once

#include <map>

#include "io/clock.h"
#include "io/worker.h"
#include "scaling/price_list.h"
#include "serving/serving.h"
#include "store/database.h"
#include "telemetry/price_store.h"

namespace thaw::app {

class KeptPrices {
 public:
  KeptPrices(const io::Clock& clock, io::Worker& worker, store::Database& database)
      : clock_(clock), worker_(worker), store_(database) {}

  /// Before the first put(). What cannot be read is left out: prices are learned again.
  void load_into(serving::Serving& serving);
  void put(const RevisionId& revision, const ServiceId& service, const scaling::PriceList& prices);

 private:
  void write();

  const io::Clock& clock_;
  io::Worker& worker_;
  telemetry::PriceStore store_;
  std::map<RevisionId, telemetry::PriceStore::Row> waiting_;
  bool writing_ = false;
};

}  // namespace thaw::app
