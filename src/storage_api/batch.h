// Batches of calls: their parsing and the gathering of their answers.
//
// **Thread**: the loop's. **Owner**: values. **Limits**: 100 calls, 10 MiB.
// Source: Cloud Storage's "sending batch requests".
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage_api/call.h"

namespace thaw::storage_api {

struct BatchPart {
  std::string content_id;
  http::Request request;
};
/// kInvalidArgument says what is malformed.
Result<std::vector<BatchPart>> parse_batch(std::string_view content_type, std::string_view body);
Result<http::Request> parse_batch_part(std::string_view text);

/// Hands each part to `dispatch` and answers `batch` when all parts were answered.
void run_batch(const CallPtr& batch, const std::function<void(CallPtr part)>& dispatch);

}  // namespace thaw::storage_api
