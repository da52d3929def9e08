// Tables for the tests of rules: what is changed in a good service, and what is then said.
//
// Only for tests. In a path, "C." stands for the one container.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "spec/parse.h"

namespace thaw::spec {

struct Row {
  const char* path;        // of the value that is set
  const char* value;       // JSON; "" removes
  const char* fault_path;  // "": accepted
  const char* words;       // part of the description
};

inline constexpr const char* kContainer = "spec.template.spec.containers[0]";

/// A good service as JSON, ready to be spoilt.
inline Json good() {
  const auto json = Json::parse(R"({
    "apiVersion": "serving.knative.dev/v1", "kind": "Service",
    "metadata": {"name": "demo", "annotations": {}, "labels": {}},
    "spec": {
      "template": {
        "metadata": {"annotations": {}},
        "spec": {"containers": [
          {"image": "thaw.local/host", "command": ["app"],
           "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 9000}],
           "resources": {"limits": {}}}]}},
      "traffic": [{"latestRevision": true, "percent": 100}]}})");
  EXPECT_TRUE(json);
  return *json;
}

/// Sets the value at a path of names and [indexes or keys]; an empty text removes it.
inline void put(Json& root, std::string_view path, std::string_view value) {
  Json* at = &root;
  std::string step;
  const auto descend = [&](bool last) {
    if (at->is_array()) {
      at = &at->as_array().at(std::stoul(step));
    } else if (last && value.empty()) {
      std::erase_if(at->as_object(), [&](const auto& member) { return member.first == step; });
      return;
    } else {
      if (!at->find(step)) at->set(step, Json());
      at = const_cast<Json*>(at->find(step));
    }
    step.clear();
  };
  bool in_key = false;
  for (char c : path) {
    if (c == ']' || ((c == '.' || c == '[') && !in_key)) {
      in_key = c == '[';
      if (!step.empty()) descend(false);
    } else {
      step += c;
    }
  }
  const auto json = value.empty() ? Result<Json>(Json()) : Json::parse(value);
  ASSERT_TRUE(json) << value;
  if (!step.empty()) descend(true);
  if (!value.empty()) *at = *json;
}

inline void expect(const Row& row, const Json& service) {
  std::vector<FieldViolation> faults;
  const auto parsed = service_from_json(service, &faults);
  const std::string shown =
      std::string(row.path) + " = " + row.value + (parsed ? "" : ": " + parsed.error().message());
  if (std::string_view(row.fault_path).empty()) {
    EXPECT_TRUE(parsed) << shown;
    return;
  }
  ASSERT_FALSE(parsed) << shown;
  EXPECT_EQ(parsed.error().code(), Code::kInvalidArgument);
  ASSERT_EQ(faults.size(), 1u) << shown;
  EXPECT_EQ(faults[0].path, row.fault_path) << shown;
  EXPECT_NE(faults[0].description.find(row.words), std::string::npos) << shown;
}

template <size_t N>
inline void expect_all(const Row (&rows)[N], const Json& start = good()) {
  for (const Row& row : rows) {
    Json service = start;
    std::string path = row.path;
    if (path.starts_with("C.")) path = std::string(kContainer) + path.substr(1);
    std::string fault_path = row.fault_path;
    if (fault_path.starts_with("C.")) fault_path = std::string(kContainer) + fault_path.substr(1);
    put(service, path, row.value);
    expect({path.c_str(), row.value, fault_path.c_str(), row.words}, service);
  }
}

inline Json with(std::initializer_list<std::pair<const char*, const char*>> changes) {
  Json service = good();
  for (const auto& [path, value] : changes) {
    std::string full = path;
    if (full.starts_with("C.")) full = std::string(kContainer) + full.substr(1);
    put(service, full, value);
  }
  return service;
}

}  // namespace thaw::spec
