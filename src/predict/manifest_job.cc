#include "predict/manifest_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

constexpr const char* kManifest = "manifest";
constexpr const char* kManifestGeneration = "manifest-generation";
constexpr const char* kRunning = "RUNNING";
constexpr const char* kWaiting = "WAITING";
constexpr size_t kReports = 20;  // of progress, over the whole manifest

bool may_pass(int status) { return status >= 500 || status == 429; }

}  // namespace

StoreCall ManifestJob::put(const std::string& name, const Json& content,
                           std::string_view precondition) const {
  const Json metadata = Json::object({{kManifest, url_of(manifest_)},
                                      {kManifestGeneration, manifest_.generation},
                                      {kStateKey, content.string_or(kStateKey)}});
  return {put_object({output_bucket_, name}, precondition, "application/json", metadata,
                     content.dump(Json::Style::kIndented) + "\n")};
}

BatchStep ManifestJob::begin() { return StoreCall{get_content(manifest_), kMostInputBytes}; }

BatchStep ManifestJob::on_store(const Result<http::Response>& answered) {
  if (state_ == State::kJob) return go_on(job_->on_store(answered));
  if (state_ == State::kEnd) {
    const bool is_told = answered && answered->status < 500;
    if (is_told || end_.status != 200) return BatchEnd{end_};
    return end_batch(503, "UNAVAILABLE", "the object store did not take the last status");
  }
  const bool may_be_missing =
      state_ == State::kManifest || state_ == State::kGone || state_ == State::kReason;
  const bool is_missing = answered && answered->status == 404;
  // An account that may write only, or another delivery that was faster: the reason stays.
  const bool is_kept = answered && state_ == State::kForget &&
                       (answered->status == 403 || answered->status == 412 || is_missing);
  if (!answered || (answered->status >= 300 && !(is_missing && may_be_missing) && !is_kept)) {
    const std::string why =
        answered ? fmt::format("answered {}: {:.300}", answered->status, answered->body)
                 : answered.error().message();
    const BatchEnd end = end_batch(503, "UNAVAILABLE", "the object store: " + why);
    return jobs_.empty() ? BatchStep(end) : wait_for_next(end.response);
  }
  switch (state_) {
    case State::kManifest:
      if (!is_missing) return after_manifest(*answered);
      state_ = State::kGone;
      return StoreCall{get_metadata(output_bucket_, progress_name(manifest_.name))};
    case State::kGone:
      return after_gone(*answered);
    case State::kReason:
      return after_reason(*answered);
    case State::kForget:
      return write_progress();
    case State::kRefusal:
      return fail("");
    case State::kStatus: {
      const size_t every = std::max<size_t>(1, jobs_.size() / kReports);
      if (next_ == jobs_.size() || next_ % every == 0) return write_progress();
      return next();
    }
    case State::kProgress:
      return next();
    default:
      return result();
  }
}

BatchStep ManifestJob::on_forecast(const http::Response& answered) {
  return go_on(job_->on_forecast(answered));
}

/// Whether an object that is there was written for this manifest, and for no newer one.
bool ManifestJob::is_ours(const Json& resource) const {
  const Json& said = resource["metadata"];
  return said.string_or(kManifest) == url_of(manifest_) &&
         number_of(said.string_or(kManifestGeneration)) <= number_of(manifest_.generation);
}

/// It was replaced, which an event of its own tells, or deleted.
BatchStep ManifestJob::after_gone(const http::Response& answered) {
  const BatchEnd end = end_batch(200, "OK", "the manifest is not there any more");
  const auto json = Json::parse(answered.status == 404 ? "{}" : answered.body);
  if (!json || !is_ours(*json)) return end;
  const std::string said = (*json)["metadata"].string_or(kStateKey);
  if (said != kRunning && said != kWaiting) return end;
  end_ = end.response;
  first_fault_ = "the manifest is not there any more";
  return fail(fmt::format("ifGenerationMatch={}&", json->string_or("generation", "0")));
}

