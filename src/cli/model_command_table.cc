// Models served and forecasts made: the table of their commands.
#include "cli/command_tables.h"
#include "cli/handlers.h"

namespace thaw::cli {
namespace {

constexpr Flag kServeFlags[] = {
    {.name = "model",
     .value = "DIR|NAME=DIR",
     .help = "A model's folder, as Hugging Face lays it out; may be given several times. With "
             "--task forecast a file of prophet.serialize.",
     .completes = Completes::kFile},
    {.name = "task",
     .value = "TASK",
     .help = "What to serve: forecast, or what the model is for if its config.json does not say.",
     .choices = "forecast|question-answering|text-classification|token-classification|"
                "feature-extraction|fill-mask"},
    {.name = "threads",
     .value = "N",
     .help = "Threads of a model, 1 to 256; as many as the CPU limit gives if not given."},
    {.name = "dtype",
     .value = "TYPE",
     .help = "What a model's products are computed in: float32, if not given, or int8, which is "
             "faster and takes a quarter of the memory, and rounds.",
     .choices = "float32|int8"},
    {.name = "cache-dir",
     .value = "DIR|none",
     .help = "Where the packed matrices of a model are kept for later starts; if not given, in the "
             "model's folder, or in ~/.cache/thaw where that cannot be written.",
     .completes = Completes::kFile},
    {.name = "output-bucket",
     .value = "BUCKET",
     .help = "Where forecasts go that a push of a bucket's notification asks for; the object store "
             "is at $STORAGE_EMULATOR_HOST."},
    {.name = "port", .value = "PORT", .help = "Where to listen; else $PORT, else 8080."},
    {.name = "host", .value = "IP", .help = "The address to listen on; 0.0.0.0 if not given."},
};

constexpr Flag kForecastFlags[] = {
    {.name = "periods", .value = "N", .help = "Steps to forecast after the last date."},
    {.name = "freq",
     .value = "FREQ",
     .help = "The step: D, W, MS, H, ... as in pandas; if not given, the file's own."},
    {.name = "output",
     .letter = 'o',
     .value = "FORMAT",
     .help = "csv, json or table; a table on a terminal and CSV elsewhere if not given.",
     .choices = "csv|json|table"},
    {.name = "draw",
     .help = "Draw the series and the forecast above the table.",
     .negation = Flag::Negation::kAllowed},
    {.name = "plot",
     .value = "FILE",
     .help = "Make a picture of the series and the forecast: FILE.png or FILE.svg.",
     .completes = Completes::kFile},
    {.name = "plot-components",
     .value = "FILE",
     .help = "The same of trend, holidays, seasons and regressors, each by itself.",
     .completes = Completes::kFile},
    {.name = "plot-changepoints", .help = "Show in the picture of --plot where the trend changes."},
    {.name = "model",
     .value = "FILE.json",
     .help = "A fitted model, as prophet.serialize writes it, instead of a file to fit.",
     .completes = Completes::kFile},
    {.name = "save-model",
     .value = "FILE.json",
     .help = "Write the fitted model in the same form.",
     .completes = Completes::kFile},
    {.name = "cross-validate",
     .help = "Show how good forecasts from earlier days would have been, instead of one."},
    {.name = "horizon", .value = "LENGTH", .help = "How far those look ahead: '30 days', 12h."},
    {.name = "period",
     .value = "LENGTH",
     .help = "What lies between their days; half a horizon if not given."},
    {.name = "initial",
     .value = "LENGTH",
     .help = "What the first has before it; three horizons or a longest season if not given."},
    {.name = "cutoffs", .value = "DATE,...", .help = "Their days, instead of --period."},
    {.name = "rolling-window",
     .value = "SHARE",
     .help = "Share of the rows that each measure is the mean of; 0.1 if not given, -1: each row "
             "alone."},
    {.name = "cross-validation-rows",
     .value = "FILE",
     .help = "Write the single rows of the cross-validation as CSV.",
     .completes = Completes::kFile},
    {.name = "interval-width",
     .value = "SHARE",
     .help = "Share of outcomes that the uncertainty interval holds, 0 to 1."},
    {.name = "seed", .value = "N", .help = "Seed of the uncertainty's draws."},
    {.name = "uncertainty-samples",
     .value = "N",
     .help = "How many futures are simulated for the interval; 0: none is shown."},
    {.name = "include-history", .help = "Show the dates of the file too."},
    {.name = "future",
     .value = "FILE",
     .help = "The rows to forecast: ds and the columns that the model needs.",
     .completes = Completes::kFile},
    {.name = "growth",
     .value = "KIND",
     .help = "Trend: linear, logistic or flat.",
     .choices = "linear|logistic|flat"},
    {.name = "cap",
     .value = "Y",
     .help = "Upper limit of logistic growth, if the file has no column cap."},
    {.name = "floor",
     .value = "Y",
     .help = "Lower limit of logistic growth, if the file has no column floor."},
    {.name = "changepoints",
     .value = "DATE,...",
     .help = "Where the trend may change, instead of evenly spread points."},
    {.name = "n-changepoints", .value = "N", .help = "How many points the trend may change at."},
    {.name = "changepoint-range",
     .value = "SHARE",
     .help = "Share of the history in which the trend may change, 0 to 1."},
    {.name = "changepoint-prior-scale",
     .value = "SCALE",
     .help = "How freely the trend may change; more than 0."},
    {.name = "seasonality-prior-scale",
     .value = "SCALE",
     .help = "How strong seasons may be; more than 0."},
    {.name = "yearly-seasonality",
     .value = "auto|true|false|N",
     .help = "Whether there is a yearly season, or its number of Fourier terms."},
    {.name = "weekly-seasonality", .value = "auto|true|false|N", .help = "The same for weeks."},
    {.name = "daily-seasonality", .value = "auto|true|false|N", .help = "The same for days."},
    {.name = "scaling",
     .value = "KIND",
     .help = "How y is scaled: absmax or minmax.",
     .choices = "absmax|minmax"},
    {.name = "seasonality-mode",
     .value = "MODE",
     .help = "Seasons are added to the trend, or shares of it: additive or multiplicative.",
     .choices = "additive|multiplicative"},
    {.name = "add-seasonality",
     .value = "NAME,period=DAYS,fourier_order=N,...",
     .help = "A season of your own; also prior_scale, mode, condition_name. May be given several "
             "times."},
    {.name = "add-regressor",
     .value = "COLUMN,...",
     .help = "A column of the file that explains y; also prior_scale, mode, standardize. May be "
             "given several times."},
    {.name = "holidays",
     .value = "FILE",
     .help = "A CSV or JSON file with holiday, ds; also lower_window, upper_window, prior_scale, "
             "country.",
     .completes = Completes::kFile},
    {.name = "country-holidays",
     .value = "COUNTRY,...",
     .help = "Countries whose holidays count: those of the file of --holidays, else of the tables "
             "that `make holidays` makes. Holidays without a country always count."},
    {.name = "holidays-mode",
     .value = "MODE",
     .help = "As --seasonality-mode, for holidays.",
     .choices = "additive|multiplicative"},
    {.name = "holidays-prior-scale",
     .value = "SCALE",
     .help = "How strong holidays and regressors may be; more than 0."},
};

constexpr Command kCommands[] = {
    {.name = "serve",
     .arguments = "--model DIR | --task forecast",
     .summary = "Run the native model server",
     .description = "An ordinary container: it listens on $PORT and ends on SIGTERM. This is what "
                    "the image thaw.local/serve runs. With models: POST /predict takes the task's "
                    "fields or Hugging Face's inputs and parameters; /docs shows every path.",
     .flags = kServeFlags,
     .examples = "$ thaw serve --task forecast --port 8080\n"
                 "$ thaw serve --task forecast --model model.json\n"
                 "$ thaw serve --model ./distilbert-squad\n"
                 "$ thaw serve --model qa=./distilbert-squad --model embed=./minilm\n",
     .main = serve_command},
    {.name = "forecast",
     .arguments = "[FILE.csv|-]",
     .summary = "Forecast a time series with Prophet's model",
     .description = "The file has the columns ds (or date) and y; with a column unique_id it holds "
                    "many series, which are forecast in parallel. No platform is needed.",
     .flags = kForecastFlags,
     .min_arguments = 0,
     .max_arguments = 1,
     .completes = Completes::kFile,
     .examples = "$ thaw forecast history.csv --periods 28\n"
                 "$ thaw forecast history.csv --plot forecast.png --plot-components parts.svg\n"
                 "$ thaw forecast history.csv --cross-validate --horizon '30 days'\n"
                 "$ thaw forecast history.csv --save-model model.json\n"
                 "$ thaw forecast --model model.json --periods 7\n"
                 "$ thaw forecast - --output json < history.csv\n",
     .main = forecast_command},
};

}  // namespace

std::span<const Command> model_commands() { return kCommands; }

}  // namespace thaw::cli
