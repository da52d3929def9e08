// Manifest: a list of forecasts to be made, each with its input, its output and its parameters.
//
//   {"jobs": [{"id": "store-7", "input": "gs://sales/7.csv", "output": "gs://forecasts/7.csv",
//              "parameters": {"periods": 14}}]}
//
// One job may stand alone, without the list. `output` may be left out: the input's name in the
// output bucket. **Thread**: any. **Owner**: values. **Limits**: kMostJobs; ids of 128 characters.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "http/message.h"
#include "predict/batch_job.h"

namespace thaw::predict {

inline constexpr size_t kMostJobs = 10'000;

struct ManifestEntry {
  std::string id;
  InputObject input;
  OutputObject output;
  http::Query parameters;
};

/// Whether an object of that name is one: "manifest.json", "night.manifest.json".
bool is_manifest(std::string_view name);

/// Where a manifest's own status goes, beside the ids' and the outputs' of the output bucket:
/// "night.manifest.json" -> "night.manifest.status.json".
std::string progress_name(std::string_view manifest_name);

/// `place`: the output bucket, and the manifest's own name. kInvalidArgument names the job, the
/// field and, for an unknown one, the nearest right name; also where two things would be written
/// to one object.
Result<std::vector<ManifestEntry>> read_manifest(std::string_view text, const OutputObject& place);

}  // namespace thaw::predict
