// Table: rows of cells printed in aligned columns.
//
// Thread: any. Owner: values. Limits: those of columns_of (text.h).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/text.h"

namespace thaw::cli {

enum class Align { kLeft, kRight };

struct Column {
  std::string_view title;
  Align align = Align::kLeft;
  /// May be cut when the table is wider than the terminal; the widest of these goes first.
  bool may_shrink = false;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Precondition: as many cells as columns. A cell may hold colour sequences unless its column
  /// may shrink; line breaks and control characters are escaped by the caller.
  void add_row(std::vector<std::string> cells);
  size_t rows() const { return rows_.size(); }

  /// `width` 0: as wide as it wants to be.
  std::string text(size_t width, const Style& style) const;

 private:
  std::vector<size_t> column_widths(size_t width) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace thaw::cli
