#include "spec/fields.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/json.h"
#include "spec/defaults.h"
#include "spec/emit.h"
#include "spec/fields_page.h"
#include "spec/parse.h"

namespace thaw::spec {
namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(std::string(THAW_SOURCE_DIR "/") + path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// "Object.field" of everything in `value`, which is an `object`.
void collect(const Json& value, std::string_view object, std::set<std::string>& seen) {
  for (const auto& [key, item] : value.as_object()) {
    const FieldRow* row = find_field(object, key);
    if (!row) continue;
    seen.insert(std::string(object) + "." + key);
    if (row->type == FieldType::kObject) collect(item, row->of, seen);
    if (row->type != FieldType::kObjects) continue;
    for (const Json& inner : item.as_array()) collect(inner, row->of, seen);
  }
}

Json emitted(const std::string& name) {
  const auto service = parse_service(file_text("fuzz/corpus/yaml/" + name), name);
  EXPECT_TRUE(service) << service.error().message();
  return service ? to_json(*service) : Json();
}

/// Together they have all that is not refused.
constexpr const char* kExamples[] = {"export.yaml", "described_all_fields.yaml", "worker_pool.yaml",
                                     "worker_pool_env.yaml"};

TEST(Fields, EachRowIsNamedOnceAndItsObjectsExist) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::set<std::string_view> objects;
  for (const ObjectRow& row : object_rows()) objects.insert(row.name);
  for (const FieldRow& row : field_rows()) {
    EXPECT_TRUE(seen.insert({row.object, row.name}).second) << row.object << "." << row.name;
    EXPECT_TRUE(objects.count(row.object)) << row.object;
    const bool has_object = row.type == FieldType::kObject || row.type == FieldType::kObjects;
    EXPECT_EQ(has_object, !row.of.empty()) << row.name;
    if (has_object) {
      EXPECT_TRUE(objects.count(row.of)) << row.of;
    }
    EXPECT_EQ(row.type == FieldType::kInt, row.high != 0) << row.name << " needs a range";
    if (row.support == Support::kRefused) {
      EXPECT_FALSE(row.words.empty()) << row.name << ": say why and what to do";
    }
  }
}

TEST(Fields, WhatIsNotRefusedComesBackWhole) {
  std::set<std::string> seen;
  for (const char* name : kExamples) {
    collect(emitted(name), "Service", seen);
  }
  for (const FieldRow& row : field_rows()) {
    if (row.support == Support::kRefused || row.name == "*") continue;
    const std::string name = std::string(row.object) + "." + std::string(row.name);
    EXPECT_TRUE(seen.count(name)) << name << " is lost, or the examples do not have it";
  }
}

TEST(Annotations, WhatIsNotRefusedComesBackWhole) {
  std::set<std::string> seen[2];
  for (const char* name : kExamples) {
    const Json service = emitted(name);
    for (const auto& [key, value] : service["metadata"]["annotations"].as_object()) {
      seen[0].insert(key);
    }
    const Json& revision = service["spec"]["template"]["metadata"]["annotations"];
    for (const auto& [key, value] : revision.as_object()) seen[1].insert(key);
  }
  for (const AnnotationRow& row : annotation_rows()) {
    const bool is_alias = row.words.rfind("Knative's spelling", 0) == 0;
    if (row.support == Support::kRefused || row.name.ends_with('*') || is_alias) continue;
    EXPECT_TRUE(seen[row.level == Level::kRevision].count(std::string(row.name))) << row.name;
  }
}

TEST(Fields, TheExportIsUnderstoodToTheLastField) {
  const std::string text = file_text("fuzz/corpus/yaml/export.yaml");
  const auto service = parse_service(text, "export.yaml");
  ASSERT_TRUE(service) << service.error().message();
  // Every line of the export is a line of what is printed, in the same order. The difference is
  // in quotes only, so they are left out of the comparison.
  const auto bare = [](std::string words) {
    std::erase(words, '\'');
    return words;
  };
  EXPECT_EQ(bare(to_yaml(*service)), bare(text));
}

TEST(ServiceFilePage, IsCurrent) {
  constexpr const char* kPage = "docs/reference/service-file.md";
  if (std::getenv("THAW_WRITE_PAGES") != nullptr) {
    std::ofstream(std::string(THAW_SOURCE_DIR "/") + kPage) << service_file_page();
  }
  // Not EXPECT_EQ, which would print both pages.
  EXPECT_TRUE(file_text(kPage) == service_file_page())
      << "run this test with THAW_WRITE_PAGES=1 to write it anew";
}

}  // namespace
}  // namespace thaw::spec