BatchStep ManifestJob::after_manifest(const http::Response& answered) {
  auto jobs = read_manifest(answered.body, {output_bucket_, manifest_.name});
  if (!jobs) {
    state_ = State::kRefusal;
    end_ = error_response(400, "INVALID_ARGUMENT", jobs.error().message());
    first_fault_ = jobs.error().message();
    return put(error_name({"", manifest_.name}), *Json::parse(end_.body));
  }
  jobs_ = *std::move(jobs);
  state_ = State::kReason;
  return StoreCall{get_metadata(output_bucket_, error_name({"", manifest_.name}))};
}

/// Why an older manifest of the name could not be read.
BatchStep ManifestJob::after_reason(const http::Response& answered) {
  const auto json = Json::parse(answered.status == 404 ? "{}" : answered.body);
  if (!json || !is_ours(*json)) return write_progress();
  state_ = State::kForget;
  return StoreCall{delete_object({output_bucket_, error_name({"", manifest_.name})},
                                 json->string_or("generation"))};
}

BatchStep ManifestJob::next() {
  if (next_ == jobs_.size()) return result();
  const ManifestEntry& entry = jobs_[next_];
  if (entry.output.bucket == manifest_.bucket) {
    // Each output would be told of as a new file: the endless loop.
    return ended(
        error_response(400, "INVALID_ARGUMENT",
                       fmt::format("the output {} is in the bucket whose new files this service "
                                   "is told of; name another bucket",
                                   url_of(entry.output))));
  }
  http::Query options = entry.parameters;
  for (const auto& [name, value] : options_) {
    const bool is_own = std::ranges::any_of(
        entry.parameters, [&name = name](const auto& each) { return each.first == name; });
    if (!is_own) options.emplace_back(name, value);
  }
  job_.emplace(entry.input, entry.output, std::move(options));
  state_ = State::kJob;
  return go_on(job_->begin());
}

BatchStep ManifestJob::go_on(BatchStep step) {
  if (const auto* finish = std::get_if<BatchEnd>(&step)) return ended(finish->response);
  return step;
}

/// What may pass ends this delivery: the next one goes on behind what is done.
BatchStep ManifestJob::ended(const http::Response& response) {
  if (may_pass(response.status)) return wait_for_next(response);
  const ManifestEntry& entry = jobs_[next_];
  Json status = Json::object({{"id", entry.id},
                              {kStateKey, response.status < 300 ? "SUCCEEDED" : "FAILED"},
                              {"input", url_of(entry.input)},
                              {"output", url_of(entry.output)}});
  if (response.status >= 300) {
    const std::string fault = fault_of(response);
    status.set("error", Json::object({{"code", response.status}, {"message", fault}}));
    if (failed_++ == 0) first_fault_ = fmt::format("{}: {}", entry.id, fault);
  }
  ++next_;
  state_ = State::kStatus;
  return put(status_name({"", entry.id}), status);
}

BatchStep ManifestJob::wait_for_next(const http::Response& why) {
  state_ = State::kEnd;
  end_ = why;
  return put(progress_name(manifest_.name), progress(kWaiting));
}

/// Of a manifest that is none, or not there any more: then `end_` is the end.
BatchStep ManifestJob::fail(std::string_view precondition) {
  state_ = State::kEnd;
  const Json status =
      Json::object({{kStateKey, "FAILED"},
                    {"error", Json::object({{"code", end_.status == 200 ? 404 : end_.status},
                                            {"message", first_fault_}})}});
  return put(progress_name(manifest_.name), status, precondition);
}

Json ManifestJob::progress(std::string_view state) const {
  return Json::object({{kStateKey, state},
                       {"total", static_cast<int64_t>(jobs_.size())},
                       {"done", static_cast<int64_t>(next_ - failed_)},
                       {"failed", static_cast<int64_t>(failed_)}});
}

BatchStep ManifestJob::write_progress() {
  const bool is_over = next_ == jobs_.size();
  state_ = is_over ? State::kLast : State::kProgress;
  return put(progress_name(manifest_.name), progress(!is_over       ? kRunning
                                                     : failed_ == 0 ? "SUCCEEDED"
                                                                    : "FAILED"));
}

BatchEnd ManifestJob::result() const {
  if (failed_ == 0) {
    return end_batch(200, "OK", fmt::format("{} jobs are done", jobs_.size()));
  }
  return end_batch(422, "FAILED_PRECONDITION",
                   fmt::format("{} of {} jobs failed; {}", failed_, jobs_.size(), first_fault_));
}

}  // namespace thaw::predict
