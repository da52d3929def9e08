#include "spec/reader.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace thaw::spec {
namespace {

using Kind = Node::Kind;

Node yaml(std::string_view text) {
  FieldViolation fault;
  auto node = read_yaml(text, fault);
  EXPECT_TRUE(node) << text << ": " << fault.description;
  return node ? *node : Node();
}

FieldViolation yaml_fault(std::string_view text) {
  FieldViolation fault;
  EXPECT_FALSE(read_yaml(text, fault)) << text.substr(0, 40);
  return fault;
}

FieldViolation json_fault(std::string_view text) {
  FieldViolation fault;
  EXPECT_FALSE(read_json(text, fault)) << text.substr(0, 40);
  return fault;
}

TEST(ReadYaml, ScalarsHaveTheKindOfTheCoreSchema) {
  const std::pair<const char*, Kind> kRows[] = {{"~", Kind::kNull},
                                                {"null", Kind::kNull},
                                                {"", Kind::kNull},
                                                {"true", Kind::kBool},
                                                {"False", Kind::kBool},
                                                {"'true'", Kind::kString},
                                                {"7", Kind::kInt},
                                                {"-7", Kind::kInt},
                                                {"+7", Kind::kInt},
                                                {"0", Kind::kInt},
                                                {"\"7\"", Kind::kString},
                                                {"!!str 7", Kind::kString},
                                                {"0.5", Kind::kFloat},
                                                {".5", Kind::kFloat},
                                                {"1e3", Kind::kFloat},
                                                {".inf", Kind::kFloat},
                                                {"1e", Kind::kString},
                                                {"512Mi", Kind::kString},
                                                {"1.2.3", Kind::kString},
                                                {"-", Kind::kNull},
                                                {"abc", Kind::kString},
                                                {"yes", Kind::kAmbiguous},
                                                {"Off", Kind::kAmbiguous},
                                                {"0x1F", Kind::kAmbiguous},
                                                {"0o17", Kind::kAmbiguous},
                                                {"012", Kind::kAmbiguous},
                                                {"1_000", Kind::kAmbiguous},
                                                {"12:30", Kind::kAmbiguous},
                                                {"2026-11-23", Kind::kString},
                                                {"n", Kind::kString}};
  for (const auto& [text, kind] : kRows) {
    if (std::string_view(text) == "-") continue;
    EXPECT_EQ(yaml(std::string("a: ") + text).members.at(0).value.kind, kind) << text;
  }
  EXPECT_EQ(yaml("a: TRUE").members[0].value.text, "true");
  EXPECT_EQ(yaml("a: +7").members[0].value.text, "7");
}

TEST(ReadYaml, ABlockKeepsItsLineEnds) {
  EXPECT_EQ(yaml("a: |\n  x\n").members[0].value.text, "x\n");
  EXPECT_EQ(yaml("a: |-\n  x\n").members[0].value.text, "x");
  EXPECT_EQ(yaml("a: |+\n  x\n\n").members[0].value.text, "x\n\n");
  EXPECT_EQ(yaml("a: >\n  x\n  y\n").members[0].value.text, "x y\n");
}

TEST(ReadYaml, EveryKeyAndValueKnowsItsPlace) {
  const Node root = yaml("# one\na: 1\nlist:\n  - x\n  - {k: v}\n");
  EXPECT_EQ(root.members[0].line, 2);
  EXPECT_EQ(root.members[0].value.column, 4);
  const Node& list = root.members[1].value;
  EXPECT_EQ(list.items[0].line, 4);
  EXPECT_EQ(list.items[0].column, 5);
  EXPECT_EQ(list.items[1].members[0].line, 5);
  EXPECT_EQ(list.items[1].members[0].column, 6);
}

TEST(ReadYaml, AnAliasIsACopyAtItsOwnPlace) {
  const Node root = yaml("a: &x {k: [1, 2]}\nb: *x\n");
  EXPECT_EQ(node_to_json(root.members[1].value), node_to_json(root.members[0].value));
  EXPECT_EQ(root.members[1].value.line, 2);
}

TEST(ReadYaml, ABombOfAliasesIsRefused) {
  std::string text = "a: &a [x, x, x, x, x, x, x, x, x]\n";
  for (char c = 'b'; c <= 'j'; ++c) {
    const std::string last(1, static_cast<char>(c - 1));
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 9; ++i) text += (i ? ", *" : "*") + last;
    text += "]\n";
  }
  EXPECT_EQ(yaml_fault(text).description,
            "more than 20000 values, aliases counted as what they stand for");
  std::string wide = "a: &a \"" + std::string(100'000, 'x') + "\"\nb: [*a";
  for (int i = 0; i < 1000; ++i) wide += ", *a";
  const FieldViolation fault = yaml_fault(wide + "]\n");
  EXPECT_EQ(fault.description, "aliases that stand for more than 4 MiB of text");
  EXPECT_EQ(fault.line, 2);
  EXPECT_EQ(yaml_fault("a: &a [*a]\n").description, "an alias may not stand inside what it names");
}

TEST(ReadYaml, DepthIsBounded) {
  EXPECT_EQ(yaml(std::string(32, '[') + std::string(32, ']')).kind, Kind::kList);
  EXPECT_EQ(yaml_fault(std::string(33, '[') + std::string(33, ']')).description,
            "nested deeper than 32 levels");
  EXPECT_EQ(yaml_fault(std::string(1 << 20, '[')).description,
            "more than 256 brackets open at once");
  std::string wide;
  while (wide.size() < 1 << 20) wide += "[],";
  EXPECT_EQ(yaml_fault("[" + wide + "]").description, "more than 100000 brackets and commas");
}

TEST(ReadYaml, ExactlyOneDocument) {
  EXPECT_EQ(yaml("---\na: 1\n---\n...\n").members.size(), 1u);
  const FieldViolation fault = yaml_fault("a: 1\n---\nb: 2\n");
  EXPECT_EQ(fault.description, "a second document; a file holds exactly one service");
  EXPECT_EQ(fault.line, 3);
  for (const char* empty : {"", "\n\n", "# only a comment\n", "---\n", "~\n"}) {
    EXPECT_EQ(yaml_fault(empty).description, "the file is empty") << empty;
  }
}

TEST(ReadYaml, FaultsSayWhatToDo) {
  const std::pair<const char*, const char*> kRows[] = {
      {"a: b\n\tc: d\n", "line 2 is indented with a tab; YAML wants spaces"},
      {"a: b: c\n", "put it in quotes"},
      {"a: 'b\n", "a quoted string has no end"},
      {"a: [b\n", "a '[' is not closed"},
      {"a: {b: c\n", "a '{' is not closed"},
      {"a: *b\n", "an alias names no anchor"},
      {"a: @b\n", "a value begins with a sign of YAML"},
      {"a: !secret b\n", "the tag \"!secret\" is not supported"},
      {"? [a]\n: b\n", "cannot be a field's name"},
      {"a: 1\n b: 2\n", "not valid YAML"}};
  for (const auto& [text, part] : kRows) {
    const FieldViolation fault = yaml_fault(text);
    EXPECT_NE(fault.description.find(part), std::string::npos) << text << fault.description;
    EXPECT_GE(fault.line, 1) << text;
    EXPECT_GE(fault.column, 1) << text;
  }
}

TEST(ReadJson, AgreesWithTheLibraryOnValues) {
  for (const char* text :
       {R"({"a":[1,-2,3.5,1e3,true,false,null,"x"]})", R"("\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00")",
        " [ ] ", "{}", "-0", "0.1", R"({"":{"a":"\u0000"}})", "1E-2"}) {
    FieldViolation fault;
    const auto ours = read_json(text, fault);
    ASSERT_TRUE(ours) << text << ": " << fault.description;
    EXPECT_EQ(node_to_json(*ours), *Json::parse(text)) << text;
  }
}

TEST(ReadJson, EveryKeyAndValueKnowsItsPlace) {
  FieldViolation fault;
  const auto root = read_json("{\n  \"a\": [1,\n    22]}", fault);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->members[0].line, 2);
  EXPECT_EQ(root->members[0].column, 3);
  EXPECT_EQ(root->members[0].value.items[1].line, 3);
  EXPECT_EQ(root->members[0].value.items[1].column, 5);
}

