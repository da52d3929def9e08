// The rules of a service outside of its container, a row each.
#include "spec/rules_testing.h"

namespace thaw::spec {
namespace {

TEST(Rules, WhatMustBeThere) {
  const Row kRows[] = {
      {"metadata.labels", "", "", ""},
      {"apiVersion", "", "apiVersion", "is missing"},
      {"apiVersion", "\"run/v2\"", "apiVersion", "\"run/v2\" is not serving.knative.dev/v1"},
      {"kind", "\"Job\"", "kind", "\"Job\" is neither Service nor WorkerPool"},
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
      {"metadata.labels[team]", "\"a b\"", "metadata.labels[team]", "may hold letters"},
      {"metadata.labels[-x]", "\"a\"", "metadata.labels[-x]", "the label \"-x\" must begin"}};
  expect_all(kRows);
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
      {NOTE("run.googleapis.com/scalingMode"), "\"manual\"", "", ""},
      {NOTE("run.googleapis.com/scalingMode"), "\"manually\"",
       NOTE("run.googleapis.com/scalingMode"), "is not one of automatic, manual"},
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
      {TEMPLATE_NOTE("autoscaling.knative.dev/target"), "\"7\"", "", ""},
      {TEMPLATE_NOTE("autoscaling.knative.dev/window"), "\"5s\"",
       TEMPLATE_NOTE("autoscaling.knative.dev/window"), "'5s' is no time in whole seconds from 6s"},
      {TEMPLATE_NOTE("run.googleapis.com/vpc-access-egress"), "\"all\"",
       TEMPLATE_NOTE("run.googleapis.com/vpc-access-egress"), "not supported yet: networks"},
      {TEMPLATE_NOTE("run.googleapis.com/execution-environment"), "\"gen3\"",
       TEMPLATE_NOTE("run.googleapis.com/execution-environment"), "is not one of gen1, gen2"}};
#undef NOTE
#undef TEMPLATE_NOTE
  expect_all(kRows);
}

TEST(Rules, Traffic) {
  const Row kRows[] = {
      {"spec.traffic", "", "", ""},
      {"spec.traffic", "[]", "", ""},
      {"spec.traffic",
       R"([{"revisionName":"demo-1","percent":60},{"latestRevision":true,"percent":40},)"
       R"({"revisionName":"demo-2","tag":"old"}])",
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
  expect_all(kRows);
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
