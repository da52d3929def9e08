#include "predict/panel_chunks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "predict/csv.h"
#include "predict/panel.h"
#include "predict/text.h"

namespace thaw::predict {

Error PanelChunks::fault(int64_t line, std::string_view what) const {
  return Error(Code::kInvalidArgument, fmt::format("line {}: {}", lines_ + line, what));
}

/// What was taken goes here, all at once: a chunk may be a few bytes of many.
void PanelChunks::feed(std::string_view bytes) {
  text_.erase(0, std::exchange(begin_, 0));
  text_ += bytes;
}

void PanelChunks::drop(size_t bytes) {
  const std::string_view gone = rest().substr(0, bytes);
  lines_ += std::max(std::ranges::count(gone, '\n'), std::ranges::count(gone, '\r'));
  begin_ += bytes;
}

/// False: it has not come whole.
Result<bool> PanelChunks::read_header() {
  CsvReader reader(rest());
  ASSIGN_OR_RETURN(const bool any, reader.next());
  if (!any && ended_) return Error(Code::kInvalidArgument, "the file is empty");
  if (!any || (!ended_ && reader.position() == rest().size())) return false;
  const auto& fields = reader.fields();
  const auto id = std::find_if(fields.begin(), fields.end(), [](std::string_view field) {
    return lower_case(trim(field)) == kIdColumn;
  });
  if (id == fields.end()) {
    return fault(1,
                 "the header names no column 'unique_id': a file of this size must be of many "
                 "series");
  }
  id_column_ = static_cast<size_t>(id - fields.begin());
  header_ = rest().substr(0, reader.position());
  drop(reader.position());
  if (!header_.ends_with('\n') && !header_.ends_with('\r')) header_ += '\n';
  return true;
}

/// The hash of the record's id, which begins a series.
Result<size_t> PanelChunks::id_of(const CsvReader& reader, const Ids& ids) const {
  const std::string_view id = trim(reader.fields()[id_column_]);
  const size_t hash = std::hash<std::string_view>()(id);
  if (ids.contains(hash) || seen_.contains(hash)) {
    return fault(reader.line(), fmt::format("the rows of unique_id {} do not stand together: sort "
                                            "the file by unique_id",
                                            quoted_value(id)));
  }
  if (seen_.size() + ids.size() >= kMostSeries) {
    return fault(reader.line(), fmt::format("more than {} series: divide the file", kMostSeries));
  }
  return hash;
}

PanelChunks::Chunk PanelChunks::take(size_t bytes, const Ids& ids) {
  Chunk chunk{.csv = header_ + std::string(rest().substr(0, bytes)),
              .series = ids.size(),
              .first_line = lines_ + 1};
  seen_.insert(ids.begin(), ids.end());
  drop(bytes);
  return chunk;
}

Result<std::optional<PanelChunks::Chunk>> PanelChunks::next() {
  if (header_.empty()) {
    ASSIGN_OR_RETURN(const bool has_header, read_header());
    if (!has_header) return std::nullopt;
  }
  CsvReader reader(rest());
  Ids whole;  // series that have ended
  std::optional<size_t> current;
  std::string current_id;
  for (;;) {
    const auto more = reader.next();
    // The last record of what came may go on in what comes.
    if (!more && !ended_ && rest().size() - reader.record_start() <= CsvReader::kMaxRecordBytes) {
      break;
    }
    if (!more) {
      return Error(Code::kInvalidArgument,
                   fmt::format("after line {}: {}", lines_, more.error().message()));
    }
    if (!*more || (!ended_ && reader.position() == rest().size())) break;
    if (id_column_ >= reader.fields().size()) {
      return fault(reader.line(), "the line is too short to have a unique_id");
    }
    const std::string_view id = trim(reader.fields()[id_column_]);
    if (current && id == current_id) continue;
    if (current) whole.insert(*current);
    const size_t cut = reader.record_start();
    if (cut >= kChunkBytes || whole.size() == most_series_) return take(cut, whole);
    ASSIGN_OR_RETURN(current, id_of(reader, whole));
    current_id = id;
  }
  if (!ended_) {
    if (whole.empty() && rest().size() > kMostSeriesBytes) {
      return fault(1, fmt::format("the series {} has more than {} MiB of rows",
                                  quoted_value(current_id), kMostSeriesBytes >> 20));
    }
    return std::nullopt;
  }
  if (current) whole.insert(*current);
  if (whole.empty()) return std::nullopt;
  return take(rest().size(), whole);
}

}  // namespace thaw::predict