TEST(ReadJson, WhatIsNoJsonIsRefusedWithItsPlace) {
  for (const char* text : {"",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{\"a\" 1}",
                           "{\"a\":1}x",
                           "01",
                           "1.",
                           "1e",
                           "-",
                           "+1",
                           ".5",
                           "tru",
                           "\"\\x\"",
                           "\"\\u12g4\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"a\nb\"",
                           "\"a",
                           "nul",
                           "'a'",
                           "[1 2]",
                           "{\"a\":}",
                           "NaN"}) {
    const FieldViolation fault = json_fault(text);
    EXPECT_EQ(fault.description.rfind("not valid JSON: ", 0), 0u) << text;
    EXPECT_EQ(fault.line >= 1 && fault.column >= 1, true) << text;
  }
  EXPECT_EQ(json_fault("{\n \"a\": oops}").line, 2);
}

TEST(ReadJson, DepthAndSizeAreBounded) {
  FieldViolation fault;
  EXPECT_TRUE(read_json(std::string(32, '[') + std::string(32, ']'), fault));
  EXPECT_NE(json_fault(std::string(1 << 20, '[')).description.find("deeper than 32"),
            std::string::npos);
  std::string wide = "[0";
  for (int i = 0; i < 20'000; ++i) wide += ",0";
  EXPECT_NE(json_fault(wide + "]").description.find("more than 20000 values"), std::string::npos);
}

TEST(NodeAt, PathsFindValuesOrTheirNearestParent) {
  const Node root = yaml("a:\n  b:\n  - c: 1\n  notes:\n    x.y/z: v\n");
  EXPECT_EQ(node_at(root, "a.b[0].c").text, "1");
  EXPECT_EQ(node_at(root, "a.notes[x.y/z]").text, "v");
  EXPECT_EQ(&node_at(root, "a.b[7].c"), find_at(root, "a.b"));
  EXPECT_EQ(&node_at(root, ""), &root);
  EXPECT_EQ(find_at(root, "a.b[0].d"), nullptr);
  for (const char* odd : {"[", "]", ".", "..", "a.", "a[", "a]b", "a.b[", "a.b[x]", "a.b[-1]",
                          "a.b[99999999999999999999]"}) {
    node_at(root, odd);  // ends
  }
}

TEST(NodeFromJson, TheSameBoundsHold) {
  Json deep = Json::array();
  for (int i = 0; i < 40; ++i) deep = Json(Json::Array{deep});
  EXPECT_FALSE(node_from_json(deep));
  EXPECT_FALSE(node_from_json(Json(Json::Array(20'001, Json(1)))));
  EXPECT_TRUE(node_from_json(Json(Json::Array(100, Json(1)))));
}

}  // namespace
}  // namespace thaw::spec
