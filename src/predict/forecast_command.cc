#include "predict/forecast_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "base/json.h"
#include "predict/cross_validation.h"
#include "predict/render.h"
#include "predict/request.h"
#include "predict/saved_model.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

constexpr int kBadInput = 1, kBadUsage = 2;

ForecastPrinted failed(int exit_code, const Error& error) { return {exit_code, "", {}, "", error}; }

/// One line on what was read and fitted.
std::string headline(const ForecastCommand& command, const ForecastAnswer& answer) {
  const Model& model = answer.model;
  std::vector<std::string> parts = {fmt::format("{} trend", growth_name(model.options.growth))};
  for (const Seasonality& it : model.seasonalities) parts.push_back(printable(it.name));
  if (!model.holidays.empty()) parts.emplace_back("holidays");
  for (const Regressor& it : model.regressors) parts.push_back(printable(it.name));
  return fmt::format(
      "{}: {} rows, {} to {}; {}; next {} at {}\n\n", command.source, model.history_t.size(),
      format_timestamp(model.history_dates.front(), ClockPart::kShortest),
      format_timestamp(model.history_dates.back(), ClockPart::kShortest), fmt::join(parts, " + "),
      answer.forecast.ds.size() - answer.forecast.history_rows, frequency_name(answer.frequency));
}

/// "promo: +3.2 for each 1 more", "price (center 9.5): -2 % of the trend for each 1 more".
std::string regressor_lines(const Model& model) {
  std::string lines;
  for (const RegressorCoefficient& it : regressor_coefficients(model)) {
    const bool added = it.mode == TermMode::kAdditive;
    const std::string center = it.center == 0 ? "" : fmt::format(" (center {:.5g})", it.center);
    lines += fmt::format("{}{}: {:+.5g}{} for each 1 more\n", printable(it.regressor), center,
                         it.coef * (added ? 1 : 100), added ? "" : " % of the trend");
  }
  return lines.empty() ? "" : lines + '\n';
}

std::string unused_note(const std::vector<std::string>& columns) {
  std::string names;
  for (const std::string& it : columns) names += (names.empty() ? "" : ", ") + printable(it);
  return fmt::format("note: columns not used: {}\n", names);
}

std::string notes_on(const ForecastRequest& request, const FitFacts& facts) {
  std::string notes;
  if (const auto unused = unused_columns(request); !unused.empty()) {
    notes += unused_note(unused);
  }
  if (facts.end == FitFacts::End::kExactData) {
    notes += "note: the curve meets the data almost exactly, so the intervals are too narrow\n";
  } else if (facts.end == FitFacts::End::kStepLimit) {
    notes += fmt::format("note: the fit stopped early, {:.2g} standard deviations off\n",
                         facts.gradient);
  }
  return notes;
}

std::string rendered(const ForecastAnswer& answer, const ForecastCommand& command, BodyForm form) {
  switch (command.output) {
    case ForecastCommand::Output::kCsv:
      return forecast_csv(answer.forecast);
    case ForecastCommand::Output::kJson:
      return forecast_json(answer, form);
    case ForecastCommand::Output::kTable:
      break;
  }
  return forecast_table(answer.forecast);
}

/// Why series were left out: the first ones by name.
std::optional<Error> failures(const std::vector<PanelForecast>& forecasts) {
  constexpr size_t kMostShown = 20;
  const size_t failed = count_failed(forecasts);
  if (failed == 0) return std::nullopt;
  std::string text = fmt::format("{} of {} series failed", failed, forecasts.size());
  size_t shown = 0;
  for (const PanelForecast& it : forecasts) {
    if (it.error.empty() || ++shown > kMostShown) continue;
    text += fmt::format("\nunique_id {}: {}", quoted_value(it.id), it.error);
  }
  if (shown > kMostShown) text += fmt::format("\nand {} more", shown - kMostShown);
  return Error(Code::kInvalidArgument, std::move(text));
}

