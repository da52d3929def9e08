#include "spec/parse.h"

#include <gtest/gtest.h>

#include "spec/emit.h"

namespace thaw::spec {
namespace {

constexpr std::string_view kGood = R"(apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: demo
spec:
  template:
    spec:
      containers:
      - image: thaw.local/host
        command: [app]
)";

std::string faults_of(std::string_view text, std::string_view name = "service.yaml") {
  const auto service = parse_service(text, name);
  EXPECT_FALSE(service) << text.substr(0, 100);
  return service ? "" : service.error().message();
}

std::string replaced(std::string_view what, std::string_view with) {
  std::string text(kGood);
  text.replace(text.find(what), what.size(), with);
  return text;
}

TEST(ParseService, AGoodFileIsReadAsWritten) {
  std::vector<FieldViolation> faults = {{"old", 1, 1, "old"}};
  const auto service = parse_service(kGood, "service.yaml", &faults);
  ASSERT_TRUE(service) << service.error().message();
  EXPECT_TRUE(faults.empty());
  EXPECT_EQ(service->metadata.name, "demo");
  const Container& container = service->template_.spec.containers.at(0);
  EXPECT_EQ(container.command, std::vector<std::string>{"app"});
  EXPECT_EQ(container.resources.cpu, std::nullopt) << "defaults are not filled in here";
  EXPECT_TRUE(service->traffic.empty());
}

TEST(ParseService, AnUnknownFieldNamesThePlaceAndTheNearestName) {
  EXPECT_EQ(faults_of(replaced("      containers:", "      contaners:")),
            "service.yaml:8:7: spec.template.spec.contaners: unknown field \"contaners\"; did you "
            "mean 'containers'?\n"
            "service.yaml:8:7: spec.template.spec.containers: is missing");
  EXPECT_EQ(faults_of(replaced("command: [app]", "command: [app]\n        timeoutSeconds: 3")),
            "service.yaml:11:9: spec.template.spec.containers[0].timeoutSeconds: unknown field "
            "\"timeoutSeconds\"; 'timeoutSeconds' belongs in spec.template.spec");
  EXPECT_NE(faults_of(replaced("kind: Service", "kind: Service\nbanana: 1"))
                .find("unknown field \"banana\"; the fields here are apiVersion, kind, metadata"),
            std::string::npos);
}

TEST(ParseService, AWrongTypeSaysWhatWasFoundAndWhatToWrite) {
  EXPECT_EQ(faults_of(replaced("name: demo", "name: 2048")),
            "service.yaml:4:9: metadata.name: expected a string, found the number 2048; put it in "
            "quotes: '2048'");
  EXPECT_EQ(faults_of(replaced("name: demo", "name: on")),
            "service.yaml:4:9: metadata.name: expected a string, found the word on, which readers "
            "of YAML disagree on; put it in quotes: 'on'");
}

TEST(ParseService, ADuplicateFieldIsAFaultAtTheSecond) {
  EXPECT_EQ(faults_of(replaced("  name: demo", "  name: demo\n  name: other")),
            "service.yaml:5:3: metadata.name: \"name\" is given twice");
  const std::string json =
      R"({"apiVersion":"serving.knative.dev/v1","kind":"Service","metadata":{"name":"a"},
"spec":{"template":{"spec":{"containers":[{"image":"thaw.local/host","command":["a"],
"image":"thaw.local/serve"}]}}}})";
  EXPECT_EQ(faults_of(json, "s.json"),
            "s.json:3:1: spec.template.spec.containers[0].image: \"image\" is given twice");
}

TEST(ParseService, AllFaultsAreToldInTheOrderOfTheFile) {
  const std::string text = R"(apiVersion: serving.knative.dev/v1
kind: Servce
metadata:
  name: Demo
spec:
  template:
    spec:
      timeoutSeconds: -1
      containers:
      - image: thaw.local/host
        resources: {limits: {memory: -1Gi}}
)";
  std::vector<FieldViolation> faults;
  ASSERT_FALSE(parse_service(text, "service.yaml", &faults));
  ASSERT_EQ(faults.size(), 5u);
  EXPECT_EQ(faults[0],
            (FieldViolation{"kind", 2, 7,
                            "\"Servce\" is neither Service nor WorkerPool, which are deployed"}));
  EXPECT_EQ(faults[1].path, "metadata.name");
  EXPECT_EQ(faults[2].path, "spec.template.spec.timeoutSeconds");
  EXPECT_EQ(faults[2].description, "-1 is out of range; from 1 to 3600 is allowed");
  EXPECT_EQ(faults[3].path, "spec.template.spec.containers[0].command");
  EXPECT_EQ(faults[4].path, "spec.template.spec.containers[0].resources.limits.memory");
  EXPECT_EQ(faults[4].description, "\"-1Gi\" is negative");
}

