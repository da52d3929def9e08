// Pictures of a forecast: the series with its forecast, and the parts that the forecast is made of.
//
// Thread: any. Owner: values. Limits: those of Series; a picture of components shows the first
// kMaxPanels of them.
#pragma once

#include <string>
#include <vector>

#include "predict/cairo_pen.h"
#include "predict/forecaster.h"
#include "predict/pen.h"
#include "predict/series.h"

namespace thaw::predict {

inline constexpr size_t kMaxPanels = 12;

/// `forecast` has the dates of the history too, so that the fitted curve can be shown.
struct PictureFacts {
  std::string title;  // e.g. the file's name
  double interval_width = 0.8;
  enum class Changepoints { kHidden, kShown };
  Changepoints changepoints = Changepoints::kHidden;
};

inline constexpr PictureSize kForecastPicture{1000, 560};
/// The observations as dots, the curve and its interval, a line where the history ends; the trend
/// and the dates at which it bends, if they are asked for.
void draw_forecast(Pen& pen, const Series& history, const Model& model, const Forecast& forecast,
                   const PictureFacts& facts);

/// One panel each for the trend, the holidays, every seasonality over its period, the regressors.
PictureSize components_size(const Model& model);
void draw_components(Pen& pen, const Model& model, const Forecast& forecast,
                     const PictureFacts& facts);

}  // namespace thaw::predict
