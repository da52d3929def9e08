#include "predict/forecast_sheet.h"

#include <algorithm>
#include <optional>

#include "predict/csv.h"
#include "predict/forecast_options.h"

namespace thaw::predict {
namespace {

// Beyond what forecasts may have: names of holidays, seasonalities, regressors, sums, bounds.
constexpr size_t kMostColumns = kMaxHolidayNames + 2 * kMaxTerms + 100;
constexpr size_t kMostRowBytes = 1 << 20;

std::string line_of(const std::vector<std::string_view>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    line += csv_field(fields[i]);
  }
  return line + '\n';
}

}  // namespace

Result<std::string> ForecastSheet::add(std::string_view csv) {
  CsvReader reader(csv, {.record_bytes = kMostRowBytes, .fields = kMostColumns});
  ASSIGN_OR_RETURN(const bool any, reader.next());
  if (!any) return std::string();
  const std::vector<std::string> names(reader.fields().begin(), reader.fields().end());
  std::string text;
  if (columns_.empty()) {
    columns_ = names;
    for (const char* name : {"additive_terms", "yearly", "weekly", "daily"}) {
      if (std::ranges::find(columns_, name) == columns_.end()) columns_.emplace_back(name);
    }
    text = line_of({columns_.begin(), columns_.end()});
  }
  std::vector<std::optional<size_t>> places;  // of the piece's columns in the sheet
  for (const std::string& name : names) {
    const auto found = std::ranges::find(columns_, name);
    places.push_back(found == columns_.end()
                         ? std::nullopt
                         : std::optional(static_cast<size_t>(found - columns_.begin())));
    if (!places.back()) left_out_.insert(name);
  }
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader.next());
    if (!more) return text;
    std::vector<std::string_view> row(columns_.size());
    for (size_t i = 0; i < std::min(places.size(), reader.fields().size()); ++i) {
      if (places[i]) row[*places[i]] = reader.fields()[i];
    }
    text += line_of(row);
  }
}

}  // namespace thaw::predict
