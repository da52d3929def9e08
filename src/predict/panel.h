// Panel: many series in one file, told apart by a column `unique_id`.
//
// A fault in the rows of one series is that series' fault alone; a file whose shape cannot be read
// (a header without ds, an open quote) is refused whole.
// Thread: any. Owner: values. Limits: kMaxPanelSeries series, each a Series, with kMaxPanelColumns
// columns together (each takes a hundred bytes, however short it is); more is an error.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/series.h"

namespace thaw::predict {

inline constexpr std::string_view kIdColumn = "unique_id";
inline constexpr size_t kMaxPanelSeries = 200'000;
inline constexpr size_t kMaxPanelColumns = 4'000'000;  // besides ds and y, of all series together

struct PanelMember {
  std::string id;
  Series series;
  std::string fault;  // what is wrong with one of its rows; then the series is not whole
};

/// In the order in which the ids come first.
struct Panel {
  std::deque<PanelMember> members;
  std::map<std::string, size_t, std::less<>> places;  // of ids in members

  const PanelMember* find(std::string_view id) const;
  PanelMember& add(std::string_view id);
};

/// Whether the header of a CSV text has the column.
bool names_series(std::string_view csv_text);
/// The same for a list of JSON rows: whether one of them has the key.
bool names_series(const Json& rows);

/// As parse_series_csv and parse_series_json, series by series.
Result<Panel> parse_panel_csv(std::string_view text, SeriesKind kind = SeriesKind::kHistory);
Result<Panel> parse_panel_json(const Json& rows, std::string_view where,
                               SeriesKind kind = SeriesKind::kHistory);

}  // namespace thaw::predict