TEST(ParseService, AtMost20FaultsAreListedAndTheRestCounted) {
  std::string text(kGood);
  for (int i = 0; i < 5000; ++i) text += "wrong" + std::to_string(i) + ": 1\n";
  std::vector<FieldViolation> faults;
  const auto service = parse_service(text, "service.yaml", &faults);
  ASSERT_FALSE(service);
  EXPECT_EQ(faults.size(), 20u);
  EXPECT_EQ(std::count(service.error().message().begin(), service.error().message().end(), '\n'),
            20);
  EXPECT_NE(service.error().message().find("\n... and 4980 faults more"), std::string::npos);
}

TEST(ParseService, WhatIsNoTextIsRefusedAtOnce) {
  EXPECT_EQ(faults_of(std::string("\x89PNG\r\n\x1a\n", 8), "a.png"),
            "a.png:1:1: the byte 0x89 is not UTF-8; a service file is UTF-8 text");
  EXPECT_EQ(faults_of(std::string("a: b\nc\0d", 8)),
            "service.yaml:2:2: the byte 0x00 is a control character; a service file is UTF-8 text");
  for (const char* bytes : {"\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80",
                            "\xff\xfe", "\xf8\x88\x80\x80\x80"}) {
    EXPECT_NE(faults_of(bytes).find("is not UTF-8"), std::string::npos);
  }
}

TEST(ParseService, TheFileIsBoundedAt1MiB) {
  std::string text = std::string(kGood) + "#";
  text.resize(1 << 20, 'x');
  EXPECT_TRUE(parse_service(text, "big.yaml"));
  EXPECT_EQ(faults_of(text + "x"),
            "service.yaml: the file has 1048577 bytes; a service file has at most 1 MiB");
}

