#include "predict/batch_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

constexpr const char* kOptions = "options";

}  // namespace

Result<std::optional<InputObject>> read_notification(std::string_view body) {
  const auto fault = [](std::string what) {
    return Error(Code::kInvalidArgument, std::move(what) +
                                             ": POST / takes pushes of a bucket's notifications; "
                                             "series go to POST /predict");
  };
  const auto json = Json::parse(body);
  if (!json) return fault("the body: " + json.error().message());
  const Json& attributes = (*json)["message"]["attributes"];
  if (!attributes.is_object()) return fault("message.attributes: is missing");
  const std::string event = attributes.string_or("eventType");
  if (event.empty()) return fault("message.attributes.eventType: is missing");
  if (event != "OBJECT_FINALIZE") return std::optional<InputObject>();
  InputObject input{attributes.string_or("bucketId"), attributes.string_or("objectId"),
                    attributes.string_or("objectGeneration")};
  if (input.bucket.empty()) return fault("message.attributes.bucketId: is missing");
  if (input.name.empty()) return fault("message.attributes.objectId: is missing");
  if (number_of(input.generation) <= 0)
    return fault("message.attributes.objectGeneration: is none");
  return std::optional(std::move(input));
}

BatchJob::BatchJob(InputObject input, OutputObject output, http::Query options)
    : input_(std::move(input)),
      output_(std::move(output)),
      options_(std::move(options)),
      gone_(GoneInput::kAgain) {
  mark_ = "-";
  for (const auto& [key, value] : options_) mark_ += fmt::format(" {}={}", key, value);
}

BatchStep BatchJob::begin() {
  if (mark_.empty() && input_.bucket == output_.bucket) {
    return end_batch(200, "OK",
                     fmt::format("gs://{} is the output bucket too: its own files are left alone",
                                 output_.bucket));
  }
  if (input_.generation.empty()) {
    state_ = State::kGeneration;
    return StoreCall{get_metadata(input_.bucket, input_.name)};
  }
  return StoreCall{get_metadata(output_.bucket, output_.name)};
}

BatchStep BatchJob::after_generation(const http::Response& answered) {
  if (answered.status == 404) {
    fault_ =
        error_response(404, "NOT_FOUND", fmt::format("the input {} is not there", url_of(input_)));
    state_ = State::kWriteFault;
    return write(error_name(output_), "application/json", fault_.body, "");
  }
  const auto json = Json::parse(answered.body);
  if (json) input_.generation = json->string_or("generation");
  if (number_of(input_.generation) <= 0) {
    return end_batch(503, "INTERNAL", "the object store's answer names no generation");
  }
  state_ = State::kOutput;
  return StoreCall{get_metadata(output_.bucket, output_.name)};
}

BatchStep BatchJob::on_store(const Result<http::Response>& answered) {
  if (aftermath_) return aftermath_->on_store(answered);
  if (pieces_) return after_piece(pieces_->on_store(answered));
  if (!answered) {
    return end_batch(503, "UNAVAILABLE", "the object store: " + answered.error().message());
  }
  const int status = answered->status;
  const bool may_be_missing =
      state_ == State::kGeneration || state_ == State::kOutput || state_ == State::kInput;
  const bool raced = status == 412 && state_ == State::kWrite;
  const bool is_empty = status == 416 && state_ == State::kInput;
  if (status >= 300 && !(may_be_missing && status == 404) && !raced && !is_empty) {
    return end_batch(status == 403 ? 403 : 503, "UNAVAILABLE",
                     fmt::format("the object store answered {}: {:.300}", status, answered->body));
  }
  switch (state_) {
    case State::kGeneration:
      return after_generation(*answered);
    case State::kOutput:
      return after_output(*answered);
    case State::kInput:
      return after_input(*answered);
    case State::kWrite:
      if (raced) {
        return end_batch(503, "ABORTED",
                         "the output was written meanwhile; the next delivery looks");
      }
      return leave(end_batch(200, "OK", "wrote " + url_of(output_)), Aftermath::Verdict::kMade,
                   input_.generation);
    default:  // the reason is written
      return leave({fault_}, Aftermath::Verdict::kFailed, input_.generation);
  }
}

