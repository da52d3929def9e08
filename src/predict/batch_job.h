// BatchJob: one file of a bucket to its forecast in another, as a push of the bucket's notification
// asks for it: what to read, what to do with each answer of the object store, what to write.
//
// A step machine without I/O. Idempotent under redelivery: the output carries the generation of the
// input that it was made of, and is written only over what was read before, so that of two
// deliveries at once one wins and an older input never replaces a newer one's forecast.
//
//   read the output's metadata -> done already? -> read the input -> forecast -> write the output
//
// An input that cannot be forecast leaves its reason beside the output (NAME.error.json) and fails
// the delivery, so that the subscription's dead-letter policy gets it.
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: inputs of 32 MiB.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "http/message.h"

namespace thaw::predict {

/// The object that a notification is about.
struct InputObject {
  std::string bucket;
  std::string name;
  std::string generation;
};

/// What a push to POST / says. nullopt: an event that needs nothing (another type than
/// OBJECT_FINALIZE). kInvalidArgument: no push of a bucket's notification.
Result<std::optional<InputObject>> read_notification(std::string_view body);

class BatchJob {
 public:
  /// `options`: the push endpoint's query, options of the forecast.
  BatchJob(InputObject input, std::string output_bucket, http::Query options)
      : input_(std::move(input)),
        output_bucket_(std::move(output_bucket)),
        options_(std::move(options)) {}

  /// A request to the object store: method, target, headers and body are set.
  struct CallStore {
    http::Request request;
  };
  /// To be answered as POST /predict is.
  struct Forecast {
    http::Request request;
  };
  /// The end: what the push is answered.
  struct Finish {
    http::Response response;
  };
  using Step = std::variant<CallStore, Forecast, Finish>;

  Step begin();
  /// After CallStore; an Error when it did not answer.
  Step on_store(const Result<http::Response>& answer);
  /// After Forecast.
  Step on_forecast(const http::Response& answer);

 private:
  enum class State { kOutput, kInput, kForecast, kWrite, kWriteFault, kDone };
  Step after_output(const http::Response& answer);
  Step after_input(const http::Response& answer);
  Step write(const std::string& name, const std::string& type, std::string content,
             const std::string& precondition);
  std::string output_path() const;

  InputObject input_;
  std::string output_bucket_;
  http::Query options_;
  State state_ = State::kOutput;
  std::string output_generation_ = "0";  // 0: there is none
  http::Response fault_;
};

}  // namespace thaw::predict