ForecastPrinted run_panel(const ForecastCommand& command, const ForecastRequest& request) {
  auto forecasts = forecast_panel(request, command.run);
  if (!forecasts) {
    return failed(kBadInput, std::move(forecasts).error().with_context(command.source));
  }
  if (forecasts->empty()) {
    return failed(kBadInput, Error(Code::kInvalidArgument,
                                   fmt::format("{}: there are no rows", command.source)));
  }
  ForecastPrinted printed;
  if (const auto unused = unused_columns(request); !unused.empty()) {
    printed.notes = unused_note(unused);
  }
  printed.error = failures(*forecasts);
  printed.exit_code = printed.error ? kBadInput : 0;
  switch (command.output) {
    case ForecastCommand::Output::kCsv:
      printed.output = panel_csv(*forecasts);
      break;
    case ForecastCommand::Output::kJson:
      printed.output = panel_json(*forecasts, request.form);
      break;
    case ForecastCommand::Output::kTable:
      printed.output = panel_table(*forecasts);
      break;
  }
  return printed;
}

/// The forecast with the curve through the history, which a picture shows too.
Result<Forecast> whole_curve(const ForecastRequest& request, const ForecastAnswer& answer) {
  if (request.horizon.include_history) return answer.forecast;
  HorizonOptions horizon = request.horizon;
  horizon.include_history = true;
  ASSIGN_OR_RETURN(const FutureRows rows,
                   future_rows(answer.model, request.history,
                               request.future ? &*request.future : nullptr, horizon));
  return predict(answer.model, rows.rows, request.intervals);
}

Status add_pictures(const ForecastCommand& command, const ForecastRequest& request,
                    const ForecastAnswer& answer, ForecastPrinted& printed) {
  if (command.picture.empty() && command.components_picture.empty()) return {};
  ASSIGN_OR_RETURN(const Forecast curve, whole_curve(request, answer));
  PictureFacts facts;
  facts.title = fmt::format("Forecast of {}", command.source.substr(command.source.rfind('/') + 1));
  facts.interval_width = request.intervals.width;
  facts.changepoints = command.changepoints;
  if (!command.picture.empty()) {
    ASSIGN_OR_RETURN(const PictureForm form, picture_form(command.picture));
    ASSIGN_OR_RETURN(std::string bytes, paint_picture(form, kForecastPicture, [&](Pen& pen) {
                       draw_forecast(pen, request.history, answer.model, curve, facts);
                     }));
    printed.files.emplace_back(command.picture, std::move(bytes));
  }
  if (!command.components_picture.empty()) {
    facts.title.replace(0, 1, "Components of the f");
    ASSIGN_OR_RETURN(const PictureForm form, picture_form(command.components_picture));
    ASSIGN_OR_RETURN(std::string bytes,
                     paint_picture(form, components_size(answer.model), [&](Pen& pen) {
                       draw_components(pen, answer.model, curve, facts);
                     }));
    printed.files.emplace_back(command.components_picture, std::move(bytes));
  }
  return {};
}

/// Faults of the words, told before anything is read.
Status check_pictures(const ForecastCommand& command) {
  for (const std::string* name : {&command.picture, &command.components_picture}) {
    if (name->empty()) continue;
    if (auto form = picture_form(*name); !form) return std::move(form).error().with_context("plot");
  }
  return {};
}

/// The history of the text, or of the model that is fitted already.
Result<ForecastRequest> read_request(const ForecastCommand& command) {
  if (command.model_text.empty()) return parse_request("", command.text);
  ForecastRequest request;
  ASSIGN_OR_RETURN(SavedModel saved, parse_saved_model(command.model_text));
  request.history = saved.history;
  request.intervals = saved.intervals;
  request.fitted = std::make_shared<SavedModel>(std::move(saved));
  return request;
}

