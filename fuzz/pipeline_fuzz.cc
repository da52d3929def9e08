// Pipeline files and manifests: any bytes are refused with words, or accepted; what is accepted has
// each resource once, plans to nothing against itself, and is followed for loops without an end.
#include <cstdint>
#include <set>
#include <string_view>

#include "base/check.h"
#include "pipeline/loops.h"
#include "pipeline/plan.h"
#include "predict/manifest.h"

namespace {

using namespace thaw;

void check_file(const pipeline::File& file) {
  std::set<pipeline::Key> keys;
  pipeline::Facts facts;
  for (const pipeline::Resource& each : file.resources) {
    CHECK(keys.insert(each.key).second, "a resource stands once");
    facts.applied[each.key] = each.body;
    const bool is_service =
        each.key.kind == pipeline::Kind::kService || each.key.kind == pipeline::Kind::kWorkerPool;
    facts.actual[each.key] = is_service ? *pipeline::normal_service(each.body) : each.body;
  }
  const auto plan = pipeline::make_plan(file, facts, pipeline::Adopt::kNo);
  CHECK(plan.has_value(), "what is as the file says is not refused");
  CHECK(plan->empty(), "and leaves nothing to do");
  const auto loop = pipeline::find_loop(file);
  CHECK(loop.empty() || (loop.size() >= 2 && loop.front() == loop.back()), "a loop is closed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = pipeline::parse(text, "input.yaml");
  if (file) check_file(*file);
  if (!file) CHECK(!file.error().message().empty(), "a refusal says why");
  const auto jobs = predict::read_manifest(text, {"out", "night.manifest.json"});
  if (!jobs) return 0;
  for (const predict::ManifestEntry& each : *jobs) {
    CHECK(each.id.find('/') == std::string::npos, "an id leads nowhere else");
    CHECK(!each.input.bucket.empty() && !each.input.name.empty(), "an input is named");
  }
  return 0;
}
