// Canvas: a grid of terminal cells on which lines and shades are drawn, then printed.
//
// In Unicode a cell has 2 x 4 braille dots, in ASCII one mark. Coordinates are fractions of the
// whole: x from 0 (left) to 1, y from 0 (bottom) to 1; what lies outside is cut off.
// Thread: any. Owner: values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "predict/plot.h"

namespace thaw::predict {

class Canvas {
 public:
  enum class Ink : uint8_t { kNone, kHistory, kForecast };

  Canvas(int columns, int rows, PlotOptions::Charset charset, PlotOptions::Colour colour);

  void line(double x0, double y0, double x1, double y1, Ink ink);
  /// Shades the cells of a column whose middle lies between the two heights, at least one.
  void shade(int column, double y_low, double y_high);
  /// Marks a column with a dotted line where nothing else is.
  void divider(int column);

  int columns() const { return columns_; }
  /// One row of cells from the top, without a line end.
  std::string row(int row) const;

 private:
  struct Cell {
    uint8_t dots = 0;  // braille bits
    Ink ink = Ink::kNone;
    bool shaded = false;
    bool divided = false;
  };
  void dot(int x, int y, Ink ink);
  std::string cell_text(const Cell& cell) const;

  int columns_;
  int rows_;
  PlotOptions::Charset charset_;
  PlotOptions::Colour colour_;
  std::vector<Cell> cells_;  // row after row from the top
};

}  // namespace thaw::predict
