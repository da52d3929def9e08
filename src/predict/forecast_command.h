// `thaw forecast`: a file in, a forecast as table, CSV or JSON out, and a drawing.
//
// Pure: the caller reads the file, parses words and prints. Thread: any. Owner: values; the views
// in ForecastCommand must live as long as it.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  Output output = Output::kTable;
  Plot plot = Plot::kShown;  // before the table; with kCsv and kJson it goes to `notes`
  PlotOptions drawing;       // interval_width is taken from the options
};

struct ForecastPrinted {
  int exit_code = 0;   // 0; 1 when the text is no forecastable series; 2 for a wrong option
  std::string output;  // for standard output
  std::string notes;   // for standard error: the error, ignored columns, a doubtful fit
};

ForecastPrinted run_forecast(const ForecastCommand& command);

}  // namespace thaw::predict
