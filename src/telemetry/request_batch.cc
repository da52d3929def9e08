#include "telemetry/request_batch.h"

namespace thaw::telemetry {
namespace {

constexpr std::array kFields = {
    &RequestRecord::service,   &RequestRecord::revision,   &RequestRecord::instance,
    &RequestRecord::method,    &RequestRecord::scheme,     &RequestRecord::host,
    &RequestRecord::target,    &RequestRecord::user_agent, &RequestRecord::referer,
    &RequestRecord::remote_ip, &RequestRecord::server_ip,  &RequestRecord::protocol,
    &RequestRecord::trace_id,  &RequestRecord::woken_from};

}  // namespace

bool RequestBatch::add(const RequestRecord& record, Limits limits) {
  static_assert(kFields.size() == kTexts);
  if (records_.size() >= limits.records || text_.size() >= limits.text) return false;
  Kept& kept = records_.emplace_back();
  kept.record = record;
  for (size_t i = 0; i < kTexts; ++i) {
    const std::string_view text = (record.*kFields[i]).substr(0, kLongestText);
    kept.lengths[i] = static_cast<uint16_t>(text.size());
    text_ += text;
  }
  return true;
}

void RequestBatch::clear() {
  text_.clear();
  records_.clear();
}

RequestRecord RequestBatch::restore(const Kept& kept, size_t& at) const {
  RequestRecord record = kept.record;
  for (size_t i = 0; i < kTexts; ++i) {
    record.*kFields[i] = std::string_view(text_).substr(at, kept.lengths[i]);
    at += kept.lengths[i];
  }
  return record;
}

}  // namespace thaw::telemetry
