// The rules of the one container, a row each.
#include "spec/rules_testing.h"

namespace thaw::spec {
namespace {

TEST(ContainerRules, ImagesOfThisVersion) {
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
      {"C.args", "[\"--model\", \"/models/qa\"]", "", ""},
      {"C.args", "[\"--model=qa=/m\", \"--task=fill-mask\"]", "", ""},
      {"C.args", "[\"--model\"]", "C.args", "does not say what to serve"},
      {"C.args", "[\"--task\", \"paint\"]", "C.args[1]", "the task \"paint\" is unknown"},
      {"C.args", "[\"--task=\"]", "C.args[0]", "the task \"\" is unknown"},
      {"C.args", "[\"--task\"]", "C.args", "does not say what to serve"},
      {"C.args", "", "C.args", "does not say what to serve"}};
  expect_all(kServe, with({{"C.image", "\"thaw.local/serve\""}, {"C.command", ""}}));
  const Row kBoth[] = {{"C.command", "[\"x\"]", "C.command", "brings its own program"}};
  expect_all(kBoth,
             with({{"C.image", "\"thaw.local/serve\""}, {"C.args", "[\"--task=forecast\"]"}}));
}

TEST(ContainerRules, EnvironmentAndPort) {
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
      {"C.ports[0].name", "\"http1\"", "", ""},
      {"C.ports[0].name", "\"h2c\"", "", ""},
      {"C.ports[0].name", "\"http2\"", "C.ports[0].name", "neither http1 nor h2c"},
      {"C.ports[0].protocol", "\"UDP\"", "C.ports[0].protocol", "is not TCP"}};
  expect_all(kRows);
}

TEST(ContainerRules, CpuSteps) {
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

TEST(ContainerRules, MemoryForEachCpu) {
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

TEST(ContainerRules, BelowOneCpuIsOneRequestAtATime) {
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

TEST(ContainerRules, StartupProbe) {
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

TEST(ContainerRules, LivenessAndReadinessProbes) {
  const Row kRows[] = {
      {"C.livenessProbe", R"({"httpGet":{},"periodSeconds":3600,"timeoutSeconds":3600})", "", ""},
      {"C.livenessProbe", R"({"grpc":{"service":"x"},"failureThreshold":100})", "", ""},
      {"C.livenessProbe", R"({"tcpSocket":{}})", "C.livenessProbe.tcpSocket", "startupProbe only"},
      {"C.livenessProbe", R"({"httpGet":{},"periodSeconds":3601})", "C.livenessProbe.periodSeconds",
       "from 1 to 3600"},
      {"C.livenessProbe", R"({"grpc":{},"successThreshold":2})", "C.livenessProbe.successThreshold",
       "only 1 is"},
      {"C.readinessProbe", R"({"httpGet":{}})", "C.readinessProbe", "launch-stage: BETA"}};
  expect_all(kRows);
  const Row kBeta[] = {{"C.readinessProbe", R"({"httpGet":{}})", "", ""},
                       {"C.readinessProbe", R"({"grpc":{},"successThreshold":2})", "", ""},
                       {"C.readinessProbe", R"({"tcpSocket":{}})", "C.readinessProbe.tcpSocket",
                        "startupProbe only"}};
  expect_all(kBeta, with({{"metadata.annotations[run.googleapis.com/launch-stage]", "\"BETA\""}}));
}

}  // namespace
}  // namespace thaw::spec
