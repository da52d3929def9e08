#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include "base/utf8.h"
#include "predict/csv.h"
#include "predict/panel.h"
#include "predict/series.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

struct Columns {
  size_t ds = 0;
  std::optional<size_t> y, id;
  std::string ds_name;
  std::vector<size_t> others;  // where the columns of Series::columns are
};

Error at_line(int64_t line, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("line {}: {}", line, what));
}

/// As pandas and R write what is not there.
bool is_missing(std::string_view text) {
  static constexpr std::string_view kWords[] = {"",    "na",   "nan",  "null", "n/a",
                                                "#na", "#n/a", "<na>", "none", "-nan"};
  const std::string low = lower_case(text);
  return std::find(std::begin(kWords), std::end(kWords), low) != std::end(kWords);
}

/// What is wrong with a header that has no date or no value column.
Error header_fault(const CsvReader& reader, std::string_view missing) {
  const auto& fields = reader.fields();
  if (parse_timestamp(fields[0])) {
    return at_line(reader.line(), "data where the header should be: put a line 'ds,y' before it");
  }
  if (fields.size() == 1 && fields[0].find_first_of(";\t|") != std::string_view::npos) {
    return at_line(reader.line(),
                   fmt::format("the header {} has no commas: separate the columns by commas",
                               quoted_value(fields[0])));
  }
  std::vector<std::string> names;
  for (std::string_view field : fields) {
    if (names.size() < 10) names.push_back(quoted_value(field));
  }
  return at_line(reader.line(),
                 fmt::format("no column {}: the header names {}", missing, fmt::join(names, ", ")));
}

enum class IdColumn { kNone, kTaken };

Result<Columns> read_header(const CsvReader& reader, SeriesKind kind, IdColumn id, Series& series) {
  std::optional<size_t> ds, y;
  Columns columns;
  for (size_t i = 0; i < reader.fields().size(); ++i) {
    const std::string_view shown = trim(reader.fields()[i]);
    if (!is_utf8(shown)) {
      return at_line(reader.line(), fmt::format("the name {} of column {} is no UTF-8: save the "
                                                "file as UTF-8",
                                                quoted_value(shown), i + 1));
    }
    const std::string name = lower_case(shown);
    if (name == kIdColumn && id == IdColumn::kTaken) {
      if (columns.id) return at_line(reader.line(), "two columns 'unique_id': keep one");
      columns.id = i;
      continue;
    }
    if (name != "ds" && name != "date" && name != "y") {
      const bool is_limit = name == "cap" || name == "floor";
      series.columns.push_back({is_limit ? name : std::string(shown), {}, ""});
      columns.others.push_back(i);
      continue;
    }
    std::optional<size_t>& column = name == "y" ? y : ds;
    if (column) {
      return at_line(reader.line(),
                     fmt::format("the columns {} and {} ({} and {}) mean the same: keep one",
                                 *column + 1, i + 1, quoted_value(reader.fields()[*column]),
                                 quoted_value(reader.fields()[i])));
    }
    column = i;
  }
  if (!ds) return header_fault(reader, "'ds' or 'date'");
  if (!y && kind == SeriesKind::kHistory) return header_fault(reader, "'y'");
  columns.ds = *ds;
  columns.y = y;
  columns.ds_name = trim(reader.fields()[*ds]);
  return columns;
}

Result<double> read_value(std::string_view field) {
  std::string_view text = trim(field);
  if (is_missing(text)) return std::numeric_limits<double>::quiet_NaN();
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc::result_out_of_range || (fault == std::errc() && !std::isfinite(value))) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} is not finite: leave missing values empty", quoted_value(field)));
  }
  if (fault != std::errc() || end != text.data() + text.size()) {
    const bool comma = text.find(',') != std::string_view::npos;
    return Error(
        Code::kInvalidArgument,
        fmt::format("{} is no number{}", quoted_value(field),
                    comma ? ": write it with a decimal point and without thousands marks" : ""));
  }
  return value;
}

/// A number, a truth value or NaN; a text leaves a note in the column.
void read_other(std::string_view field, int64_t line, SeriesColumn& column) {
  auto value = read_value(field);
  if (!value) {
    const std::string word = lower_case(trim(field));
    if (word == "true" || word == "false") {
      value = word == "true" ? 1.0 : 0.0;
    } else if (column.fault.empty()) {
      column.fault = fmt::format("line {}: {}", line, value.error().message());
    }
  }
  column.values.push_back(value ? *value : std::numeric_limits<double>::quiet_NaN());
}

Status check_encoding(std::string_view text) {
  // Without a byte-order mark: plain letters with zero bytes between them.
  const bool marked = text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
  const bool bare = text.size() >= 4 && ((text[0] == 0 && text[1] != 0 && text[2] == 0) ||
                                         (text[0] != 0 && text[1] == 0 && text[3] == 0));
  if (!marked && !bare) return {};
  return Error(Code::kInvalidArgument, "the file is UTF-16: save it as UTF-8");
}

