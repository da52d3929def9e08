// Service files: any bytes are refused with at most 20 faults, or accepted; and what is accepted
// survives every way of writing it, fills in to the same defaults twice, and can be run. The JSON
// reader agrees with the library's about what JSON is.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "spec/defaults.h"
#include "spec/emit.h"
#include "spec/parse.h"
#include "spec/reader.h"
#include "spec/settings.h"

namespace {

using namespace thaw;
using namespace thaw::spec;

void check_round_trip(const Service& service) {
  const auto from_yaml = parse_service(to_yaml(service), "written");
  CHECK(from_yaml, "YAML that was written is refused");
  CHECK(*from_yaml == service, "YAML that was written reads differently");
  const auto from_text = parse_service(to_json(service).dump(), "written.json");
  CHECK(from_text && *from_text == service, "JSON text");
  const auto from_json = service_from_json(to_json(service));
  CHECK(from_json && *from_json == service, "JSON value");
}

/// A worker pool's file has no ports, probes and timeouts, so their defaults are not written; they
/// are the same again when it is read and filled in.
void check_full(const Service& full) {
  if (full.kind != ServiceKind::kWorkerPool) return check_round_trip(full);
  auto again = parse_service(to_yaml(full), "written");
  CHECK(again, "YAML that was written is refused");
  apply_defaults(*again);
  CHECK(*again == full, "YAML of a worker pool that was written reads differently");
}

void check_service(const Service& service) {
  check_round_trip(service);
  Service full = service;
  apply_defaults(full);
  check_full(full);
  Service again = full;
  apply_defaults(again);
  CHECK(again == full, "defaults are filled in once");
  CHECK(template_equal(service.template_, full.template_), "defaults are no change");
  CHECK(settings_of(service.template_) == settings_of(full.template_));
}

/// Texts that the two readers may judge differently are left out: duplicate keys, limits.
void check_json(std::string_view text) {
  FieldViolation fault;
  const auto ours = read_json(text, fault);
  const auto theirs = Json::parse(text);
  if (ours && theirs) CHECK(node_to_json(*ours).dump() == theirs->dump(), "same JSON");
  if (!ours && theirs)
    CHECK(fault.description.find("more than") != std::string::npos ||
              fault.description.find("deeper") != std::string::npos,
          "JSON that is refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<FieldViolation> faults;
  const auto service = parse_service(text, "input", &faults);
  CHECK(service.has_value() == faults.empty());
  CHECK(faults.size() <= 20);
  if (service) check_service(*service);
  check_json(text);
  return 0;
}
