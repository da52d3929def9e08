#include "predict/cairo_pen.h"

#include <cairo/cairo-svg.h>
#include <cairo/cairo.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <numbers>

#include "base/check.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

constexpr double kPixelsPerPoint = 2;

/// The functions of the library that are used, by their own names.
struct Cairo {
#define THAW_CAIRO(use)                                                                            \
  use(cairo_create) use(cairo_destroy) use(cairo_scale) use(cairo_set_source_rgba)                 \
      use(cairo_paint) use(cairo_move_to) use(cairo_line_to) use(cairo_close_path) use(cairo_fill) \
          use(cairo_stroke) use(cairo_set_line_width) use(cairo_set_dash) use(cairo_set_line_join) \
              use(cairo_set_line_cap) use(cairo_arc) use(cairo_new_sub_path)                       \
                  use(cairo_select_font_face) use(cairo_set_font_size) use(cairo_text_extents)     \
                      use(cairo_show_text) use(cairo_save) use(cairo_restore) use(cairo_rectangle) \
                          use(cairo_clip) use(cairo_status) use(cairo_status_to_string)            \
                              use(cairo_image_surface_create) use(cairo_surface_destroy)           \
                                  use(cairo_surface_finish) use(cairo_surface_status)              \
                                      use(cairo_surface_write_to_png_stream)                       \
                                          use(cairo_svg_surface_create_for_stream)
#define THAW_MEMBER(name) decltype(&::name) name = nullptr;
  THAW_CAIRO(THAW_MEMBER)
#undef THAW_MEMBER
  std::string fault;

  Cairo() {
    void* library = dlopen("libcairo.so.2", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      fault = "pictures need the library cairo: install the package libcairo2";
      return;
    }
#define THAW_LOAD(name)                                           \
  name = reinterpret_cast<decltype(name)>(dlsym(library, #name)); \
  if (!name) fault = "the library cairo has no function " #name;
    THAW_CAIRO(THAW_LOAD)
#undef THAW_LOAD
#undef THAW_CAIRO
  }
};

const Cairo& cairo() {
  static const Cairo loaded;
  return loaded;
}

class CairoPen : public Pen {
 public:
  explicit CairoPen(cairo_t* context) : context_(context) {
    cairo().cairo_set_line_join(context_, CAIRO_LINE_JOIN_ROUND);
    cairo().cairo_set_line_cap(context_, CAIRO_LINE_CAP_BUTT);
  }

  void area(const std::vector<Spot>& outline, const Paint& paint) override {
    set(paint);
    trace(outline);
    cairo().cairo_close_path(context_);
    cairo().cairo_fill(context_);
  }

  void line(const std::vector<Spot>& spots, const Stroke& stroke) override {
    static constexpr double kDashes[] = {5, 4};
    set(stroke.paint);
    cairo().cairo_set_line_width(context_, stroke.width);
    cairo().cairo_set_dash(context_, kDashes, stroke.kind == Stroke::Kind::kDashed ? 2 : 0, 0);
    trace(spots);
    cairo().cairo_stroke(context_);
  }

  void dots(const std::vector<Spot>& spots, double radius, const Paint& paint) override {
    set(paint);
    for (const Spot& it : spots) {
      cairo().cairo_new_sub_path(context_);
      cairo().cairo_arc(context_, it.x, it.y, radius, 0, 2 * std::numbers::pi);
      cairo().cairo_fill(context_);
    }
  }

  void text(Spot at, std::string_view text, const Lettering& lettering) override {
    const std::string ended(text);
    const bool bold = lettering.weight == Lettering::Weight::kBold;
    cairo().cairo_select_font_face(context_, "DejaVu Sans, sans-serif", CAIRO_FONT_SLANT_NORMAL,
                                   bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo().cairo_set_font_size(context_, lettering.size);
    cairo_text_extents_t extents = {};
    cairo().cairo_text_extents(context_, ended.c_str(), &extents);
    if (lettering.anchor == Lettering::Anchor::kMiddle) at.x -= extents.x_advance / 2;
    if (lettering.anchor == Lettering::Anchor::kRight) at.x -= extents.x_advance;
    set(lettering.paint);
    cairo().cairo_move_to(context_, at.x, at.y);
    cairo().cairo_show_text(context_, ended.c_str());
  }

  void clip(const Box& box) override {
    cairo().cairo_save(context_);
    cairo().cairo_rectangle(context_, box.left, box.top, box.width(), box.height());
    cairo().cairo_clip(context_);
  }
  void unclip() override { cairo().cairo_restore(context_); }

 private:
  void set(const Paint& paint) {
    cairo().cairo_set_source_rgba(context_, paint.red, paint.green, paint.blue, paint.opacity);
  }
  void trace(const std::vector<Spot>& spots) {
    for (size_t i = 0; i < spots.size(); ++i) {
      if (i == 0) {
        cairo().cairo_move_to(context_, spots[i].x, spots[i].y);
      } else {
        cairo().cairo_line_to(context_, spots[i].x, spots[i].y);
      }
    }
  }

  cairo_t* context_;
};

cairo_status_t append(void* into, const unsigned char* data, unsigned int size) {
  static_cast<std::string*>(into)->append(reinterpret_cast<const char*>(data), size);
  return CAIRO_STATUS_SUCCESS;
}

}  // namespace

Result<PictureForm> picture_form(std::string_view file_name) {
  const std::string low = lower_case(file_name);
  if (low.ends_with(".png")) return PictureForm::kPng;
  if (low.ends_with(".svg")) return PictureForm::kSvg;
  return Error(Code::kInvalidArgument,
               fmt::format("{} ends neither in .png nor in .svg", quoted_value(file_name)));
}

Result<std::string> paint_picture(PictureForm form, PictureSize size,
                                  const std::function<void(Pen&)>& draw) {
  if (!cairo().fault.empty()) return Error(Code::kFailedPrecondition, cairo().fault);
  CHECK(size.width >= 1 && size.width <= kMaxPictureSide && size.height >= 1 &&
        size.height <= kMaxPictureSide);
  std::string bytes;
  const bool png = form == PictureForm::kPng;
  const double scale = png ? kPixelsPerPoint : 1;
  cairo_surface_t* surface =
      png ? cairo().cairo_image_surface_create(CAIRO_FORMAT_RGB24,
                                               static_cast<int>(size.width * scale),
                                               static_cast<int>(size.height * scale))
          : cairo().cairo_svg_surface_create_for_stream(append, &bytes, size.width, size.height);
  cairo_t* context = cairo().cairo_create(surface);
  cairo().cairo_scale(context, scale, scale);
  cairo().cairo_set_source_rgba(context, 1, 1, 1, 1);
  cairo().cairo_paint(context);
  CairoPen pen(context);
  draw(pen);
  cairo_status_t status = cairo().cairo_status(context);
  cairo().cairo_destroy(context);
  if (png && status == CAIRO_STATUS_SUCCESS) {
    status = cairo().cairo_surface_write_to_png_stream(surface, append, &bytes);
  }
  cairo().cairo_surface_finish(surface);
  if (status == CAIRO_STATUS_SUCCESS) status = cairo().cairo_surface_status(surface);
  cairo().cairo_surface_destroy(surface);
  if (status == CAIRO_STATUS_SUCCESS) return bytes;
  return Error(Code::kInternal,
               fmt::format("drawing the picture: {}", cairo().cairo_status_to_string(status)));
}

}  // namespace thaw::predict
