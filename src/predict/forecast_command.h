// `thaw forecast`: a file in, a forecast as table, CSV or JSON out, and a drawing. A file of many
// series gives one table of all; those that cannot be forecast are named in the error.
//
// Pure: the caller reads the file, parses words and prints. Thread: any. Owner: values; the views
// in ForecastCommand must live as long as it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "predict/country_holidays.h"
#include "predict/cross_validation.h"
#include "predict/panel_forecast.h"
#include "predict/picture.h"
#include "predict/plot.h"

namespace thaw::predict {

struct ForecastCommand {
  enum class Output { kTable, kCsv, kJson };
  enum class Plot { kNone, kShown };

  std::string_view source;         // the file's name for messages, "standard input" for none
  std::string_view text;           // its content, CSV or JSON
  std::string_view future_source;  // the same for the rows to be forecast; "" for none
  std::string_view future_text;
  /// Options by name as set_option (request.h) takes them, e.g. {"periods", "28"}; they win over
  /// those of a JSON text.
  std::vector<std::pair<std::string, std::string>> options;
  /// A model fitted elsewhere (saved_model.h): then `text` is not looked at.
  std::string_view model_text;
  std::string saved_model;  // where the fitted model is to be written; "" for nowhere
  /// Cross-validation instead of a forecast.
  struct Validation {
    CrossValidationWords words;
    std::string rows_file;  // where the single rows are to be written; "" for nowhere
  };
  std::optional<Validation> validation;
  Output output = Output::kTable;
  Plot plot = Plot::kShown;     // before the table; with kCsv and kJson it goes to `notes`
  PlotOptions drawing;          // interval_width is taken from the options
  CountryTable countries;       // of those that the options name without a table
  RunTasks run = run_in_order;  // what many series are forecast with
  /// Pictures to be made: names ending in .png or .svg; "" for none.
  std::string picture;
  std::string components_picture;
  PictureFacts::Changepoints changepoints = PictureFacts::Changepoints::kHidden;
};

struct ForecastPrinted {
  int exit_code = 0;   // 0; 1 when a series cannot be forecast; 2 for a wrong option
  std::string output;  // for standard output
  std::vector<std::pair<std::string, std::string>> files;  // to be written: names and contents
  std::string notes;  // for standard error: ignored columns, a doubtful fit
  /// What went wrong, one line a series that failed; with an exit code, maybe beside an output.
  std::optional<Error> error;
};

ForecastPrinted run_forecast(const ForecastCommand& command);

}  // namespace thaw::predict
