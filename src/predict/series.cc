#include "predict/series.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "predict/text.h"

namespace thaw::predict {

const SeriesColumn* Series::column(std::string_view name) const {
  for (const SeriesColumn& it : columns) {
    if (it.name == name) return &it;
  }
  return nullptr;
}

SeriesColumn* Series::column(std::string_view name) {
  return const_cast<SeriesColumn*>(static_cast<const Series*>(this)->column(name));
}

Series rows_of(const Series& series, const std::vector<size_t>& indexes) {
  Series rows;
  rows.ds.reserve(indexes.size());
  rows.y.reserve(indexes.size());
  for (size_t i : indexes) {
    rows.ds.push_back(series.ds[i]);
    rows.y.push_back(series.y[i]);
  }
  for (const SeriesColumn& it : series.columns) {
    SeriesColumn& column = rows.columns.emplace_back();
    column.name = it.name;
    column.fault = it.fault;
    column.values.reserve(indexes.size());
    for (size_t i : indexes) column.values.push_back(it.values[i]);
  }
  return rows;
}

std::vector<size_t> order_by_date(const Series& series, RowsOf which) {
  std::vector<size_t> order;
  for (size_t i = 0; i < series.size(); ++i) {
    if (which == RowsOf::kAll || !std::isnan(series.y[i])) order.push_back(i);
  }
  const auto by_date = [&](size_t a, size_t b) { return series.ds[a] < series.ds[b]; };
  if (!std::is_sorted(order.begin(), order.end(), by_date)) {
    std::stable_sort(order.begin(), order.end(), by_date);
  }
  return order;
}

Result<const SeriesColumn*> numeric_column(const Series& series, std::string_view name) {
  const SeriesColumn* column = series.column(name);
  if (!column) {
    std::vector<std::string> names;
    for (const SeriesColumn& it : series.columns) {
      if (names.size() < 10) names.push_back(quoted_value(it.name));
    }
    return Error(
        Code::kInvalidArgument,
        fmt::format("no column {}: besides ds and y there {}", quoted_value(name),
                    names.empty() ? "is none" : fmt::format("are {}", fmt::join(names, ", "))));
  }
  if (!column->fault.empty()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("column {}: {}", quoted_value(name), column->fault));
  }
  return column;
}

}  // namespace thaw::predict
