// The contract's rules, a row each: what is changed in a good service, and what is then said.
#include "spec/rules.h"

#include <gtest/gtest.h>

#include <array>

#include "spec/parse.h"

namespace thaw::spec {
namespace {

struct Row {
  const char* path;        // of the value that is set
  const char* value;       // JSON; "" removes
  const char* fault_path;  // "": accepted
  const char* words;       // part of the description
};

constexpr const char* kContainer = "spec.template.spec.containers[0]";

/// A good service as JSON, ready to be spoilt.
Json good() {
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
void put(Json& root, std::string_view path, std::string_view value) {
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

void expect(const Row& row, const Json& service) {
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
void expect_all(const Row (&rows)[N], const Json& start = good()) {
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

Json with(std::initializer_list<std::pair<const char*, const char*>> changes) {
  Json service = good();
  for (const auto& [path, value] : changes) {
    std::string full = path;
    if (full.starts_with("C.")) full = std::string(kContainer) + full.substr(1);
    put(service, full, value);
  }
  return service;
}

TEST(Rules, WhatMustBeThere) {
  const Row kRows[] = {
      {"metadata.labels", "", "", ""},
      {"apiVersion", "", "apiVersion", "is missing"},
      {"apiVersion", "\"run/v2\"", "apiVersion", "\"run/v2\" is not serving.knative.dev/v1"},
      {"kind", "\"Job\"", "kind", "\"Job\" is not Service"},
      {"kind", "null", "kind", "is missing"},
      {"metadata", "", "metadata", "is missing"},
      {"metadata.name", "", "metadata.name", "is missing"},
      {"spec", "", "spec", "is missing"},
      {"spec", "[]", "spec", "expected a mapping, found a list"},
      {"spec.template", "", "spec.template", "is missing"},
      {"spec.template.spec", "", "spec.template.spec", "is missing"},
      {"spec.template.spec.containers", "", "spec.template.spec.containers", "is missing"},
      {"spec.template.spec.containers", "[]", "spec.template.spec.containers", "is empty"},
      {"spec.template.spec.containers", "[{},{}]", "spec.template.spec.containers",
       "sidecars are not supported yet"},
      {"spec.template.metadata", "", "", ""},
      {"C.image", "", "C.image", "is missing"}};
  expect_all(kRows);
}

TEST(Rules, Names) {
  const Row kRows[] = {
      {"metadata.name", "\"Demo\"", "metadata.name", "must begin with a small letter"},
      {"metadata.name", "\"d\"", "", ""},
      {"metadata.name", "17", "metadata.name", "expected a string, found the number 17"},
      {"spec.template.metadata.name", "\"demo-v2\"", "", ""},
      {"spec.template.metadata.name", "\"v2\"", "spec.template.metadata.name", "\"demo-...\""},
      {"metadata.labels[team]", "\"a b\"", "metadata.labels[team]",
       "must hold" /* replaced below */},
      {"metadata.labels[-x]", "\"a\"", "metadata.labels[-x]", "the label \"-x\" must begin"}};
  for (const Row& row : kRows) {
    Row copy = row;
    if (std::string_view(row.path) == "metadata.labels[team]") copy.words = "may hold letters";
    const Row one[] = {copy};
    expect_all(one);
  }
}

TEST(Rules, ImagesOfThisVersion) {
  const Row kRows[] = {
      {"C.image", "\"nginx:1.25\"", "C.image", "is a container image, which is not supported yet"},
      {"C.image", "\"thaw.local/hots\"", "C.image", "did you mean 'thaw.local/host'?"},
      {"C.image", "8", "C.image", "expected a string"},
      {"C.command", "", "C.command", "needs the program to run"},
      {"C.command", "[\"\"]", "C.command[0]", "is empty"},
      {"C.command", "\"python3 app.py\"", "C.command", "expected a list, found the string"},
      {"C.command", "[1]", "C.command[0]", "put it in quotes: '1'"},
      {"C.command", "[\"a\\u0000b\"]", "C.command[0]", "NUL"},
      {"C.workingDir", "\"srv\"", "C.workingDir", "is no absolute path"},
      {"C.workingDir", "\"/srv\"", "", ""}};
  expect_all(kRows);
  const Row kServe[] = {
      {"C.args", "[\"--task\", \"forecast\"]", "", ""},
      {"C.args", "[\"--task=forecast\", \"--verbose\"]", "", ""},
      {"C.args", "[\"--task\", \"paint\"]", "C.args[1]", "the task \"paint\" is unknown"},
      {"C.args", "[\"--task=\"]", "C.args[0]", "the task \"\" is unknown"},
      {"C.args", "[\"--task\"]", "C.args", "does not say what to serve"},
      {"C.args", "", "C.args", "does not say what to serve"}};
  expect_all(kServe, with({{"C.image", "\"thaw.local/serve\""}, {"C.command", ""}}));
  const Row kBoth[] = {{"C.command", "[\"x\"]", "C.command", "brings its own program"}};
  expect_all(kBoth,
             with({{"C.image", "\"thaw.local/serve\""}, {"C.args", "[\"--task=forecast\"]"}}));
}

TEST(Rules, EnvironmentAndPort) {
  const Row kRows[] = {
      {"C.env", "[]", "", ""},
      {"C.env[0].name", "\"PORT\"", "C.env[0].name", "containerPort"},
      {"C.env[0].name", "\"K_REVISION\"", "C.env[0].name", "is set by the platform"},
      {"C.env[0].name", "\"A=B\"", "C.env[0].name", "may hold letters"},
      {"C.env[0].name", "", "C.env[0].name", "needs a name"},
      {"C.env[0].value", "", "", ""},
      {"C.env[0].value", "true", "C.env[0].value", "put it in quotes: 'true'"},
      {"C.env[0].value", "{}", "C.env[0].value", "expected a string, found a mapping"},
      {"C.env", "[{\"name\":\"A\"},{\"name\":\"A\"}]", "C.env[1].name", "is given twice"},
      {"C.env[0].valueFrom", "{\"secretKeyRef\":{}}", "C.env[0].valueFrom",
       "not supported yet: secrets"},
      {"C.ports", "[]", "", ""},
      {"C.ports", "[{},{}]", "C.ports", "has 2 ports"},
      {"C.ports[0].containerPort", "0", "C.ports[0].containerPort", "from 1 to 65535"},
      {"C.ports[0].containerPort", "65536", "C.ports[0].containerPort", "out of range"},
      {"C.ports[0].containerPort", "\"80\"", "C.ports[0].containerPort", "remove the quotes"},
      {"C.ports[0].containerPort", "1e3", "C.ports[0].containerPort", "expected a whole number"},
      {"C.ports[0].name", "\"h2c\"", "", ""},
      {"C.ports[0].name", "\"http2\"", "C.ports[0].name", "neither http1 nor h2c"},
      {"C.ports[0].protocol", "\"UDP\"", "C.ports[0].protocol", "is not TCP"}};
  expect_all(kRows);
}

TEST(Rules, CpuSteps) {
  for (const char* cpu : {"\"80m\"", "0.08", "\"999m\"", "0.333"}) {
    const Row one[] = {{"C.resources.limits.cpu", cpu, "", ""}};
    expect_all(one, with({{"spec.template.spec.containerConcurrency", "1"}}));
  }
  for (const char* cpu : {"1", "\"1000m\"", "\"2\"", "2.0"}) {
    const Row one[] = {{"C.resources.limits.cpu", cpu, "", ""}};
    expect_all(one);
  }
  for (const char* cpu : {"4", "6", "8"}) {
    const Row one[] = {{"C.resources.limits.cpu", cpu, "", ""}};
    expect_all(one, with({{"C.resources.limits.memory", "\"4Gi\""}}));
  }
  for (const char* cpu : {"\"79m\"", "0", "3", "5", "7", "9", "10", "1.5", "\"1001m\"", "1e9"}) {
    const Row one[] = {{"C.resources.limits.cpu", cpu, "C.resources.limits.cpu",
                        "is not offered; choose 80m to 999m, 1, 2, 4, 6 or 8"}};
    expect_all(one);
  }
  const Row kRows[] = {
      {"C.resources.limits.cpu", "\"-1\"", "C.resources.limits.cpu", "\"-1\" is negative"},
      {"C.resources.limits.cpu", "0.0801", "C.resources.limits.cpu", "finer than a thousandth"},
      {"C.resources.limits.cpu", "true", "C.resources.limits.cpu", "expected a number of vCPUs"},
      {"C.resources.limits[nvidia.com/gpu]", "\"1\"", "C.resources.limits.nvidia.com/gpu",
       "not supported yet: GPUs"}};
  expect_all(kRows);
}

TEST(Rules, MemoryForEachCpu) {
  struct Size {
    const char* cpu;
    const char* least;
    const char* too_little;
    const char* most;
    const char* too_much;
  };
  const Size kSizes[] = {{"\"100m\"", "128Mi", "127Mi", "512Mi", "513Mi"},
                         {"\"500m\"", "128Mi", "134217727", "1Gi", "1025Mi"},
                         {"1", "128Mi", "127Mi", "4Gi", "4097Mi"},
                         {"2", "128Mi", "127Mi", "8Gi", "8193Mi"},
                         {"4", "2Gi", "2047Mi", "16Gi", "16385Mi"},
                         {"6", "4Gi", "4095Mi", "24Gi", "24577Mi"},
                         {"8", "4Gi", "4095Mi", "32Gi", "33Gi"}};
  for (const Size& size : kSizes) {
    const Json start = with(
        {{"C.resources.limits.cpu", size.cpu}, {"spec.template.spec.containerConcurrency", "1"}});
    const auto quoted = [](const char* text) { return "\"" + std::string(text) + "\""; };
    const std::string least = quoted(size.least), most = quoted(size.most);
    const std::string little = quoted(size.too_little), much = quoted(size.too_much);
    const Row kRows[] = {
        {"C.resources.limits.memory", least.c_str(), "", ""},
        {"C.resources.limits.memory", most.c_str(), "", ""},
        {"C.resources.limits.memory", little.c_str(), "C.resources.limits.memory", "is too little"},
        {"C.resources.limits.memory", much.c_str(), "C.resources.limits.memory", "is too much"}};
    expect_all(kRows, start);
  }
  const Row kRows[] = {
      {"C.resources.limits.memory", "\"-512Mi\"", "C.resources.limits.memory", "is negative"},
      {"C.resources.limits.memory", "\"512MB\"", "C.resources.limits.memory", "unknown unit 'MB'"},
      {"C.resources.limits.cpu", "4", "C.resources.limits.memory",
       "the default 512Mi is too little"},
      {"C.resources.requests", "{\"memory\": \"1Gi\"}", "C.resources.requests.memory",
       "is more than limits.memory"}};
  expect_all(kRows);
  const Row kGen2[] = {
      {"C.resources.limits.memory", "\"256Mi\"", "C.resources.limits.memory", "at least 512Mi"}};
  expect_all(kGen2, with({{"spec.template.metadata.annotations[run.googleapis.com/"
                           "execution-environment]",
                           "\"gen2\""}}));
}

TEST(Rules, BelowOneCpuIsOneRequestAtATime) {
  const Json small = with({{"C.resources.limits.cpu", "0.5"}});
  const Row kRows[] = {
      {"spec.template.spec.containerConcurrency", "", "", ""},
      {"spec.template.spec.containerConcurrency", "0", "", ""},
      {"spec.template.spec.containerConcurrency", "1", "", ""},
      {"spec.template.spec.containerConcurrency", "2", "spec.template.spec.containerConcurrency",
       "it must be 1 with 500m CPU"},
      {"spec.template.metadata.annotations[run.googleapis.com/cpu-throttling]", "\"true\"", "", ""},
      {"spec.template.metadata.annotations[run.googleapis.com/cpu-throttling]", "\"false\"",
       "spec.template.metadata.annotations[run.googleapis.com/cpu-throttling]",
       "give the instance at least one vCPU"},
      {"spec.template.metadata.annotations[run.googleapis.com/execution-environment]", "\"gen2\"",
       "spec.template.metadata.annotations[run.googleapis.com/execution-environment]",
       "gen2 is not allowed"}};
  expect_all(kRows, small);
}

TEST(Rules, ConcurrencyAndTimeout) {
  const Row kRows[] = {{"spec.template.spec.containerConcurrency", "1000", "", ""},
                       {"spec.template.spec.containerConcurrency", "1001",
                        "spec.template.spec.containerConcurrency", "from 0 to 1000"},
                       {"spec.template.spec.containerConcurrency", "-1",
                        "spec.template.spec.containerConcurrency", "-1 is out of range"},
                       {"spec.template.spec.timeoutSeconds", "1", "", ""},
                       {"spec.template.spec.timeoutSeconds", "3600", "", ""},
                       {"spec.template.spec.timeoutSeconds", "0",
                        "spec.template.spec.timeoutSeconds", "from 1 to 3600"},
                       {"spec.template.spec.timeoutSeconds", "3601",
                        "spec.template.spec.timeoutSeconds", "out of range"},
                       {"spec.template.spec.timeoutSeconds", "99999999999999999999999",
                        "spec.template.spec.timeoutSeconds", "expected a whole number"}};
  expect_all(kRows);
}

TEST(Rules, MinimumIsAtMostMaximum) {
  const Row kRows[] = {
      {"metadata.annotations",
       R"({"run.googleapis.com/minScale":"2","run.googleapis.com/maxScale":"2"})", "", ""},
      {"metadata.annotations",
       R"({"run.googleapis.com/minScale":"3","run.googleapis.com/maxScale":"2"})",
       "metadata.annotations[run.googleapis.com/minScale]", "3 is more than maxScale, which is 2"},
      {"spec.template.metadata.annotations", R"({"autoscaling.knative.dev/minScale":"150"})", "",
       ""},
      {"spec.template.metadata.annotations",
       R"({"autoscaling.knative.dev/minScale":"3","autoscaling.knative.dev/maxScale":"2"})",
       "spec.template.metadata.annotations[autoscaling.knative.dev/minScale]",
       "more than maxScale"},
      {"spec.template.metadata.annotations",
       R"({"autoscaling.knative.dev/min-scale":"3","autoscaling.knative.dev/minScale":"3"})",
       "spec.template.metadata.annotations[autoscaling.knative.dev/min-scale]", "keep one"}};
  expect_all(kRows);
}

TEST(Rules, AnnotationsAreAClosedListOnThePlatformsDomains) {
#define TEMPLATE_NOTE(name) "spec.template.metadata.annotations[" name "]"
#define NOTE(name) "metadata.annotations[" name "]"
  const Row kRows[] = {
      {NOTE("example.com/any"), "\"x\"", "", ""},
      {NOTE("run.googleapis.com/minScale"), "\"-1\"", NOTE("run.googleapis.com/minScale"),
       "from 0"},
      {NOTE("run.googleapis.com/minScale"), "3", NOTE("run.googleapis.com/minScale"),
       "put it in quotes: '3'"},
      {NOTE("run.googleapis.com/maxScale"), "\"0\"", NOTE("run.googleapis.com/maxScale"), "from 1"},
      {NOTE("run.googleapis.com/ingress"), "\"all\"", "", ""},
      {NOTE("run.googleapis.com/ingress"), "\"internal\"", NOTE("run.googleapis.com/ingress"),
       "not supported yet: limits on who may call"},
      {NOTE("run.googleapis.com/iap-enabled"), "\"false\"", "", ""},
      {NOTE("run.googleapis.com/iap-enabled"), "\"true\"", NOTE("run.googleapis.com/iap-enabled"),
       "not supported yet"},
      {NOTE("run.googleapis.com/scalingMode"), "\"automatic\"", "", ""},
      {NOTE("run.googleapis.com/scalingMode"), "\"manual\"", NOTE("run.googleapis.com/scalingMode"),
       "set minScale and maxScale"},
      {NOTE("run.googleapis.com/launch-stage"), "\"BETA\"", "", ""},
      {NOTE("run.googleapis.com/launch-stage"), "\"ET\"", NOTE("run.googleapis.com/launch-stage"),
       "is not one of ALPHA, BETA, GA"},
      {NOTE("autoscaling.knative.dev/maxScale"), "\"3\"", NOTE("autoscaling.knative.dev/maxScale"),
       "belongs in spec.template.metadata.annotations; here it is 'run.googleapis.com/maxScale'"},
      {NOTE("run.googleapis.com/cpu-throttling"), "\"false\"",
       NOTE("run.googleapis.com/cpu-throttling"), "belongs in spec.template.metadata.annotations"},
      {TEMPLATE_NOTE("autoscaling.knative.dev/maxscale"), "\"3\"",
       TEMPLATE_NOTE("autoscaling.knative.dev/maxscale"),
       "did you mean 'autoscaling.knative.dev/maxScale'?"},
      {TEMPLATE_NOTE("run.googleapis.com/cpu-throtling"), "\"3\"",
       TEMPLATE_NOTE("run.googleapis.com/cpu-throtling"),
       "did you mean 'run.googleapis.com/cpu-throttling'?"},
      {TEMPLATE_NOTE("run.googleapis.com/cpu-throttling"), "\"no\"",
       TEMPLATE_NOTE("run.googleapis.com/cpu-throttling"), "neither 'true' nor 'false'"},
      {TEMPLATE_NOTE("run.googleapis.com/cpu-throttling"), "\"TRUE\"", "", ""},
      {TEMPLATE_NOTE("autoscaling.knative.dev/target"), "\"7\"",
       TEMPLATE_NOTE("autoscaling.knative.dev/target"), "not supported yet: Knative's fine tuning"},
      {TEMPLATE_NOTE("run.googleapis.com/vpc-access-egress"), "\"all\"",
       TEMPLATE_NOTE("run.googleapis.com/vpc-access-egress"), "not supported yet: networks"},
      {TEMPLATE_NOTE("run.googleapis.com/execution-environment"), "\"gen3\"",
       TEMPLATE_NOTE("run.googleapis.com/execution-environment"), "is not one of gen1, gen2"}};
#undef NOTE
#undef TEMPLATE_NOTE
  expect_all(kRows);
}

TEST(Rules, StartupProbe) {
  const Row kRows[] = {
      {"C.startupProbe", R"({"tcpSocket":{}})", "", ""},
      {"C.startupProbe", R"({"grpc":{}})", "", ""},
      {"C.startupProbe",
       R"({"httpGet":{"path":"/a"},"timeoutSeconds":600,"periodSeconds":600,"failureThreshold":1})",
       "", ""},
      {"C.startupProbe", R"({"tcpSocket":{},"failureThreshold":60})", "", ""},
      {"C.startupProbe", R"({"tcpSocket":{},"failureThreshold":61})",
       "C.startupProbe.failureThreshold", "is 610 s; at most 600 s"},
      {"C.startupProbe", R"({"tcpSocket":{},"failureThreshold":2147483647,"periodSeconds":600})",
       "C.startupProbe.failureThreshold", "at most 600 s"},
      {"C.startupProbe", R"({"tcpSocket":{},"periodSeconds":601,"failureThreshold":1})",
       "C.startupProbe.periodSeconds", "is more than 600"},
      {"C.startupProbe", R"({"tcpSocket":{},"timeoutSeconds":11})", "C.startupProbe.timeoutSeconds",
       "timeoutSeconds 11 is more than periodSeconds 10"},
      {"C.startupProbe", R"({"tcpSocket":{},"timeoutSeconds":0})", "C.startupProbe.timeoutSeconds",
       "out of range"},
      {"C.startupProbe", R"({"tcpSocket":{},"initialDelaySeconds":601})",
       "C.startupProbe.initialDelaySeconds", "from 0 to 600"},
      {"C.startupProbe", R"({"tcpSocket":{},"successThreshold":2})",
       "C.startupProbe.successThreshold", "2 is not allowed; only 1 is"},
      {"C.startupProbe", R"({})", "C.startupProbe", "give exactly one"},
      {"C.startupProbe", R"({"tcpSocket":{},"grpc":{}})", "C.startupProbe", "has 2 of tcpSocket"},
      {"C.startupProbe", R"({"exec":{"command":["true"]},"tcpSocket":{}})", "C.startupProbe.exec",
       "not supported yet: use httpGet"},
      {"C.startupProbe", R"({"httpGet":{"path":"health"}})", "C.startupProbe.httpGet.path",
       "it begins with '/'"},
      {"C.startupProbe", R"({"httpGet":{"path":"/a b\r\nX: y"}})", "C.startupProbe.httpGet.path",
       "has no blanks"},
      {"C.startupProbe", R"({"httpGet":{"httpHeaders":[{"name":"a:","value":""}]}})",
       "C.startupProbe.httpGet.httpHeaders[0].name", "is no header name"},
      {"C.startupProbe", R"({"httpGet":{"httpHeaders":[{"name":"a","value":"b\r\n"}]}})",
       "C.startupProbe.httpGet.httpHeaders[0].value", "visible ASCII"},
      {"C.startupProbe", R"({"tcpSocket":{"port":"http"}})", "C.startupProbe.tcpSocket.port",
       "expected a whole number"},
      {"C.startupProbe", R"({"tcpSocket":{"host":"other"}})", "C.startupProbe.tcpSocket.host",
       "the instance itself"}};
  expect_all(kRows);
}

TEST(Rules, LivenessAndReadinessProbes) {
  const Row kRows[] = {
      {"C.livenessProbe", R"({"httpGet":{},"periodSeconds":3600,"timeoutSeconds":3600})", "", ""},
      {"C.livenessProbe", R"({"grpc":{"service":"x"},"failureThreshold":100})", "", ""},
      {"C.livenessProbe", R"({"tcpSocket":{}})", "C.livenessProbe.tcpSocket", "startupProbe only"},
      {"C.livenessProbe", R"({"httpGet":{},"periodSeconds":3601})", "C.livenessProbe.periodSeconds",
       "from 1 to 3600"},
      {"C.readinessProbe", R"({"httpGet":{}})", "C.readinessProbe", "launch-stage: BETA"}};
  expect_all(kRows);
  const Row kBeta[] = {{"C.readinessProbe", R"({"httpGet":{}})", "", ""},
                       {"C.readinessProbe", R"({"tcpSocket":{}})", "C.readinessProbe.tcpSocket",
                        "startupProbe only"}};
  expect_all(kBeta, with({{"metadata.annotations[run.googleapis.com/launch-stage]", "\"BETA\""}}));
}

TEST(Rules, Traffic) {
  const Row kRows[] = {
      {"spec.traffic", "", "", ""},
      {"spec.traffic", "[]", "", ""},
      {"spec.traffic",
       R"([{"revisionName":"demo-1","percent":60},{"latestRevision":true,"percent":40},{"revisionName":"demo-2","tag":"old"}])",
       "", ""},
      {"spec.traffic", R"([{"latestRevision":true,"percent":99}])", "spec.traffic",
       "sum to 99, not to 100"},
      {"spec.traffic", R"([{"latestRevision":true}])", "spec.traffic", "sum to 0"},
      {"spec.traffic", R"([{"latestRevision":true,"percent":101}])", "spec.traffic[0].percent",
       "from 0 to 100"},
      {"spec.traffic", R"([{"percent":100}])", "spec.traffic[0]", "names no revision"},
      {"spec.traffic", R"([{"percent":100,"latestRevision":true,"revisionName":"demo-1"}])",
       "spec.traffic[0]", "keep one"},
      {"spec.traffic", R"([{"percent":100,"latestRevision":true,"tag":"A"}])",
       "spec.traffic[0].tag", "small letter"},
      {"spec.traffic",
       R"([{"percent":100,"latestRevision":true,"tag":"a"},{"revisionName":"demo-1","tag":"a"}])",
       "spec.traffic[1].tag", "is given twice"},
      {"spec.traffic", R"([{"percent":100,"configurationName":"demo"}])",
       "spec.traffic[0].configurationName", "its own revisions only"},
      {"spec.traffic", R"({"percent":100})", "spec.traffic", "expected a list, found a mapping"},
      {"spec.traffic", R"([7])", "spec.traffic[0]", "expected a mapping, found the number 7"}};
  for (const Row& row : kRows) {
    // A configurationName alone names no revision either: two faults of one mistake are one.
    const Row one[] = {row};
    expect_all(one);
  }
}

TEST(Rules, WhatIsRefusedIsAcceptedWhenEmpty) {
  for (const char* name : {"volumes", "nodeSelector", "imagePullSecrets", "initContainers"}) {
    const std::string path = std::string("spec.template.spec.") + name;
    for (const char* empty : {"null", "[]", "{}", "\"\"", "false"}) {
      const Row one[] = {{path.c_str(), empty, "", ""}};
      expect_all(one);
    }
    const Row one[] = {{path.c_str(), "[{\"name\":\"x\"}]", path.c_str(), "not supported yet: "}};
    expect_all(one);
  }
}

}  // namespace
}  // namespace thaw::spec
