// What Cloud Storage's clients send, in any bytes: multipart bodies come out the same however they
// arrive, ranges stay inside, batches and paths are taken apart or refused with a reason.
// The first byte chooses the parser.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "objects/list_query.h"
#include "objects/names.h"
#include "storage_api/batch.h"
#include "storage_api/multipart.h"
#include "storage_api/ranges.h"
#include "storage_api/target.h"

namespace {

using namespace thaw;
using namespace thaw::storage_api;

/// All that a reader tells, with the body handed over in pieces of `step`.
std::string told(std::string_view body, size_t step) {
  std::string text;
  MultipartReader reader("b", {.on_part = [&](const http::Headers& headers) -> Status {
                                 text += "P" + std::to_string(headers.size());
                                 return {};
                               },
                               .on_content = [&](std::string_view content) -> Status {
                                 text += content;
                                 return {};
                               },
                               .on_part_end = [&]() -> Status {
                                 text += "E";
                                 return {};
                               }});
  for (size_t at = 0; at < body.size(); at += step) {
    if (const auto status = reader.add(body.substr(at, step)); !status) {
      CHECK(!status.error().message().empty(), "a refusal says why");
      return "refused";
    }
  }
  return reader.end() ? text : "unfinished";
}

void check_multipart(std::string_view body) {
  const std::string whole = told(body, body.size() + 1);
  CHECK(told(body, 1) == whole, "the pieces do not matter");
  CHECK(told(body, 7) == whole, "the pieces do not matter");
}

void check_ranges(std::string_view text) {
  for (const int64_t size : {0, 1, 100}) {
    const Slice slice = parse_range(text, size);
    CHECK(0 <= slice.begin && slice.begin <= slice.end && slice.end <= size, "inside");
  }
  const auto range = parse_content_range(text);
  if (!range) return;
  CHECK(range->begin >= 0, "no negative place");
  if (range->kind == ContentRange::Kind::kPart) CHECK(range->end > range->begin, "not empty");
  if (range->total && range->kind == ContentRange::Kind::kPart) CHECK(range->end <= *range->total);
}

void check_glob(std::string_view text) {
  const size_t middle = text.find('\n');
  const auto glob = objects::Glob::compile(text.substr(0, middle));
  if (!glob || middle == text.npos) return;
  const std::string_view name = text.substr(middle + 1, 1024);
  if (glob->matches(name)) CHECK(name.starts_with(glob->literal_prefix()), "the prefix is right");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch ((data[0] + 2) % 5) {  // '0' is 0
    case 0:
      check_multipart(text);
      break;
    case 1:
      check_ranges(text);
      break;
    case 2: {
      const auto batch = parse_batch("multipart/mixed; boundary=b", text);
      CHECK(batch || !batch.error().message().empty(), "a refusal says why");
      if (batch) CHECK(batch->size() <= 100, "at most 100 calls");
      (void)boundary_of(text);
      break;
    }
    case 3:
      (void)parse_target(text, [](std::string_view) { return false; });
      (void)objects::parse_place(text);
      break;
    default:
      check_glob(text);
      if (objects::check_object_name(text)) CHECK(is_utf8(text), "names are UTF-8");
  }
  return 0;
}
