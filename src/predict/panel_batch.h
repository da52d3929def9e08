// PanelBatch: the forecast of an input that is too large to be held, or too much for one forecast:
// a file of many series, read, forecast and written piece by piece.
//
// A step machine without I/O, which BatchJob (batch_job.h) goes on with.
//
//   look at status and output -> begin an upload
//     -> (read a part -> forecast its whole series -> write a part)... -> end it
//
// The output comes to be when its upload ends, and only over what was read before. How far it is
// stands in NAME.status.json beside it, written anew some kReports times: state, bytes read, series
// done and failed, the first fault. A series that cannot be forecast is left out; when all fail, or
// the file cannot be cut, the reason goes beside the output (NAME.error.json) and the push fails.
// Of two jobs at once the first to report tells; the other writes the status only if it wins. A job
// that ends early says FAILED, also where it is tried again; then the next one says RUNNING again.
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: those of panel_chunks.h; in memory
// are kRead bytes of the input, a chunk, its forecast and kPart bytes of the output. A chunk has as
// many series as draw some seconds together, so that other requests get their turn between two; one
// whose fits are too much for one forecast is halved.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "http/query.h"
#include "predict/batch_step.h"
#include "predict/forecast_sheet.h"
#include "predict/panel_chunks.h"

namespace thaw::predict {

class PanelBatch {
 public:
  static constexpr int64_t kRead = 8 << 20;
  static constexpr size_t kPart = 8 << 20;
  static constexpr int64_t kReports = 20;

  struct Facts {
    InputObject input;
    OutputObject output;
    http::Query options;
    Json metadata;                  // of the output
    std::string output_generation;  // that it is written over; "0": none
    int64_t size = 0;               // of the input
    GoneInput gone = GoneInput::kToldLater;
  };
  explicit PanelBatch(Facts facts);

  /// `first`: the input's first bytes.
  BatchStep begin(std::string_view first);
  BatchStep on_store(const Result<http::Response>& answer);
  BatchStep on_forecast(const http::Response& answer);
  /// Whether the output is there.
  bool is_written() const { return is_written_; }

 private:
  enum class State { kLook, kCheck, kOpen, kRead, kForecast, kWrite, kReport, kLastWrite, kEnd };
  enum class Over { kOwn, kAny };  // which status a report may replace
  BatchStep go_on();
  BatchStep refuse(int status, std::string_view name, std::string_view why);
  BatchStep give_up(BatchEnd end);
  BatchStep halve();
  BatchStep end_of_input();
  BatchStep write_part(size_t bytes, bool is_last);
  BatchStep after_end(const Result<http::Response>& answer);
  StoreCall report(std::string_view state, Over over);
  BatchStep after_look(const http::Response& answer);
  BatchStep after_check(const http::Response& answer);
  BatchStep lose();
  Json status(std::string_view state) const;

  Facts facts_;
  State state_ = State::kLook;
  PanelChunks chunks_;
  ForecastSheet sheet_;
  int64_t read_ = 0;           // bytes of the input
  int64_t reported_ = 0;       // of them, when the last report was made
  bool tells_ = true;          // false: the status is another job's
  bool says_running_ = false;  // the status, by this job
  bool is_written_ = false;
  std::string status_generation_ = "0";  // of the status that it may replace
  std::string upload_;                   // the target of its parts; "": there is none (any more)
  std::string pending_;                  // of the output, not yet written
  int64_t written_ = 0;
  PanelChunks::Chunk chunk_;  // that is being forecast
  std::vector<PanelChunks::Chunk>
      halves_;                    // that are next, of one that was too much; the last first
  size_t done_ = 0, failed_ = 0;  // series
  std::string first_fault_;
  std::vector<StoreCall> last_calls_;  // before the end, the last one first
  BatchEnd end_;
};

}  // namespace thaw::predict
