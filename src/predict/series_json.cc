#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/json.h"
#include "predict/series.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

Error at_row(std::string_view where, size_t row, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}[{}]: {}", where, row, what));
}

Result<Timestamp> read_date(const Json* value) {
  if (!value) return Error(Code::kInvalidArgument, "no key 'ds' or 'date'");
  if (!value->is_string()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("ds: {} is no text: write dates as \"YYYY-MM-DD\"",
                             quoted_value(value->dump())));
  }
  auto ds = parse_timestamp(value->as_string());
  if (!ds) return std::move(ds).error().with_context("ds");
  return ds;
}

Result<double> read_value(const Json* value) {
  if (!value) return Error(Code::kInvalidArgument, "no key 'y': write null where it is missing");
  if (value->is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value->is_number() || !std::isfinite(value->as_double())) {
    return Error(Code::kInvalidArgument,
                 fmt::format("y: {} is no number", quoted_value(value->dump())));
  }
  return value->as_double();
}

}  // namespace

Result<Series> parse_series_json(const Json& rows, std::string_view where) {
  if (!rows.is_array()) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("{} is no list: write [{{\"ds\": \"2024-01-01\", \"y\": 1}}, ...]", where));
  }
  if (rows.as_array().size() > kMaxSeriesRows) {
    return Error(Code::kInvalidArgument, fmt::format("{} has more than {} rows: aggregate the "
                                                     "series or cut its beginning",
                                                     where, kMaxSeriesRows));
  }
  Series series;
  for (size_t i = 0; i < rows.as_array().size(); ++i) {
    const Json& row = rows.as_array()[i];
    if (!row.is_object()) return at_row(where, i, "is no object with ds and y");
    const Json* ds = nullptr;
    const Json* y = nullptr;
    for (const auto& [key, value] : row.as_object()) {
      const std::string name = lower_case(key);
      const bool is_ds = name == "ds" || name == "date";
      if (!is_ds && name != "y") {
        if (i == 0) series.ignored_columns.push_back(key);
        continue;
      }
      const Json*& slot = is_ds ? ds : y;
      if (slot) return at_row(where, i, fmt::format("two keys for {}", is_ds ? "ds" : "y"));
      slot = &value;
    }
    auto date = read_date(ds);
    if (!date) return at_row(where, i, date.error().message());
    auto number = read_value(y);
    if (!number) return at_row(where, i, number.error().message());
    series.ds.push_back(*date);
    series.y.push_back(*number);
  }
  return series;
}

}  // namespace thaw::predict
