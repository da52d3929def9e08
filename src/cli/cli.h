// The `thaw` command: parses words, calls the platform's API, prints.
//
// run() is all that main() needs. What `up`, `serve` and `forecast` do is not in this room: the
// caller passes it as Programs. Not for talking to an instance from inside the platform.
// Thread: the caller's, which also takes the turns of Ports' loop; run() blocks until the command
// is done. Owner: all arguments outlive run(). Limits: an input file or stdin of at most 32 MiB.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/outcome.h"
#include "cli/terminal.h"
#include "doctor/target.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::cli {

/// `thaw serve`: the native model server as an ordinary container.
struct ServeOptions {
  std::string task;  // one of kServeTasks; "": what each model's folder says
  /// Folders of models, each with the name that its paths have.
  std::vector<std::pair<std::string, std::string>> models;
  int threads = 0;    // of a model; 0: as many as the CPU limit gives
  std::string dtype;  // of a model's products: "float32", "int8"; "": float32
  /// Where files of packed panels may be, the first first; empty: they are not kept.
  std::vector<std::string> panel_folders;
  bool keeps_panels_beside = false;  // in each model's own folder, before those
  std::string output_bucket;         // of forecasts that a bucket's notification asks for; "": none
  std::string object_store;          // $STORAGE_EMULATOR_HOST: "http://127.0.0.1:8081", or ""
  std::string host = "0.0.0.0";      // an IP address, as the container contract wants it
  uint16_t port = 8080;              // --port, else $PORT, else 8080
};
inline constexpr std::string_view kServeTasks[] = {
    "forecast",           "question-answering", "text-classification", "token-classification",
    "feature-extraction", "fill-mask"};

/// Prophet's auto / True / False / number of Fourier terms.
struct SeasonalityOption {
  enum class Kind { kAuto, kOn, kOff, kOrder };
  Kind kind = Kind::kAuto;
  int order = 0;  // kOrder: at least 1
};

/// `thaw forecast`. What is empty was not given: the forecaster's own default applies.
struct ForecastOptions {
  std::string file;            // "-" is standard input
  std::optional<int> periods;  // 1..100000 steps after the last date of the file
  std::string freq;            // pandas' name of the step ("D", "W", "MS", "H", ...)
  enum class Output { kCsv, kJson, kTable };
  Output output = Output::kTable;  // --output, else a table on a terminal and CSV elsewhere
  bool draw = false;               // --draw or --no-draw, else whether a table goes to a terminal
  int width = 80;                  // columns for the table and the drawing
  bool colour = false;             // whether the output may hold colour sequences
  bool quiet = false;              // no progress
  std::optional<double> interval_width;  // in (0, 1)
  std::optional<uint64_t> seed;
  std::string growth;                             // "", "linear", "logistic", "flat"
  std::vector<std::string> changepoints;          // dates as they were given
  std::optional<int> n_changepoints;              // >= 0
  std::optional<double> changepoint_range;        // in (0, 1]
  std::optional<double> changepoint_prior_scale;  // > 0
  std::optional<double> seasonality_prior_scale;  // > 0
  std::optional<SeasonalityOption> yearly;
  std::optional<SeasonalityOption> weekly;
  std::optional<SeasonalityOption> daily;
  std::string scaling;  // "", "absmax", "minmax"
  std::string holidays_file;
  std::string future_file;
  std::string plot_file;             // .png or .svg
  std::string components_plot_file;  // the same
  bool plot_changepoints = false;
  std::string model_file;       // fitted already; then `file` is empty
  std::string save_model_file;  // where the fitted model goes
  bool cross_validate = false;
  std::string horizon, initial, period;  // lengths of time as they were given
  std::string cutoffs, rolling_window;
  std::string validation_rows_file;
  /// Further options under the names of the forecaster's request, e.g. {"cap", "8.5"}.
  std::vector<std::pair<std::string, std::string>> others;
};

/// `thaw simulate`.
struct SimulateOptions {
  std::string service_file;  // "": limits by default
  std::string trace_file;    // "": calls are made after `pattern`
  std::string pattern = "steady";
  int services = 100;
  Duration span = std::chrono::hours(24);
  Duration shortest_gap = seconds(60);
  Duration longest_gap = std::chrono::hours(3);
  Duration service_time = milliseconds(200);
  Duration start_time = seconds(2);
  std::optional<Duration> hibernate_after = seconds(20);  // nothing: never
  double hibernated_memory = 0.1;                         // the share that one holds
  Duration wake_time = milliseconds(100);                 // of a hibernated one
  uint64_t seed = 1;
  std::vector<std::string> policies;  // empty: all
  std::string plot_file;              // "": no picture
  bool json = false;
  bool quiet = false;
};

/// `thaw doctor`.
struct DoctorOptions {
  doctor::Request request;
  std::optional<Duration> max_wait;  // --timeout: for the start
  std::function<void(std::string_view step)> progress;
};

/// The programs that live elsewhere; each returns an exit code (exit_code.h).
struct Programs {
  /// Gets the words after `up` as they were typed, --help included.
  std::function<int(std::span<const std::string_view> words)> up;
  /// Names of up's flags with their dashes, for completion; may be empty.
  std::function<std::vector<std::string>()> up_flags;
  std::function<int(const ServeOptions&)> serve;
  std::function<Outcome<ExitCode>(const ForecastOptions&)> forecast;
  std::function<int(const SimulateOptions&)> simulate;
  /// Examines a program on this machine; kCancelled after Ctrl-C, when nothing of it runs any more.
  std::function<Result<doctor::Facts>(const DoctorOptions&)> doctor;
  std::string version;  // "0.1.0"
};

/// Ports for the commands that call the API. Each is asked for only when it is needed, so that
/// `serve` and `up` do not pay for a loop they do not use.
class Ports {
 public:
  virtual ~Ports() = default;
  virtual io::Loop& loop() = 0;
  virtual io::Net& net() = 0;
  virtual io::Disk& disk() = 0;
};

/// Runs the command that argv names; returns the process's exit code (exit_code.h).
int run(int argc, const char* const* argv, const Programs& programs, Terminal& terminal,
        Ports& ports);

}  // namespace thaw::cli
