// Series: the observations that a forecast is made from, and how files spell them.
//
// A row has a date, a value, and as many other columns as the file: limits of logistic growth,
// regressors, conditions of seasonalities. Dates to be forecast are a Series too, without values.
// Thread: any. Owner: values. Limits: kMaxSeriesRows rows, kMaxSeriesColumns other
// columns with kMaxSeriesCells numbers; more is an error, not a cut.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/timestamp.h"

namespace thaw {
class Json;
}

namespace thaw::predict {

inline constexpr size_t kMaxSeriesRows = 200'000;
inline constexpr size_t kMaxSeriesColumns = 256;  // besides ds and y
inline constexpr size_t kMaxSeriesCells = 16'000'000;

/// A column besides ds and y. `true` and `false` are read as 1 and 0.
struct SeriesColumn {
  std::string name;            // "cap" and "floor" in small letters, others as the file has them
  std::vector<double> values;  // one per row; NaN where it is missing or no number
  std::string fault;           // the first value that is no number, e.g. "line 3: 'x' is no number"
};

/// Rows in the order of the file, which need not be that of time; dates may repeat.
struct Series {
  std::vector<Timestamp> ds;
  std::vector<double> y;  // one per ds; NaN where the value is missing; never infinite
  std::vector<SeriesColumn> columns;

  size_t size() const { return ds.size(); }
  const SeriesColumn* column(std::string_view name) const;
  SeriesColumn* column(std::string_view name);
};

/// The rows with these indexes, in their order.
Series rows_of(const Series& series, const std::vector<size_t>& indexes);

/// The rows by date, those of one date in their order; or only those with a value of y.
enum class RowsOf { kAll, kWithValue };
std::vector<size_t> order_by_date(const Series& series, RowsOf which = RowsOf::kAll);

/// The column's values. kInvalidArgument: there is no such column (the ones there are named), or
/// it has a value that is no number. Missing ones are NaN.
Result<const SeriesColumn*> numeric_column(const Series& series, std::string_view name);

/// Of the file: a history has values, rows to be forecast need none.
enum class SeriesKind { kHistory, kFuture };

/// A CSV file with a header line. The columns `ds` or `date`, and `y`, are taken in any case and
/// order; all others are in Series::columns. A y that is empty, NA, NaN or null is missing.
/// kInvalidArgument names line, column and value.
Result<Series> parse_series_csv(std::string_view text, SeriesKind kind = SeriesKind::kHistory);

/// `[{"ds": "2024-01-01", "y": 3}, ...]`: keys as the columns above, y a number or null.
/// `where` is the list's name in errors, e.g. "history".
Result<Series> parse_series_json(const Json& rows, std::string_view where,
                                 SeriesKind kind = SeriesKind::kHistory);

}  // namespace thaw::predict
