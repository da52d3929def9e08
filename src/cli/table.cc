#include "cli/table.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace thaw::cli {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 8;  // a column is not cut below this

std::string aligned(std::string_view cell, size_t width, Align align) {
  const size_t used = columns_of(cell);
  const std::string padding(width > used ? width - used : 0, ' ');
  return align == Align::kRight ? padding + std::string(cell) : std::string(cell) + padding;
}

}  // namespace

void Table::add_row(std::vector<std::string> cells) {
  CHECK(cells.size() == columns_.size(), "a row has as many cells as the table has columns");
  rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::column_widths(size_t width) const {
  std::vector<size_t> widths;
  size_t total = 0;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t widest = columns_of(columns_[i].title);
    for (const auto& row : rows_) widest = std::max(widest, columns_of(row[i]));
    widths.push_back(widest);
    total += widest + (i == 0 ? 0 : kGap);
  }
  while (width > 0 && total > width) {
    size_t victim = columns_.size();
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].may_shrink || widths[i] <= kNarrowest) continue;
      if (victim == columns_.size() || widths[i] > widths[victim]) victim = i;
    }
    if (victim == columns_.size()) break;
    const size_t less = std::min(total - width, widths[victim] - kNarrowest);
    // Down to the next widest only, so that two long columns are cut alike.
    size_t next = kNarrowest;
    for (size_t i = 0; i < columns_.size(); ++i) {
      if (i != victim && columns_[i].may_shrink) next = std::max(next, widths[i]);
    }
    const size_t step = widths[victim] > next ? std::min(less, widths[victim] - next) : 1;
    widths[victim] -= step;
    total -= step;
  }
  return widths;
}

std::string Table::text(size_t width, const Style& style) const {
  const std::vector<size_t> widths = column_widths(width);
  std::string out;
  const auto add_line = [&](const auto& cell_at, auto decorate) {
    std::string line;
    for (size_t i = 0; i < columns_.size(); ++i) {
      std::string cell(cell_at(i));
      if (columns_of(cell) > widths[i]) cell = cut_to(cell, widths[i]);
      if (i > 0) line.append(kGap, ' ');
      line += aligned(cell, widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += decorate(line) + "\n";
  };
  add_line([&](size_t i) { return columns_[i].title; },
           [&](const std::string& line) { return style.bold(line); });
  for (const auto& row : rows_) {
    add_line([&](size_t i) -> const std::string& { return row[i]; },
             [](const std::string& line) { return line; });
  }
  return out;
}

}  // namespace thaw::cli