BatchStep BatchJob::after_output(const http::Response& answered) {
  if (answered.status != 404) {
    const auto json = Json::parse(answered.body);
    if (!json) return end_batch(503, "INTERNAL", "the object store's answer is no JSON");
    const Json& said = (*json)["metadata"];
    const std::string made_of = said.string_or(kInputGenerationKey);
    const bool is_same =
        said.string_or(kInputKey) == url_of(input_) && said.string_or(kOptions) == mark_;
    if (number_of(made_of) >= number_of(input_.generation) && is_same) {
      return leave(
          end_batch(200, "OK",
                    fmt::format("{} is made of generation {} already", url_of(output_), made_of)),
          Aftermath::Verdict::kMade, made_of);
    }
    output_generation_ = json->string_or("generation", "0");
  }
  state_ = State::kInput;
  return StoreCall{get_range(input_, 0, kMostInputBytes), kMostInputBytes};
}

BatchStep BatchJob::after_input(const http::Response& answered) {
  if (answered.status == 404) {
    return leave(end_of_gone_input(input_, gone_), Aftermath::Verdict::kGone, input_.generation);
  }
  if (answered.status == 206) {
    const std::string_view range = answered.headers.get("content-range");  // bytes 0-99/1234
    const int64_t size = number_of(range.substr(std::min(range.find('/'), range.size() - 1) + 1));
    if (size > kMostInputBytes) return begin_pieces(answered, size);
  }
  if (in_pieces_) return begin_pieces(answered, static_cast<int64_t>(answered.body.size()));
  state_ = State::kForecast;
  http::Request request{.method = "POST", .target = "/predict"};
  request.path = "/predict";
  request.query = options_;
  if (answered.status != 416) request.body = answered.body;  // 416: it is empty
  const bool is_json = input_.name.ends_with(".json");
  request.headers.add("content-type", is_json ? "application/json" : "text/csv");
  return ForecastCall{std::move(request)};
}

BatchStep BatchJob::begin_pieces(const http::Response& first, int64_t size) {
  state_ = State::kPieces;
  pieces_.emplace(PanelBatch::Facts{.input = input_,
                                    .output = output_,
                                    .options = options_,
                                    .metadata = metadata(input_.generation),
                                    .output_generation = output_generation_,
                                    .size = size,
                                    .gone = gone_});
  return pieces_->begin(first.body);
}

/// An output that was made in pieces may have an old reason beside it too.
BatchStep BatchJob::after_piece(BatchStep step) {
  const auto* end = std::get_if<BatchEnd>(&step);
  if (!end || end->response.status != 200 || !pieces_->is_written()) return step;
  return leave(*end, Aftermath::Verdict::kMade, input_.generation);
}

BatchStep BatchJob::on_forecast(const http::Response& answered) {
  if (pieces_) return after_piece(pieces_->on_forecast(answered));
  const bool is_json = input_.name.ends_with(".json");  // which cannot be cut
  if (answered.status == kTooMuch && !is_json) {
    in_pieces_ = true;
    state_ = State::kInput;
    return StoreCall{get_range(input_, 0, kMostInputBytes), kMostInputBytes};
  }
  if (answered.status < 300) {
    state_ = State::kWrite;
    return write(output_.name, std::string(answered.headers.get("content-type")), answered.body,
                 "ifGenerationMatch=" + output_generation_ + "&");
  }
  fault_ = answered;
  if (answered.status >= 500 || answered.status == 429) return BatchEnd{fault_};
  state_ = State::kWriteFault;
  return write(error_name(output_), "application/json", answered.body, "");
}

/// Ends by way of what lies beside the output. `generation`: of the input that the verdict is
/// about.
BatchStep BatchJob::leave(BatchEnd end, Aftermath::Verdict verdict, const std::string& generation) {
  InputObject input = input_;
  input.generation = generation;
  aftermath_.emplace(Aftermath::Facts{.input = std::move(input),
                                      .output = output_,
                                      .metadata = metadata(generation),
                                      .verdict = verdict,
                                      .end = std::move(end)});
  return aftermath_->begin();
}

Json BatchJob::metadata(const std::string& generation) const {
  Json all = Json::object({{kInputGenerationKey, generation}, {kInputKey, url_of(input_)}});
  if (!mark_.empty()) all.set(kOptions, mark_);
  return all;
}

BatchStep BatchJob::write(const std::string& name, const std::string& type, std::string content,
                          const std::string& precondition) {
  return StoreCall{
      put_object({output_.bucket, name}, precondition, type, metadata(input_.generation), content)};
}

}  // namespace thaw::predict
