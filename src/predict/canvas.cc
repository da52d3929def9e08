#include "predict/canvas.h"

#include <algorithm>
#include <cmath>

namespace thaw::predict {
namespace {

constexpr int kDotsAcross = 2, kDotsDown = 4;
// The bit of each dot of a braille cell (Unicode chapter 21.1), by row and column.
constexpr uint8_t kBrailleBits[kDotsDown][kDotsAcross] = {
    {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

std::string braille(uint8_t dots) {  // U+2800 + dots in UTF-8
  return {static_cast<char>(0xe2), static_cast<char>(0xa0 | (dots >> 6)),
          static_cast<char>(0x80 | (dots & 0x3f))};
}

}  // namespace

Canvas::Canvas(int columns, int rows, PlotOptions::Charset charset, PlotOptions::Colour colour)
    : columns_(columns),
      rows_(rows),
      charset_(charset),
      colour_(colour),
      cells_(static_cast<size_t>(columns) * static_cast<size_t>(rows)) {}

void Canvas::dot(int x, int y, Ink ink) {
  if (x < 0 || y < 0 || x >= columns_ * kDotsAcross || y >= rows_ * kDotsDown) return;
  Cell& cell = cells_[static_cast<size_t>(y / kDotsDown * columns_ + x / kDotsAcross)];
  cell.dots |= kBrailleBits[y % kDotsDown][x % kDotsAcross];
  cell.ink = std::max(cell.ink, ink);
}

void Canvas::line(double x0, double y0, double x1, double y1, Ink ink) {
  const double across = columns_ * kDotsAcross - 1, down = rows_ * kDotsDown - 1;
  const double from_x = x0 * across, from_y = (1 - y0) * down;
  const double to_x = x1 * across, to_y = (1 - y1) * down;
  const double longest = std::max(std::abs(to_x - from_x), std::abs(to_y - from_y));
  const int steps = static_cast<int>(std::ceil(std::clamp(longest, 1.0, 4 * (across + down))));
  for (int i = 0; i <= steps; ++i) {
    const double part = static_cast<double>(i) / steps;
    dot(static_cast<int>(std::lround(from_x + part * (to_x - from_x))),
        static_cast<int>(std::lround(from_y + part * (to_y - from_y))), ink);
  }
}

void Canvas::shade(int column, double y_low, double y_high) {
  const auto row_of = [&](double y) {
    return std::clamp(static_cast<int>((1 - y) * rows_), 0, rows_ - 1);
  };
  for (int row = row_of(y_high); row <= row_of(y_low); ++row) {
    cells_[static_cast<size_t>(row * columns_ + column)].shaded = true;
  }
}

void Canvas::divider(int column) {
  for (int row = 0; row < rows_; ++row) {
    cells_[static_cast<size_t>(row * columns_ + column)].divided = true;
  }
}

std::string Canvas::cell_text(const Cell& cell) const {
  const bool unicode = charset_ == PlotOptions::Charset::kUnicode;
  const bool forecast = cell.ink == Ink::kForecast;
  std::string text = " ", colour;
  if (cell.dots != 0) {
    text = unicode ? braille(cell.dots) : forecast ? "o" : "*";
    colour = forecast ? "\x1b[1;36m" : "";
  } else if (cell.shaded) {
    text = unicode ? "░" : ":";
    colour = "\x1b[36m";
  } else if (cell.divided) {
    text = unicode ? "┊" : "|";
    colour = "\x1b[2m";
  }
  if (colour_ == PlotOptions::Colour::kNone || colour.empty()) return text;
  return colour + text + "\x1b[0m";
}

std::string Canvas::row(int row) const {
  std::string text, blanks;
  for (int column = 0; column < columns_; ++column) {
    const std::string cell = cell_text(cells_[static_cast<size_t>(row * columns_ + column)]);
    if (cell == " ") {
      blanks += cell;  // kept back, so that no line ends in blanks
      continue;
    }
    text += blanks + cell;
    blanks.clear();
  }
  return text;
}

}  // namespace thaw::predict
