#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "predict/future.h"

namespace thaw::predict {
namespace {

/// The first row of each date, sorted, of those that `wanted` takes.
template <class Wanted>
Series first_rows(const Series& series, Wanted wanted) {
  std::vector<size_t> order = order_by_date(series);
  std::erase_if(order, [&](size_t i) { return !wanted(series.ds[i]); });
  const auto same_date = [&](size_t a, size_t b) { return series.ds[a] == series.ds[b]; };
  order.erase(std::unique(order.begin(), order.end(), same_date), order.end());
  return rows_of(series, order);
}

/// Appends rows; columns that one side lacks are missing there.
void append(Series& rows, const Series& more) {
  const size_t before = rows.size(), after = before + more.size();
  rows.ds.insert(rows.ds.end(), more.ds.begin(), more.ds.end());
  rows.y.insert(rows.y.end(), more.y.begin(), more.y.end());
  for (const SeriesColumn& it : more.columns) {
    if (!rows.column(it.name)) {
      rows.columns.push_back({it.name, std::vector<double>(before, NAN), ""});
    }
    SeriesColumn* column = rows.column(it.name);
    column->values.insert(column->values.end(), it.values.begin(), it.values.end());
    if (column->fault.empty()) column->fault = it.fault;
  }
  for (SeriesColumn& it : rows.columns) it.values.resize(after, NAN);
}

Error columns_missing(const std::vector<std::string>& names) {
  return Error(Code::kInvalidArgument,
               fmt::format("the dates to be forecast need values of {}: give them as future rows, "
                           "or as rows with an empty y after the history's last value",
                           fmt::join(names, ", ")));
}

}  // namespace

Result<FutureRows> future_rows(const Model& model, const Series& history, const Series* future,
                               const HorizonOptions& options) {
  RETURN_IF_ERROR(validate(options));
  const Timestamp last_value =
      model.start + std::chrono::microseconds(std::llround(model.t_scale_s * 1e6));
  FutureRows result;
  if (options.include_history) {
    const bool to_the_end = !future && needed_columns(model).empty();
    result.rows = first_rows(history, [&](Timestamp at) {
      return at <= (to_the_end ? model.history_dates.back() : last_value);
    });
  }
  if (future) {
    append(result.rows, rows_of(*future, order_by_date(*future)));
  } else if (const auto needed = needed_columns(model); !needed.empty()) {
    const Series after = first_rows(history, [&](Timestamp at) { return at > last_value; });
    if (after.size() == 0) return columns_missing(needed);
    append(result.rows, after);
  } else {
    HorizonOptions without_history = options;
    without_history.include_history = false;
    ASSIGN_OR_RETURN(Horizon horizon, future_dates(model, without_history));
    Series after;
    after.ds = std::move(horizon.dates);
    after.y.assign(after.ds.size(), NAN);
    append(result.rows, after);
    result.frequency = horizon.frequency;
    return result;
  }
  result.rows = rows_of(result.rows, order_by_date(result.rows));
  if (options.freq) {
    ASSIGN_OR_RETURN(result.frequency, parse_frequency(*options.freq));
  } else {
    result.frequency = infer_frequency(model.history_dates);
  }
  return result;
}

}  // namespace thaw::predict
