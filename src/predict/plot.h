// A forecast drawn in a terminal: the end of the history, the curve after it and its interval.
// Thread: any. Owner: values. Limits: sizes outside of the named ranges are moved into them.
#pragma once

#include <string>

#include "predict/forecaster.h"
#include "predict/series.h"

namespace thaw::predict {

struct PlotOptions {
  enum class Charset { kUnicode, kAscii };  // kUnicode draws lines with braille dots
  enum class Colour { kNone, kAnsi };
  int width = 80;   // columns in all, 40..300
  int height = 16;  // rows of the drawing, 6..60; title, axis and legend need four more
  Charset charset = Charset::kUnicode;
  Colour colour = Colour::kNone;
  double interval_width = 0.8;  // for the legend
};

/// Lines ended by LF. The history is shown for three times the length of the forecast. "" when
/// there is no row after the history.
std::string plot_forecast(const Series& history, const Forecast& forecast,
                          const PlotOptions& options);

}  // namespace thaw::predict
