// Signed URLs in any bytes: the input is a method, a path with its query, and header lines, one a
// line. What is read has one canonical form, names its account, and every refusal is well-formed.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "storage_api/signed_url.h"
#include "storage_api/target.h"

namespace {

using namespace thaw;
using namespace thaw::storage_api;

class Nobody final : public Signatories {
 public:
  Verdict judge(std::string_view account, std::string_view text, std::string_view) override {
    CHECK(!account.empty() && !text.empty(), "somebody signed something");
    return Verdict::kWrong;
  }
};

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

void check_reply(const XmlError& error) {
  CHECK(error.status >= 400 && error.status < 600, "a refusal");
  const http::Response reply = xml_reply(error);
  CHECK(is_utf8(reply.body), "XML is text");
  for (const char c : reply.body) {
    CHECK(c == '\n' || static_cast<unsigned char>(c) >= 0x20, "XML has no control characters");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  http::Request request;
  request.method = take_line(text);
  const std::string_view target = take_line(text);
  const size_t mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != target.npos) request.query = http::parse_query(target.substr(mark + 1));
  request.host = take_line(text);
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const size_t colon = line.find(':');
    if (colon == line.npos) continue;
    request.headers.add(std::string(line.substr(0, colon)), std::string(line.substr(colon + 1)));
  }
  if (const auto path = canonical_path(request.path)) {
    CHECK(canonical_path(*path) == path, "canonical twice is canonical once");
  }
  const std::string query = canonical_query(request.query);
  CHECK(canonical_query(http::parse_query(query)) == query, "canonical twice is canonical once");
  if (const auto bucket = bucket_of_host(request.host)) {
    CHECK(request.host.size() > bucket->size(), "a bucket is a part of the host");
  }
  const WallTime now{std::chrono::seconds(1795962000)};
  const auto reading = read_signed_url(request, request.path, now);
  CHECK(std::holds_alternative<NotSigned>(reading) != is_signed(request.query), "signed or not");
  if (const auto* fault = std::get_if<XmlError>(&reading)) check_reply(*fault);
  if (const auto* url = std::get_if<SignedUrl>(&reading)) {
    CHECK(!url->texts.empty() && !url->signature.empty(), "there is something to compare");
    Nobody nobody;
    const auto refusal = refusal_of(*url, nobody);
    CHECK(refusal.has_value(), "nobody signed it");
    check_reply(*refusal);
  }
  return 0;
}
