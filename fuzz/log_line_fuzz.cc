// What an instance prints is one line of its log, whatever it is, and comes back from its file as
// it was; what a collector answers is read without harm.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "telemetry/log_line.h"
#include "telemetry/otlp_spans.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::telemetry;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  rejected_spans(text);
  if (text.find('\n') != std::string_view::npos) return 0;  // then it would be two lines
  const LogLine line = line_of_output(text, LogLine::Stream::kStdout);
  const std::string printed = to_json(line).dump();
  CHECK(printed.find('\n') == std::string::npos, "one line");
  const auto json = thaw::Json::parse(printed);
  CHECK(json);
  const auto again = log_line_from_json(*json);
  CHECK(again);
  CHECK(to_json(*again).dump() == printed, "nothing is lost on the way");
  CHECK(to_log_entry(*again)["logName"].is_string());
  return 0;
}
