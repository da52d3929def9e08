#include "predict/manifest_job.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "predict/error_response.h"

namespace thaw::predict {
namespace {

constexpr size_t kReports = 20;  // of progress, over the whole manifest

std::string url(std::string_view bucket, std::string_view name) {
  return fmt::format("gs://{}/{}", bucket, name);
}

bool may_pass(int status) { return status >= 500 || status == 429; }

}  // namespace

BatchJob::CallStore ManifestJob::put(const std::string& name, const Json& content) const {
  const Json metadata = Json::object({{"manifest", url(manifest_.bucket, manifest_.name)},
                                      {"manifest-generation", manifest_.generation}});
  return {put_object({output_bucket_, name}, "", "application/json", metadata,
                     content.dump(Json::Style::kIndented) + "\n")};
}

ManifestJob::Step ManifestJob::begin() {
  return BatchJob::CallStore{get_content(manifest_), kMostInputBytes};
}

ManifestJob::Step ManifestJob::on_store(const Result<http::Response>& answered) {
  if (state_ == State::kJob) return go_on(job_->on_store(answered));
  if (!answered || answered->status >= 300) {
    if (answered && answered->status == 404 && state_ == State::kManifest) {
      return end_batch(200, "OK", "the manifest is not there any more");
    }
    const std::string why =
        answered ? fmt::format("answered {}: {:.300}", answered->status, answered->body)
                 : answered.error().message();
    return end_batch(503, "UNAVAILABLE", "the object store: " + why);
  }
  switch (state_) {
    case State::kManifest:
      return after_manifest(*answered);
    case State::kRefusal:
      return BatchJob::Finish{refusal_};
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

ManifestJob::Step ManifestJob::on_forecast(const http::Response& answered) {
  return go_on(job_->on_forecast(answered));
}

ManifestJob::Step ManifestJob::after_manifest(const http::Response& answered) {
  auto jobs = read_manifest(answered.body, output_bucket_);
  if (!jobs) {
    state_ = State::kRefusal;
    refusal_ = error_response(400, "INVALID_ARGUMENT", jobs.error().message());
    return put(manifest_.name + ".error.json", *Json::parse(refusal_.body));
  }
  jobs_ = *std::move(jobs);
  return write_progress();
}

ManifestJob::Step ManifestJob::next() {
  if (next_ == jobs_.size()) return result();
  const ManifestEntry& entry = jobs_[next_];
  if (entry.output.bucket == manifest_.bucket) {
    // Each output would be told of as a new file: the endless loop.
    return ended(
        error_response(400, "INVALID_ARGUMENT",
                       fmt::format("the output {} is in the bucket whose new files this service "
                                   "is told of; name another bucket",
                                   url(entry.output.bucket, entry.output.name))));
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

ManifestJob::Step ManifestJob::go_on(Step step) {
  if (const auto* finish = std::get_if<BatchJob::Finish>(&step)) return ended(finish->response);
  return step;
}

/// What may pass ends this delivery: the next one goes on behind what is done.
ManifestJob::Step ManifestJob::ended(const http::Response& response) {
  if (may_pass(response.status)) return BatchJob::Finish{response};
  const ManifestEntry& entry = jobs_[next_];
  Json status = Json::object({{"id", entry.id},
                              {"state", response.status < 300 ? "SUCCEEDED" : "FAILED"},
                              {"input", url(entry.input.bucket, entry.input.name)},
                              {"output", url(entry.output.bucket, entry.output.name)}});
  if (response.status >= 300) {
    const std::string fault = fault_of(response);
    status.set("error", Json::object({{"code", response.status}, {"message", fault}}));
    if (failed_++ == 0) first_fault_ = fmt::format("{}: {}", entry.id, fault);
  }
  ++next_;
  state_ = State::kStatus;
  return put(entry.id + ".status.json", status);
}

ManifestJob::Step ManifestJob::write_progress() {
  const bool is_over = next_ == jobs_.size();
  state_ = is_over ? State::kLast : State::kProgress;
  std::string name = manifest_.name;
  name.resize(name.size() - std::string_view(".json").size());
  return put(name + ".status.json", Json::object({{"state", !is_over       ? "RUNNING"
                                                            : failed_ == 0 ? "SUCCEEDED"
                                                                           : "FAILED"},
                                                  {"total", static_cast<int64_t>(jobs_.size())},
                                                  {"done", static_cast<int64_t>(next_ - failed_)},
                                                  {"failed", static_cast<int64_t>(failed_)}}));
}

BatchJob::Finish ManifestJob::result() const {
  if (failed_ == 0) {
    return end_batch(200, "OK", fmt::format("{} jobs are done", jobs_.size()));
  }
  return end_batch(422, "FAILED_PRECONDITION",
                   fmt::format("{} of {} jobs failed; {}", failed_, jobs_.size(), first_fault_));
}

}  // namespace thaw::predict
