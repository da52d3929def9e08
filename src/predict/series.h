// Series: the observations that a forecast is made from, and how files spell them.
//
// Thread: any. Owner: values. Limits: kMaxSeriesRows rows; more is an error, not a cut.
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

/// Rows in the order of the file, which need not be that of time; dates may repeat.
struct Series {
  std::vector<Timestamp> ds;
  std::vector<double> y;  // one per ds; NaN where the value is missing; never infinite
  /// Columns of the file that mean nothing here and were passed over.
  std::vector<std::string> ignored_columns;

  size_t size() const { return ds.size(); }
};

/// A CSV file with a header line. The columns `ds` or `date`, and `y`, are taken in any case and
/// order; all others are ignored and named in Series::ignored_columns. A y that is empty, NA, NaN
/// or null is missing. kInvalidArgument names line, column and value.
Result<Series> parse_series_csv(std::string_view text);

/// `[{"ds": "2024-01-01", "y": 3}, ...]`: keys as the columns above, y a number or null.
/// `where` is the list's name in errors, e.g. "history".
Result<Series> parse_series_json(const Json& rows, std::string_view where);

}  // namespace thaw::predict
