// Pictures as PNG or SVG, drawn by the library cairo, which is loaded when the first one is asked
// for: the model server and forecasts without a picture never map it.
//
// Thread: any, one picture at a time each. Owner: values. Limits: pictures of kMaxPictureSide
// points a side.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "predict/pen.h"

namespace thaw::predict {

inline constexpr double kMaxPictureSide = 8000;

struct PictureSize {
  double width = 1000, height = 600;
};

enum class PictureForm { kPng, kSvg };

/// By the ending of the name. kInvalidArgument: neither .png nor .svg.
Result<PictureForm> picture_form(std::string_view file_name);

/// The bytes of a picture on a white ground. A PNG has two pixels a point in each direction.
/// kFailedPrecondition: the library is not installed.
Result<std::string> paint_picture(PictureForm form, PictureSize size,
                                  const std::function<void(Pen&)>& draw);

}  // namespace thaw::predict
