// Pen: what a picture is drawn with: areas, lines, dots and texts, in points from the top left.
//
// The charts know only this; cairo_pen.h draws on PNG and SVG, tests write down what was drawn.
// Thread: one. Owner: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace thaw::predict {

struct Spot {
  double x = 0, y = 0;
};

struct Box {
  double left = 0, top = 0, right = 0, bottom = 0;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

struct Paint {
  double red = 0, green = 0, blue = 0;
  double opacity = 1;
};

struct Stroke {
  Paint paint;
  double width = 1;
  enum class Kind { kWhole, kDashed };
  Kind kind = Kind::kWhole;
};

struct Lettering {
  Paint paint;
  double size = 12;
  enum class Anchor { kLeft, kMiddle, kRight };
  Anchor anchor = Anchor::kLeft;
  enum class Weight { kPlain, kBold };
  Weight weight = Weight::kPlain;
};

class Pen {
 public:
  virtual ~Pen() = default;
  virtual void area(const std::vector<Spot>& outline, const Paint& paint) = 0;
  virtual void line(const std::vector<Spot>& spots, const Stroke& stroke) = 0;
  virtual void dots(const std::vector<Spot>& spots, double radius, const Paint& paint) = 0;
  /// `at` is on the base line.
  virtual void text(Spot at, std::string_view text, const Lettering& lettering) = 0;
  /// Until unclip() nothing is drawn outside of the box.
  virtual void clip(const Box& box) = 0;
  virtual void unclip() = 0;
};

}  // namespace thaw::predict
