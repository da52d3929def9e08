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

Result<double> read_value(const Json* value, SeriesKind kind) {
  if (!value && kind == SeriesKind::kFuture) return std::numeric_limits<double>::quiet_NaN();
  if (!value) return Error(Code::kInvalidArgument, "no key 'y': write null where it is missing");
  if (value->is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!value->is_number() || !std::isfinite(value->as_double())) {
    return Error(Code::kInvalidArgument,
                 fmt::format("y: {} is no number", quoted_value(value->dump())));
  }
  return value->as_double();
}

/// The columns besides ds and y: each is found once, by the place that it had in the row before.
class OtherColumns {
 public:
  explicit OtherColumns(Series& series) : series_(series) {}

  void start_row() { next_ = 0; }
  /// False when there are too many columns.
  bool add(std::string_view where, size_t row, const std::string& key, const Json& value) {
    const std::string low = lower_case(key);
    const std::string& name = low == "cap" || low == "floor" ? low : key;
    auto& columns = series_.columns;
    if (next_ >= columns.size() || columns[next_].name != name) {
      for (next_ = 0; next_ < columns.size() && columns[next_].name != name;) ++next_;
    }
    if (next_ == columns.size()) {
      if (columns.size() == kMaxSeriesColumns) return false;
      columns.push_back({name, {}, ""});
    }
    SeriesColumn& column = columns[next_++];
    column.values.resize(row, std::numeric_limits<double>::quiet_NaN());
    double number = std::numeric_limits<double>::quiet_NaN();
    if (value.is_bool()) {
      number = value.as_bool() ? 1 : 0;
    } else if (value.is_number() && std::isfinite(value.as_double())) {
      number = value.as_double();
    } else if (!value.is_null() && column.fault.empty()) {
      column.fault = fmt::format("{}[{}]: {} is no number", where, row, quoted_value(value.dump()));
    }
    column.values.push_back(number);
    return true;
  }
  void finish() {
    for (SeriesColumn& it : series_.columns) {
      it.values.resize(series_.size(), std::numeric_limits<double>::quiet_NaN());
    }
  }

 private:
  Series& series_;
  size_t next_ = 0;
};

}  // namespace

Result<Series> parse_series_json(const Json& rows, std::string_view where, SeriesKind kind) {
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
  OtherColumns others(series);
  for (size_t i = 0; i < rows.as_array().size(); ++i) {
    const Json& row = rows.as_array()[i];
    if (!row.is_object()) return at_row(where, i, "is no object with ds and y");
    others.start_row();
    const Json* ds = nullptr;
    const Json* y = nullptr;
    for (const auto& [key, value] : row.as_object()) {
      const std::string name = lower_case(key);
      const bool is_ds = name == "ds" || name == "date";
      if (!is_ds && name != "y") {
        if (others.add(where, i, key, value)) continue;
        return at_row(where, i, fmt::format("over {} keys besides ds and y", kMaxSeriesColumns));
      }
      const Json*& slot = is_ds ? ds : y;
      if (slot) return at_row(where, i, fmt::format("two keys for {}", is_ds ? "ds" : "y"));
      slot = &value;
    }
    if ((i + 1) * series.columns.size() > kMaxSeriesCells) {
      return at_row(where, i, fmt::format("over {} values besides ds and y", kMaxSeriesCells));
    }
    auto date = read_date(ds);
    if (!date) return at_row(where, i, date.error().message());
    auto number = read_value(y, kind);
    if (!number) return at_row(where, i, number.error().message());
    series.ds.push_back(*date);
    series.y.push_back(*number);
  }
  others.finish();
  return series;
}

}  // namespace thaw::predict