TEST(ParseService, GarbageOfOneMebibyteIsRefusedWithAClearError) {
  uint32_t state = 12345;
  std::string bytes, signs;
  static constexpr std::string_view kSigns = " \n-:?[]{},&*!|>'\"%@`#ab01\t";
  for (int i = 0; i < 1 << 20; ++i) {
    state = state * 1664525 + 1013904223;
    bytes += static_cast<char>(state >> 24);
    signs += kSigns[(state >> 24) % kSigns.size()];
  }
  for (const std::string& text :
       {bytes, signs, std::string(1 << 20, 'a'), std::string(1 << 20, ' '),
        std::string(1 << 20, '['), std::string(1 << 20, '{'), std::string(1 << 20, '"'),
        std::string(1 << 20, '-')}) {
    EXPECT_LT(faults_of(text).size(), 10'000u);
  }
}

TEST(ParseService, EmptyAndWrongDocumentsAreNamed) {
  EXPECT_EQ(faults_of(""), "service.yaml:1:1: the file is empty");
  EXPECT_EQ(faults_of("hello"), "service.yaml:1:1: expected a mapping, found the string \"hello\"");
  EXPECT_EQ(faults_of("- a\n"), "service.yaml:1:1: expected a mapping, found a list");
  EXPECT_EQ(faults_of(std::string(kGood) + "---\n" + std::string(kGood)),
            "service.yaml:12:1: a second document; a file holds exactly one service");
}

TEST(ParseService, AByteOrderMarkAndDosLinesAreNoFault) {
  std::string text = "\xef\xbb\xbf" + std::string(kGood);
  EXPECT_TRUE(parse_service(text, "a"));
  std::string dos;
  for (char c : kGood) dos += c == '\n' ? std::string("\r\n") : std::string(1, c);
  const auto service = parse_service(dos, "a");
  ASSERT_TRUE(service) << service.error().message();
  EXPECT_EQ(*service, *parse_service(kGood, "a"));
}

TEST(ParseService, JsonMayBeFlowYaml) {
  EXPECT_EQ(faults_of("{\"apiVersion\": oops}", "a.json").rfind("a.json:1:16: not valid JSON", 0),
            0u);
  const auto service = parse_service(
      "{apiVersion: serving.knative.dev/v1, kind: Service, metadata: {name: a},\n"
      " spec: {template: {spec: {containers: [{image: thaw.local/host, command: [a]}]}}}}",
      "a.yaml");
  EXPECT_TRUE(service) << service.error().message();
}

TEST(ParseService, ATruncatedFileIsAFault) {
  const std::string text =
      replaced("command: [app]",
               "command: [app]\n        env:\n        - name: A\n          value: \"open\n");
  EXPECT_NE(faults_of(text).find("a quoted string has no end"), std::string::npos);
  EXPECT_NE(faults_of(replaced("[app]", "[app")).find("a '[' is not closed"), std::string::npos);
}

TEST(ParseService, LongValuesAreCutInMessages) {
  const std::string text = replaced("demo", std::string(100'000, 'x'));
  EXPECT_LT(faults_of(text).size(), 300u);
  const std::string key = replaced("kind:", std::string(900, 'k') + ": 1\nkind:");
  EXPECT_LT(faults_of(key).size(), 700u);
}

TEST(ServiceFromJson, TheSameRulesWithoutLines) {
  Json json = Json::object({{"apiVersion", "serving.knative.dev/v1"}, {"kind", "Servise"}});
  std::vector<FieldViolation> faults;
  const auto service = service_from_json(json, &faults);
  ASSERT_FALSE(service);
  EXPECT_EQ(service.error().message(),
            "kind: \"Servise\" is neither Service nor WorkerPool, which are deployed\n"
            "metadata: is missing\nspec: is missing");
  EXPECT_EQ(faults.at(0).line, 0);
  EXPECT_EQ(service_from_json(Json()).error().message(), "expected a mapping, found null");
  Json deep = Json::array();
  for (int i = 0; i < 40; ++i) deep = Json(Json::Array{deep});
  EXPECT_EQ(service_from_json(deep).error().message(),
            "the service has nested deeper than 32 levels");
}

TEST(FromStore, WhatWasWrittenIsReadEvenUnderStricterRules) {
  auto service = parse_service(kGood, "a");
  ASSERT_TRUE(service);
  // None of these would be accepted from a client today.
  service->template_.spec.containers[0].readiness_probe = Probe{ProbeKind::kHttp};
  service->template_.spec.containers[0].ports.push_back({8080, PortProtocol::kH2c, {}});
  service->template_.scaling.max_instances = 5000;
  ASSERT_FALSE(validate(*service));
  const auto read = service_from_store(to_json(*service));
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, *service);
  const auto revision = template_from_store(to_json(service->template_));
  ASSERT_TRUE(revision) << revision.error().message();
  EXPECT_EQ(*revision, service->template_);
}

TEST(FromStore, WhatCannotBeRunIsDataLoss) {
  const auto parsed = [](std::string_view text) { return *Json::parse(text); };
  for (const char* text :
       {"null", "[]", "{}", R"({"spec":{"containers":[]}})", R"({"spec":{"containers":[{},{}]}})",
        R"({"spec":{"containers":[{"image":"nginx"}]}})",
        R"({"spec":{"containers":[{"image":"thaw.local/host"}]}})", R"({"spec":7})"}) {
    const auto read = template_from_store(parsed(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code(), Code::kDataLoss);
  }
}

TEST(Validate, HoldsAServiceThatWasPutTogetherToTheSameRules) {
  auto service = parse_service(kGood, "a");
  ASSERT_TRUE(service);
  EXPECT_TRUE(validate(*service));
  service->template_.spec.containers[0].resources.memory = mib(64);
  service->template_.spec.timeout = seconds(0);
  std::vector<FieldViolation> faults;
  const Status status = validate(*service, &faults);
  ASSERT_FALSE(status);
  EXPECT_EQ(faults.size(), 2u) << status.error().message();
}

}  // namespace
}  // namespace thaw::spec
