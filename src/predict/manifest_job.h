// ManifestJob: the forecasts of a manifest, one after the other, as a push of its notification asks
// for them.
//
// A step machine without I/O, as BatchJob (batch_job.h), which makes each of them. What it writes
// into the output bucket besides the forecasts:
//   ID.status.json             a job's state, its input and output, and the error's text
//   NAME.manifest.status.json  how many are done and failed, now and then while it goes on
// A job that fails leaves its reason beside its output, does not stop the others, and fails the
// push in the end. The next delivery finds the others done.
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

  using Step = BatchJob::Step;
  Step begin();
  Step on_store(const Result<http::Response>& answer);
  Step on_forecast(const http::Response& answer);

 private:
  enum class State { kManifest, kRefusal, kJob, kStatus, kProgress, kLast };
  Step after_manifest(const http::Response& answer);
  Step next();
  Step go_on(Step step);
  Step ended(const http::Response& response);
  Step write_progress();
  BatchJob::Finish result() const;
  BatchJob::CallStore put(const std::string& name, const Json& content) const;

  InputObject manifest_;
  std::string output_bucket_;
  http::Query options_;  // of all jobs; a job's own parameters replace them
  State state_ = State::kManifest;
  std::vector<ManifestEntry> jobs_;
  size_t next_ = 0;
  size_t failed_ = 0;
  std::string first_fault_;
  std::optional<BatchJob> job_;
  http::Response refusal_;
};

}  // namespace thaw::predict