/// Adds the reader's record to the series. A fault leaves the series as it was.
Status add_row(const CsvReader& reader, const Columns& columns, Series& series) {
  const auto& fields = reader.fields();
  const size_t width = columns.others.size() + 1 + columns.y.has_value() + columns.id.has_value();
  if (fields.size() != width) {
    return at_line(reader.line(),
                   fmt::format("{} values where the header has {} columns", fields.size(), width));
  }
  if (series.size() == kMaxSeriesRows) {
    return at_line(reader.line(), fmt::format("more than {} rows: aggregate the series or cut "
                                              "its beginning",
                                              kMaxSeriesRows));
  }
  auto ds = parse_timestamp(fields[columns.ds]);
  if (!ds) {
    return at_line(reader.line(), fmt::format("column {}: {}", quoted_value(columns.ds_name),
                                              ds.error().message()));
  }
  if (series.size() * series.columns.size() >= kMaxSeriesCells) {
    return at_line(reader.line(), fmt::format("over {} values in columns besides ds and y: leave "
                                              "out those that are not needed",
                                              kMaxSeriesCells));
  }
  auto y = columns.y ? read_value(fields[*columns.y])
                     : Result<double>(std::numeric_limits<double>::quiet_NaN());
  if (!y) return at_line(reader.line(), fmt::format("column 'y': {}", y.error().message()));
  series.ds.push_back(*ds);
  series.y.push_back(*y);
  for (size_t c = 0; c < columns.others.size(); ++c) {
    read_other(fields[columns.others[c]], reader.line(), series.columns[c]);
  }
  return {};
}

/// The header of the file: what its columns are, and a series without rows.
Result<Columns> open_table(std::string_view text, CsvReader& reader, SeriesKind kind, IdColumn id,
                           Series& series) {
  RETURN_IF_ERROR(check_encoding(text));
  ASSIGN_OR_RETURN(const bool any, reader.next());
  if (!any) return Error(Code::kInvalidArgument, "the file is empty: it needs the columns ds,y");
  return read_header(reader, kind, id, series);
}

}  // namespace

Result<Series> parse_series_csv(std::string_view text, SeriesKind kind) {
  CsvReader reader(text);
  Series series;
  ASSIGN_OR_RETURN(const Columns columns, open_table(text, reader, kind, IdColumn::kNone, series));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader.next());
    if (!more) return series;
    RETURN_IF_ERROR(add_row(reader, columns, series));
  }
}

bool names_series(std::string_view csv_text) {
  CsvReader reader(csv_text);
  const auto any = reader.next();
  if (!any || !*any) return false;
  for (std::string_view field : reader.fields()) {
    if (lower_case(trim(field)) == kIdColumn) return true;
  }
  return false;
}

Result<Panel> parse_panel_csv(std::string_view text, SeriesKind kind) {
  CsvReader reader(text);
  Series empty;
  ASSIGN_OR_RETURN(const Columns columns, open_table(text, reader, kind, IdColumn::kTaken, empty));
  if (!columns.id) return header_fault(reader, "'unique_id'");
  Panel panel;
  PanelMember* member = nullptr;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader.next());
    if (!more) return panel;
    if (*columns.id >= reader.fields().size()) {
      return at_line(reader.line(), "the line is too short to have a unique_id");
    }
    const std::string_view id = trim(reader.fields()[*columns.id]);
    if (!member || member->id != id) {
      const auto found = panel.places.find(id);
      member = found == panel.places.end() ? nullptr : &panel.members[found->second];
    }
    if (!member) {
      if (id.empty()) return at_line(reader.line(), "column 'unique_id' is empty");
      if (!is_utf8(id)) {
        return at_line(reader.line(), fmt::format("column 'unique_id': {} is no UTF-8: save the "
                                                  "file as UTF-8",
                                                  quoted_value(id)));
      }
      if (panel.members.size() == kMaxPanelSeries) {
        return at_line(reader.line(),
                       fmt::format("more than {} series: divide the file", kMaxPanelSeries));
      }
      if ((panel.members.size() + 1) * empty.columns.size() > kMaxPanelColumns) {
        return at_line(reader.line(), fmt::format("over {} series of {} columns besides ds and y: "
                                                  "leave out those that are not needed, or divide "
                                                  "the file",
                                                  panel.members.size(), empty.columns.size()));
      }
      member = &panel.add(id);
      member->series = empty;
    }
    if (!member->fault.empty()) continue;
    const Status status = add_row(reader, columns, member->series);
    if (!status) {
      member->fault = status.error().message();
      member->series = {};
    }
  }
}

}  // namespace thaw::predict