Status apply_options(const ForecastCommand& command, ForecastRequest& request) {
  for (const auto& [name, value] : command.options) {
    if (request.fitted && !is_forecast_option(name)) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}: the model is fitted already, with its own", name));
    }
    RETURN_IF_ERROR(set_option(request, name, std::string_view(value)));
  }
  RETURN_IF_ERROR(validate(request.model));
  RETURN_IF_ERROR(validate(request.horizon));
  return validate(request.intervals);
}

ForecastPrinted run_validation(const ForecastCommand& command, const ForecastRequest& request) {
  if (request.panel || request.fitted) {
    return failed(kBadUsage, Error(Code::kInvalidArgument,
                                   "cross-validation is of the history of one series"));
  }
  const auto options = read_validation(command.validation->words);
  if (!options) return failed(kBadUsage, options.error());
  auto result = cross_validate(request, *options, command.run);
  if (!result) return failed(kBadInput, std::move(result).error().with_context(command.source));
  ForecastPrinted printed;
  printed.output = command.output == ForecastCommand::Output::kCsv    ? measures_csv(*result)
                   : command.output == ForecastCommand::Output::kJson ? measures_json(*result)
                                                                      : measures_table(*result);
  printed.notes = fmt::format("{} cutoffs, {} to {}\n", result->cutoffs.size(),
                              format_timestamp(result->cutoffs.front(), ClockPart::kShortest),
                              format_timestamp(result->cutoffs.back(), ClockPart::kShortest));
  if (!command.validation->rows_file.empty()) {
    printed.files.emplace_back(command.validation->rows_file, rows_csv(*result));
  }
  return printed;
}

ForecastPrinted run_single(const ForecastCommand& command, const ForecastRequest& request) {
  auto answered = answer(request);
  if (!answered) {
    return failed(kBadInput, std::move(answered).error().with_context(command.source));
  }
  ForecastPrinted printed;
  if (!request.fitted) printed.notes = notes_on(request, answered->model.facts);
  if (const Status status = add_pictures(command, request, *answered, printed); !status) {
    return failed(kBadInput, status.error());
  }
  if (!command.saved_model.empty()) {
    printed.files.emplace_back(command.saved_model,
                               save_model(answered->model, request.history, request.intervals));
  }
  const bool table = command.output == ForecastCommand::Output::kTable;
  if (table) {
    printed.output = headline(command, *answered) + regressor_lines(answered->model);
  }
  if (command.plot == ForecastCommand::Plot::kShown) {
    PlotOptions drawing = command.drawing;
    drawing.interval_width = request.intervals.width;
    (table ? printed.output : printed.notes) +=
        plot_forecast(request.history, answered->forecast, drawing) + '\n';
  }
  printed.output += rendered(*answered, command, request.form);
  return printed;
}

}  // namespace

ForecastPrinted run_forecast(const ForecastCommand& command) {
  if (const Status status = check_pictures(command); !status) {
    return failed(kBadUsage, status.error());
  }
  auto request = read_request(command);
  if (!request) return failed(kBadInput, std::move(request).error().with_context(command.source));
  if (const Status status = apply_options(command, *request); !status) {
    return failed(kBadUsage, status.error());
  }
  if (!command.future_source.empty()) {
    Status future = set_future(*request, command.future_text);
    if (!future) {
      return failed(kBadInput, std::move(future).error().with_context(command.future_source));
    }
  }
  if (!request->fitted) {
    const Status added = add_country_holidays(request->model, command.countries);
    if (!added) return failed(kBadUsage, added.error());
  }
  if (command.validation) return run_validation(command, *request);
  const bool one_only = !command.picture.empty() || !command.components_picture.empty() ||
                        !command.saved_model.empty();
  if (request->panel && one_only) {
    return failed(kBadUsage,
                  Error(Code::kInvalidArgument,
                        "pictures and saved models are of one series, and the file has many"));
  }
  return request->panel ? run_panel(command, *request) : run_single(command, *request);
}

}  // namespace thaw::predict
