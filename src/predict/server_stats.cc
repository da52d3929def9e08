#include "predict/server_stats.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::predict {

void ServerStats::on_answer(const std::string& path, int status, Duration took) {
  Path& counted = paths_[path];
  ++counted.by_status[status];
  const double value = to_seconds(took);
  counted.sum_s += value;
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin();
  ++counted.counts[static_cast<size_t>(bucket)];
}

void ServerStats::on_batch(size_t requests) {
  ++batches_;
  batched_ += requests;
}

std::string ServerStats::render(size_t waiting) const {
  std::string out =
      "# HELP inference_requests_total Answered requests.\n"
      "# TYPE inference_requests_total counter\n";
  for (const auto& [path, counted] : paths_) {
    for (const auto& [status, count] : counted.by_status) {
      out += fmt::format("inference_requests_total{{path=\"{}\",code=\"{}\"}} {}\n", path, status,
                         count);
    }
  }
  out +=
      "# HELP inference_request_duration_seconds From the whole request to its answer.\n"
      "# TYPE inference_request_duration_seconds histogram\n";
  for (const auto& [path, counted] : paths_) {
    uint64_t total = 0;
    for (size_t i = 0; i < counted.counts.size(); ++i) {
      total += counted.counts[i];
      const std::string bound = i < kBounds.size() ? fmt::format("{}", kBounds[i]) : "+Inf";
      out += fmt::format("inference_request_duration_seconds_bucket{{path=\"{}\",le=\"{}\"}} {}\n",
                         path, bound, total);
    }
    out += fmt::format(
        "inference_request_duration_seconds_sum{{path=\"{0}\"}} {1}\n"
        "inference_request_duration_seconds_count{{path=\"{0}\"}} {2}\n",
        path, counted.sum_s, total);
  }
  out += fmt::format(
      "# HELP inference_batches_total Batches that went through a model.\n"
      "# TYPE inference_batches_total counter\ninference_batches_total {}\n"
      "# HELP inference_batched_requests_total Requests in them.\n"
      "# TYPE inference_batched_requests_total counter\ninference_batched_requests_total {}\n"
      "# HELP inference_queue_length Requests that wait.\n"
      "# TYPE inference_queue_length gauge\ninference_queue_length {}\n"
      "# HELP inference_start_seconds Steps of the start, since the process was executed.\n"
      "# TYPE inference_start_seconds gauge\n",
      batches_, batched_, waiting);
  for (const auto& [step, when] : steps_) {
    out += fmt::format("inference_start_seconds{{step=\"{}\"}} {}\n", step, to_seconds(when));
  }
  out +=
      "# HELP inference_load_seconds Parts of loading a model: map, then cache or pack.\n"
      "# TYPE inference_load_seconds gauge\n";
  for (const auto& [part, took] : loads_) {
    out += fmt::format("inference_load_seconds{{model=\"{}\",part=\"{}\"}} {}\n", part.first,
                       part.second, to_seconds(took));
  }
  return out;
}

}  // namespace thaw::predict
