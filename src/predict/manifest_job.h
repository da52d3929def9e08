// ManifestJob: the forecasts of a manifest, one after the other, as a push of its notification asks
// for them.
//
// A step machine without I/O, as BatchJob (batch_job.h), which makes each of them. What it writes
// into the output bucket besides the forecasts:
//   ID.status.json             a job's state, its input and output, and the error's text
//   NAME.manifest.status.json  how many are done and failed, now and then while it goes on
//   NAME.manifest.json.error.json  why the manifest cannot be read, until one can be
// A job that fails leaves its reason beside its output, does not stop the others, and fails the
// push in the end. The next delivery finds the others done. What may pass ends the delivery, and
// the status says WAITING till the next one: none says RUNNING for ever.
//
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: those of manifest.h; a manifest of
// 32 MiB.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "predict/manifest.h"

namespace thaw::predict {

class ManifestJob {
 public:
  ManifestJob(InputObject manifest, std::string output_bucket, http::Query options)
      : manifest_(std::move(manifest)),
        output_bucket_(std::move(output_bucket)),
        options_(std::move(options)) {}

  BatchStep begin();
  BatchStep on_store(const Result<http::Response>& answer);
  BatchStep on_forecast(const http::Response& answer);

 private:
  enum class State {
    kManifest,
    kGone,     // the status is looked at
    kReason,   // an old one is looked at
    kForget,   // and deleted
    kRefusal,  // the reason is written
    kJob,
    kStatus,
    kProgress,
    kLast,
    kEnd,  // its last word is written
  };
  BatchStep after_manifest(const http::Response& answer);
  BatchStep after_gone(const http::Response& answer);
  BatchStep after_reason(const http::Response& answer);
  bool is_ours(const Json& resource) const;
  BatchStep wait_for_next(const http::Response& why);
  BatchStep fail(std::string_view precondition);
  BatchStep next();
  BatchStep go_on(BatchStep step);
  BatchStep ended(const http::Response& response);
  BatchStep write_progress();
  BatchEnd result() const;
  Json progress(std::string_view state) const;
  StoreCall put(const std::string& name, const Json& content,
                std::string_view precondition = "") const;

  InputObject manifest_;
  std::string output_bucket_;
  http::Query options_;  // of all jobs; a job's own parameters replace them
  State state_ = State::kManifest;
  std::vector<ManifestEntry> jobs_;
  size_t next_ = 0;
  size_t failed_ = 0;
  std::string first_fault_;
  std::optional<BatchJob> job_;
  http::Response end_;  // once its last word is written
};

}  // namespace thaw::predict
