#include "spec/emit.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "spec/defaults.h"
#include "spec/parse.h"
#include "spec/reader.h"
#include "spec/settings.h"

namespace thaw::spec {
namespace {

Service example(const std::string& name) {
  std::ifstream file(THAW_SOURCE_DIR "/fuzz/corpus/yaml/" + name);
  std::stringstream text;
  text << file.rdbuf();
  auto service = parse_service(text.str(), name);
  EXPECT_TRUE(service) << service.error().message();
  return service ? *service : Service();
}

TEST(Emit, WhatIsWrittenReadsBackTheSame) {
  for (const char* name : {"export.yaml", "described_all_fields.yaml", "minimal.json", "flow.yaml",
                           "small_cpu.yaml"}) {
    for (const bool is_complete : {false, true}) {
      Service service = example(name);
      if (is_complete) apply_defaults(service);
      const auto from_yaml = parse_service(to_yaml(service), name);
      ASSERT_TRUE(from_yaml) << name << from_yaml.error().message() << to_yaml(service);
      EXPECT_EQ(*from_yaml, service) << name;
      const auto from_json = service_from_json(to_json(service));
      ASSERT_TRUE(from_json) << name;
      EXPECT_EQ(*from_json, service) << name;
    }
  }
}

TEST(Emit, StatusIsLeftOutUntilThereIsOne) {
  Service service = example("export.yaml");
  EXPECT_EQ(to_json(service).find("status"), nullptr);
  service.status.url = "http://forecaster.localhost:8080";
  service.status.conditions.push_back({"Ready", ConditionStatus::kTrue, "", "", "", WallTime()});
  EXPECT_EQ(to_json(service)["status"].dump(),
            R"({"address":{"url":"http://forecaster.localhost:8080"},"conditions":[)"
            R"({"lastTransitionTime":"1970-01-01T00:00:00Z","status":"True","type":"Ready"}],)"
            R"("url":"http://forecaster.localhost:8080"})");
}

const std::vector<std::string>& awkward_strings() {
  // clang-format off
  static const std::vector<std::string> kTexts = {
      "", " ", "a", "yes", "No", "null", "~", "true", "7", "1e3", "0x1F", "12:30", "-", "- a",
      "a: b", "a #b", "#", "'", "''", "\"", "\\", "a\nb", "\n", "a\tb", "\t", "a ", " a", "%x",
      "@x", "`", "&a", "*a", "!a", "|", ">", "{", "[", "]", ",", "?", "? a", ":", "---", "...",
      "<<", "=", "1000m", "512Mi", "1Ei", "1m1", "2026-11-23", "\xc3\xa9", "\xf0\x9f\x98\x80",
      "\xe2\x80\xa8", "\xe2\x80\xa9", "\xc2\x85", "\xc2\xa0", "\xef\xbb\xbf", "a\xef\xbb\xbfz",
      "\x7f", "\x1b[31m", "\r\n", "a\\n", std::string(5000, 'x'), std::string("a\0b", 3), "/",
      "//", "a b", "y", "n", "O'Brien", "+", "++", ".", "..", "a=b", "key with spaces",
      "\xef\xbf\xbf", "\xef\xbf\xbd",
  };
  // clang-format on
  return kTexts;
}

TEST(YamlText, EveryStringReadsBackAsTheSameString) {
  for (const std::string& text : awkward_strings()) {
    const std::string yaml = yaml_text(Json::object({{"k", text}, {"list", Json::Array{text}}}));
    FieldViolation fault;
    const auto node = read_yaml(yaml, fault);
    ASSERT_TRUE(node) << yaml << fault.description;
    EXPECT_EQ(node->members[0].value.kind, Node::Kind::kString) << yaml;
    EXPECT_EQ(node->members[0].value.text, text) << yaml;
    EXPECT_EQ(node->members[1].value.items[0].text, text) << yaml;
  }
}

TEST(YamlText, NestedValuesReadBack) {
  for (const char* text :
       {R"({"a":[],"b":{},"c":[[1,2],[],[{"x":null}]],"d":{"e":{"f":[{"g":1,"h":[true]}]}}})",
        R"([{"a":1},{"b":[{"c":"d","e":"f"}]}])", "7", "\"x\"", "[]", "{}"}) {
    const auto json = Json::parse(text);
    ASSERT_TRUE(json);
    FieldViolation fault;
    const auto node = read_yaml(yaml_text(*json), fault);
    ASSERT_TRUE(node) << yaml_text(*json) << fault.description;
    EXPECT_EQ(node_to_json(*node), *json) << yaml_text(*json);
  }
}

TEST(YamlText, LooksAsGcloudPrintsIt) {
  const auto json = Json::parse(R"({"a":{"b":[{"c":"1","d":2},{"e":"x y"}]},"f":"512Mi"})");
  EXPECT_EQ(yaml_text(*json), "a:\n  b:\n  - c: '1'\n    d: 2\n  - e: x y\nf: 512Mi\n");
}

TEST(TemplateEqual, OnlyWhatAnInstanceCanNoticeMakesARevision) {
  const RevisionTemplate start = example("export.yaml").template_;
  EXPECT_TRUE(template_equal(start, start));

  RevisionTemplate same = start;
  apply_defaults(same);
  EXPECT_TRUE(template_equal(start, same)) << "a default that is spelled out is no change";
  same.metadata.labels["client.knative.dev/nonce"] = "other";
  same.metadata.annotations["run.googleapis.com/client-version"] = "999";
  EXPECT_TRUE(template_equal(start, same)) << "a client's marks are no change";

  RevisionTemplate other = start;
  other.spec.containers[0].env.push_back({"A", "1"});
  EXPECT_FALSE(template_equal(start, other));
  other = start;
  other.scaling.max_instances = 3;
  EXPECT_FALSE(template_equal(start, other));
  other = start;
  other.metadata.labels["team"] = "x";
  EXPECT_FALSE(template_equal(start, other));
  other = start;
  other.metadata.name = "forecaster-v2";
  EXPECT_FALSE(template_equal(start, other));
}

}  // namespace
}  // namespace thaw::spec
