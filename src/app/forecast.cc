#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/country_tables.h"
#include "app/parallel_run.h"
#include "app/programs.h"
#include "cli/exit_code.h"
#include "predict/forecast_command.h"

namespace thaw::app {
namespace {

constexpr ByteCount kLargestSeries = mib(512);  // many series in one file

std::string seasonality_text(const cli::SeasonalityOption& option) {
  switch (option.kind) {
    case cli::SeasonalityOption::Kind::kAuto:
      return "auto";
    case cli::SeasonalityOption::Kind::kOn:
      return "true";
    case cli::SeasonalityOption::Kind::kOff:
      return "false";
    case cli::SeasonalityOption::Kind::kOrder:
      return std::to_string(option.order);
  }
  return "auto";
}

/// What was given, under the names that the forecaster's request takes too.
std::vector<std::pair<std::string, std::string>> given(const cli::ForecastOptions& options) {
  std::vector<std::pair<std::string, std::string>> named;
  const auto put = [&](const char* name, const auto& value) {
    if (value) named.emplace_back(name, fmt::format("{}", *value));
  };
  const auto put_text = [&](const char* name, const std::string& value) {
    if (!value.empty()) named.emplace_back(name, value);
  };
  const auto put_switch = [&](const char* name, const auto& value) {
    if (value) named.emplace_back(name, seasonality_text(*value));
  };
  put("periods", options.periods);
  put_text("freq", options.freq);
  put("interval_width", options.interval_width);
  put("seed", options.seed);
  put_text("growth", options.growth);
  put_text("changepoints", fmt::format("{}", fmt::join(options.changepoints, ",")));
  put("n_changepoints", options.n_changepoints);
  put("changepoint_range", options.changepoint_range);
  put("changepoint_prior_scale", options.changepoint_prior_scale);
  put("seasonality_prior_scale", options.seasonality_prior_scale);
  put_switch("yearly_seasonality", options.yearly);
  put_switch("weekly_seasonality", options.weekly);
  put_switch("daily_seasonality", options.daily);
  put_text("scaling", options.scaling);
  named.insert(named.end(), options.others.begin(), options.others.end());
  return named;
}

predict::ForecastCommand::Output output_of(const cli::ForecastOptions& options) {
  switch (options.output) {
    case cli::ForecastOptions::Output::kCsv:
      return predict::ForecastCommand::Output::kCsv;
    case cli::ForecastOptions::Output::kJson:
      return predict::ForecastCommand::Output::kJson;
    case cli::ForecastOptions::Output::kTable:
      break;
  }
  return predict::ForecastCommand::Output::kTable;
}

/// Whether the terminal's locale draws more than ASCII (POSIX: LC_ALL, then LC_CTYPE, then LANG).
bool is_utf8(const cli::Terminal& terminal) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = terminal.env(name).value_or("");
    if (locale.empty()) continue;
    return locale.find("UTF-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

Result<std::string> read_if_named(io::Disk& disk, const std::string& path) {
  return path.empty() ? Result<std::string>("") : disk.read_file(path, kLargestSeries);
}

}  // namespace

cli::Outcome<cli::ExitCode> run_forecast(const cli::ForecastOptions& options,
                                         cli::Terminal& terminal, io::Disk& disk) {
  const bool from_input = options.file == "-";
  const auto text =
      from_input ? terminal.read_input(kLargestSeries) : read_if_named(disk, options.file);
  if (!text) return text.error();
  const auto model = read_if_named(disk, options.model_file);
  if (!model) return model.error();
  const auto holidays = read_if_named(disk, options.holidays_file);
  if (!holidays) return holidays.error();
  const auto future = read_if_named(disk, options.future_file);
  if (!future) return future.error();
  predict::ForecastCommand command{
      .source = from_input                   ? std::string_view("standard input")
                : options.model_file.empty() ? options.file
                                             : options.model_file,
      .text = *text,
      .future_source = options.future_file,
      .future_text = *future,
      .options = given(options),
      .model_text = *model,
      .saved_model = options.save_model_file,
      .output = output_of(options),
      .plot = options.draw ? predict::ForecastCommand::Plot::kShown
                           : predict::ForecastCommand::Plot::kNone,
  };
  if (options.cross_validate) {
    command.validation = {
        {options.horizon, options.period, options.initial, options.cutoffs, options.rolling_window},
        options.validation_rows_file};
  }
  command.picture = options.plot_file;
  command.components_picture = options.components_plot_file;
  if (options.plot_changepoints) {
    command.changepoints = predict::PictureFacts::Changepoints::kShown;
  }
  command.countries = country_tables(terminal.env("THAW_COUNTRY_HOLIDAYS").value_or(""));
  command.run = parallel_run(terminal, options.quiet ? Progress::kHidden : Progress::kShown);
  if (!options.holidays_file.empty()) command.options.emplace_back("holidays", *holidays);
  command.drawing.width = options.width;
  command.drawing.charset = is_utf8(terminal) ? predict::PlotOptions::Charset::kUnicode
                                              : predict::PlotOptions::Charset::kAscii;
  command.drawing.colour =
      options.colour ? predict::PlotOptions::Colour::kAnsi : predict::PlotOptions::Colour::kNone;
  const predict::ForecastPrinted printed = predict::run_forecast(command);
  if (!printed.notes.empty() && !options.quiet) terminal.write_err(printed.notes);
  for (const auto& [name, content] : printed.files) RETURN_IF_ERROR(disk.write_file(name, content));
  RETURN_IF_ERROR(terminal.write_out(printed.output));
  const auto exit_code = static_cast<cli::ExitCode>(printed.exit_code);
  if (printed.error) return cli::Failure(exit_code, *printed.error);
  return exit_code;
}

}  // namespace thaw::app
