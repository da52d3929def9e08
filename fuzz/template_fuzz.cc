// What a sandbox that makes a snapshot says of it comes from the service's own code: any bytes are
// taken or not, and what is taken is bounded.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "sandbox/python_template.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto report = thaw::sandbox::parse_template_report(text);
  if (!report) return 0;
  CHECK(report->modules >= 0 && report->left_out >= 0 && report->none.size() <= 200);
  CHECK(report->none.find('\n') == report->none.npos, "its words are one line");
  return 0;
}
