// BatchJob: one file of a bucket to its forecast in another, as a push of the bucket's notification
// asks for it: what to read, what to do with each answer of the object store, what to write.
//
// A step machine without I/O. Idempotent under redelivery: the output carries the input that it was
// made of and its generation, and is written only over what was read before, so that of two
// deliveries at once one wins and an older input never replaces a newer one's forecast.
//
//   read the output's metadata -> done already? -> read the input -> forecast -> write the output
//     -> what earlier deliveries left beside it (aftermath.h)
//
// An input that cannot be forecast leaves its reason beside the output (NAME.error.json) and fails
// the delivery, so that the subscription's dead-letter policy gets it.
// An input of more than 32 MiB is forecast in pieces (panel_batch.h), and so are many series that
// are too much for one forecast.
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: memory for an input of 32 MiB.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "predict/aftermath.h"
#include "predict/batch_step.h"
#include "predict/panel_batch.h"

namespace thaw::predict {

/// What a push to POST / says. nullopt: an event that needs nothing (another type than
/// OBJECT_FINALIZE). kInvalidArgument: no push of a bucket's notification.
Result<std::optional<InputObject>> read_notification(std::string_view body);

class BatchJob {
 public:
  /// `options`: the push endpoint's query, options of the forecast.
  BatchJob(InputObject input, std::string output_bucket, http::Query options)
      : input_(std::move(input)),
        output_{std::move(output_bucket), input_.name},
        options_(std::move(options)) {}
  /// A job of a manifest: an output of its own, which is made anew when the options change.
  BatchJob(InputObject input, OutputObject output, http::Query options);

  BatchStep begin();
  /// After StoreCall; an Error when it did not answer.
  BatchStep on_store(const Result<http::Response>& answer);
  /// After ForecastCall.
  BatchStep on_forecast(const http::Response& answer);

 private:
  enum class State { kGeneration, kOutput, kInput, kForecast, kPieces, kWrite, kWriteFault };
  BatchStep after_generation(const http::Response& answer);
  BatchStep after_output(const http::Response& answer);
  BatchStep after_input(const http::Response& answer);
  BatchStep begin_pieces(const http::Response& first, int64_t size);
  BatchStep after_piece(BatchStep step);
  BatchStep leave(BatchEnd end, Aftermath::Verdict verdict, const std::string& generation);
  Json metadata(const std::string& generation) const;
  BatchStep write(const std::string& name, const std::string& type, std::string content,
                  const std::string& precondition);

  InputObject input_;
  OutputObject output_;
  http::Query options_;
  std::string mark_;  // the options as the output carries them; "": it carries none
  GoneInput gone_ = GoneInput::kToldLater;
  State state_ = State::kOutput;
  bool in_pieces_ = false;               // even if it could be held
  std::string output_generation_ = "0";  // 0: there is none
  http::Response fault_;
  std::optional<PanelBatch> pieces_;
  std::optional<Aftermath> aftermath_;  // the rest is over
};

}  // namespace thaw::predict
