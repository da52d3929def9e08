#include <gtest/gtest.h>

#include "cli/api_testing.h"
#include "cli/service_page.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

constexpr char kService[] = R"({
  "apiVersion": "serving.knative.dev/v1", "kind": "Service",
  "metadata": {"name": "hello", "namespace": "default", "generation": 2, "uid": "u-1",
               "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"},
  "spec": {"template": {
    "metadata": {"annotations": {"autoscaling.knative.dev/maxScale": "3"}},
    "spec": {"containerConcurrency": 4, "timeoutSeconds": 60, "containers": [{
      "image": "thaw.local/host", "command": ["/bin/a b", "-x"],
      "env": [{"name": "KEY", "value": "secret"}],
      "resources": {"limits": {"cpu": "1", "memory": "256Mi"}}}]}},
    "traffic": [{"percent": 100, "latestRevision": true}]},
  "status": {"observedGeneration": 2, "url": "http://hello.localhost:8080",
    "latestCreatedRevisionName": "hello-00002-abc", "latestReadyRevisionName": "hello-00001-xyz",
    "traffic": [{"percent": 100, "revisionName": "hello-00001-xyz", "latestRevision": true},
                {"tag": "next", "revisionName": "hello-00002-abc", "url": "http://next---h.localhost"}],
    "conditions": [{"type": "Ready", "status": "False", "reason": "HealthCheckContainerError",
      "message": "The container failed to start.\nIt exited with code 3; see its log."}]}})";

constexpr char kInstances[] = R"({"instances": [
  {"name": "hello-00001-xyz-5f3a9c", "service": "hello", "revision": "hello-00001-xyz",
   "state": "ready", "temperature": "hot", "start": "templated", "inFlight": 2,
   "ageSeconds": 61.5, "cpuSeconds": 0.25,
   "memoryBytes": 52428800, "memoryLimitBytes": 268435456},
  {"name": "other-00001-aaa-111111", "service": "other", "revision": "other-00001-aaa",
   "state": "starting", "temperature": "hot", "inFlight": 0, "ageSeconds": 1, "cpuSeconds": 0,
   "memoryBytes": 0, "memoryLimitBytes": 0}]})";

constexpr char kStarts[] = R"({"starts": [
  {"instance": "hello-00001-xyz-000000", "time": "2026-01-01T00:00:01Z", "queuedMs": 9000},
  {"instance": "hello-00001-xyz-5f3a9c", "time": "2026-01-01T00:00:02Z", "queuedMs": 0.5,
   "sandboxMs": 6, "execMs": 1.5, "loadMs": 10, "firstByteMs": 2}]})";

constexpr char kLog[] =
    R"({"timestamp":"2026-01-01T00:00:03Z","severity":"DEFAULT","stream":"stdout","message":"hi"})"
    "\n"
    R"({"timestamp":"2026-01-01T00:00:04Z","severity":"ERROR","stream":"platform",)"
    R"("message":"killed:\nover 256 MiB"})"
    "\n";

class ServicesTest : public ApiTest {
 protected:
  ServicesTest() {
    const Json service = parsed(kService);
    api.on_json(std::string("GET ") + kServices,
                Json::object({{"items", Json(Json::Array{service})}}));
    api.on_json(std::string("GET ") + kServices + "/hello", service);
    api.on_json("GET /thaw/v1/instances", parsed(kInstances));
    api.on_json("GET /thaw/v1/services/hello/starts", parsed(kStarts));
    api.on_json("GET /thaw/v1/services/hello/usage",
                parsed(R"({"vcpuSeconds": 1.25, "gibSeconds": 0.5, "requests": 12,
                           "costUsd": 0.0000362})"));
    api.on("GET /thaw/v1/services/hello/logs",
           [](const http::Request&) { return http::Response::text(200, kLog); });
  }
};

TEST_F(ServicesTest, TheListIsATable) {
  ASSERT_EQ(thaw({"services", "list"}), 0) << terminal.err;
  EXPECT_TRUE(terminal.out.starts_with(
      "NAME   READY  REVISION         URL                          CREATED\n"
      "hello  no     hello-00001-xyz  http://hello.localhost:8080  "))
      << terminal.out;
}

TEST_F(ServicesTest, AnEmptyListIsANoteForPeopleAndAnEmptyArrayForPrograms) {
  api.on_json(std::string("GET ") + kServices, Json::object({{"items", Json::array()}}));
  EXPECT_EQ(thaw({"services", "list"}), 0);
  EXPECT_EQ(terminal.out, "");
  EXPECT_NE(terminal.err.find("No services yet"), std::string::npos);
  EXPECT_EQ(thaw({"services", "list", "--json"}), 0);
  EXPECT_EQ(terminal.out, "[]\n");
  EXPECT_EQ(terminal.err, "");
}

TEST_F(ServicesTest, JsonIsTheObjectsOfV1) {
  ASSERT_EQ(thaw({"services", "list", "--json"}), 0);
  EXPECT_EQ(out_json(), Json(Json::Array{parsed(kService)}));
  ASSERT_EQ(thaw({"services", "describe", "hello", "--json"}), 0);
  EXPECT_EQ(out_json(), parsed(kService));
}

TEST_F(ServicesTest, DetailsPutEverythingIntoOneDocument) {
  api.on_json(std::string("GET ") + kRevisions, parsed(R"({"items": [{"kind": "Revision"}]})"));
  ASSERT_EQ(thaw({"services", "describe", "hello", "--json", "--details"}), 0);
  const Json json = out_json();
  EXPECT_EQ(json["service"], parsed(kService));
  EXPECT_EQ(json["revisions"].as_array().size(), 1u);
  EXPECT_EQ(json["instances"].as_array().size(), 1u);  // its own only
  EXPECT_EQ(json["starts"].as_array().size(), 2u);
  EXPECT_EQ(json["usage"].int_or("requests", 0), 12);
  EXPECT_EQ(json["logs"].as_array().size(), 1u);  // the platform's lines
}

TEST_F(ServicesTest, ThePageSaysAllThatIsKnown) {
  ASSERT_EQ(thaw({"services", "describe", "hello"}), 0) << terminal.err;
  const std::string& page = terminal.out;
  for (const char* line :
       {"Service      hello\n", "URL          http://hello.localhost:8080\n",
        "Ready        no: HealthCheckContainerError\n"
        "             The container failed to start.\n"
        "             It exited with code 3; see its log.\n",
        "Revision     hello-00002-abc, not ready; hello-00001-xyz is\n",
        "Traffic      100 %  hello-00001-xyz (latest)\n"
        "               0 %  hello-00002-abc, tag next: http://next---h.localhost\n",
        "Image        thaw.local/host\n", "Command      '/bin/a b' -x\n", "Environment  KEY\n",
        "CPU          1 vCPU, while a request is in flight\n", "Memory       256 MiB\n",
        "Requests     4 at once per instance, at most 1 min each\n",
        "Instances    0 to 3; now 1 (1 ready)\n",
        "Used         1.25 vCPU-s, 0.5 GiB-s, 12 requests, $0.000036\n",
        "Starts       up when TCP on port 8080, within 4 min\n",
        "Last start hello-00001-xyz-5f3a9c, ", "killed:\n              over 256 MiB\n"}) {
    EXPECT_NE(page.find(line), std::string::npos) << "missing: " << line << "in:\n" << page;
  }
  EXPECT_EQ(page.find("secret"), std::string::npos);  // values of variables are not for a page
}

TEST_F(ServicesTest, TheWaterfallsBarsFollowEachOther) {
  const Start start = start_of(parsed(kStarts)["starts"].as_array()[1]);
  EXPECT_EQ(start.total_ms(), 20);
  EXPECT_EQ(waterfall_text(start, 45, Style(Style::Colour::kOff)),
            "  queued        0.50 ms  █\n"
            "  sandbox       6.00 ms   ██████\n"
            "  exec          1.50 ms         █\n"
            "  load          10.0 ms          ██████████\n"
            "  first byte    2.00 ms                    ██\n"
            "  total         20.0 ms  listening after 18.0 ms\n");
}

TEST_F(ServicesTest, UnderAWaterfallStandsWhatWasDoneAheadOfTheStart) {
  const Start start =
      start_of(parsed(R"({"instance": "a", "queuedMs": 0, "how": "with byte code\u001b[2J"})"));
  const std::string text = waterfall_text(start, 45, Style(Style::Colour::kOff));
  EXPECT_NE(text.find("\n  with byte code"), std::string::npos) << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "no control characters of programs";
}

TEST_F(ServicesTest, AStartThatDidNotGetFarShowsWhatThereIs) {
  const Start start = start_of(parsed(R"({"instance": "a", "queuedMs": 0, "sandboxMs": null})"));
  ASSERT_EQ(start.phases.size(), 1u);
  EXPECT_EQ(waterfall_text(start, 45, Style(Style::Colour::kOff)),
            "  queued        0.00 ms  ▏\n  total         0.00 ms\n");
  EXPECT_EQ(start_of(Json()).phases.size(), 0u);
}

TEST_F(ServicesTest, APartThatTheApiCannotGiveLeavesTheRest) {
  for (const char* path :
       {"GET /thaw/v1/instances", "GET /thaw/v1/services/hello/starts",
        "GET /thaw/v1/services/hello/usage", "GET /thaw/v1/services/hello/logs"}) {
    api.on(path, [](const http::Request&) { return http::Response::text(500, "no"); });
  }
  ASSERT_EQ(thaw({"services", "describe", "hello"}), 0);
  EXPECT_NE(terminal.out.find("Instances    0 to 3\n"), std::string::npos) << terminal.out;
}

TEST_F(ServicesTest, WhatAServiceSaysReachesNoTerminalRaw) {
  Json service = parsed(kService);
  Json status = service["status"];
  status.set("conditions",
             parsed("[{\"type\":\"Ready\",\"status\":\"False\",\"message\":\"a\\u001b[2Jb\"}]"));
  service.set("status", status);
  api.on_json(std::string("GET ") + kServices + "/hello", service);
  ASSERT_EQ(thaw({"services", "describe", "hello"}), 0);
  EXPECT_EQ(terminal.out.find('\x1b'), std::string::npos);
  EXPECT_NE(terminal.out.find("a\\x1b[2Jb"), std::string::npos);
}

TEST_F(ServicesTest, TheExportDeploysTheSameAgain) {
  ASSERT_EQ(thaw({"services", "describe", "hello", "--export"}), 0) << terminal.err;
  EXPECT_EQ(terminal.out.find("status:"), std::string::npos) << terminal.out;
  EXPECT_EQ(terminal.out.find("resourceVersion"), std::string::npos);
  const auto again = spec::parse_service(terminal.out, "export");
  ASSERT_TRUE(again) << again.error().message();
  const auto first = spec::service_from_json(parsed(kService));
  ASSERT_TRUE(first);
  EXPECT_EQ(again->template_, first->template_);
  EXPECT_EQ(again->traffic, first->traffic);
}

TEST_F(ServicesTest, UsageIsOneLine) {
  EXPECT_EQ(thaw({"services", "usage", "hello"}), 0);
  EXPECT_EQ(terminal.out, "hello: 1.25 vCPU-s, 0.5 GiB-s, 12 requests, $0.000036\n");
  EXPECT_EQ(thaw({"services", "usage", "nobody"}), 4);
}

TEST_F(ServicesTest, DeletingStopsAtTheFirstThatFails) {
  api.on_json(std::string("DELETE ") + kServices + "/hello", Json::object());
  EXPECT_EQ(thaw({"services", "delete", "hello", "nobody", "hello"}), 4);
  EXPECT_EQ(terminal.out, "Deleted service [hello].\n");
  EXPECT_EQ(api.requests.size(), 2u);
  EXPECT_EQ(thaw({"services", "delete", "hello", "--json"}), 0);
  EXPECT_EQ(out_json(), parsed(R"({"deleted": ["hello"]})"));
}

TEST_F(ServicesTest, InstancesAreListedForPeopleAndPrograms) {
  ASSERT_EQ(thaw({"instances", "list"}), 0);
  EXPECT_NE(terminal.out.find("hello-00001-xyz-5f3a9c  ready     hot          templated         2"),
            std::string::npos)
      << terminal.out;
  EXPECT_NE(terminal.out.find("50 MiB of 256 MiB"), std::string::npos) << terminal.out;
  ASSERT_EQ(thaw({"instances", "list", "--json", "--service", "other"}), 0);
  EXPECT_EQ(out_json().as_array().size(), 1u);
  api.on_json("GET /thaw/v1/instances", parsed(R"({"instances": []})"));
  ASSERT_EQ(thaw({"instances", "list", "--json"}), 0);
  EXPECT_EQ(terminal.out, "[]\n");
  ASSERT_EQ(thaw({"instances", "list"}), 0);
  EXPECT_EQ(terminal.err, "No instances: everything is at zero.\n");
}

TEST_F(ServicesTest, WatchingTellsEachChangeOnce) {
  const auto list = [](std::string_view temperature, double age) {
    return parsed(R"({"instances": [{"name": "a", "service": "hello", "state": "ready",
      "temperature": ")" +
                  std::string(temperature) + R"(", "inFlight": 0, "ageSeconds": )" +
                  std::to_string(age) + "}]}");
  };
  const Json answers[] = {list("hot", 1),    list("hot", 2),        list("frozen", 3),
                          list("frozen", 4), list("hibernated", 5), parsed(R"({"instances": []})")};
  size_t asked = 0;
  api.on("GET /thaw/v1/instances", [&](const http::Request&) {
    const Json& answer = answers[std::min(asked++, std::size(answers) - 1)];
    return http::Response{200, {{"content-type", "application/json"}}, answer.dump()};
  });
  int lines = 0;
  terminal.on_out = [&] {
    if (++lines == 4)
      api.on("GET /thaw/v1/instances",
             [](const http::Request&) { return http::Response::text(503, "gone"); });
  };
  EXPECT_NE(thaw({"instances", "list", "--watch", "--json"}), 0);
  std::vector<std::string> temperatures;
  for (size_t at = 0; (at = terminal.out.find("\"temperature\":\"", at)) != std::string::npos;) {
    at += 15;
    temperatures.push_back(terminal.out.substr(at, terminal.out.find('"', at) - at));
  }
  EXPECT_EQ(temperatures, (std::vector<std::string>{"hot", "frozen", "hibernated", "cold"}));
}

TEST_F(ServicesTest, ThePageShowsWhatEachRungCosts) {
  api.on_json("GET /thaw/v1/services/hello/prices", parsed(R"({"revisions": [
    {"revision": "hello-00001-xyz", "rungs": [
      {"rung": "cold", "wakes": 3, "p50Ms": 2175, "p99Ms": 3400},
      {"rung": "hibernated", "wakes": 0, "memoryBytes": 8388608}]},
    {"revision": "hello-00002-abc", "rungs": [{"rung": "hot", "wakes": 77, "p50Ms": 1}]}]})"));
  ASSERT_EQ(thaw({"services", "describe", "hello"}), 0) << terminal.err;
  EXPECT_NE(terminal.out.find("To first byte"), std::string::npos) << terminal.out;
  EXPECT_NE(terminal.out.find("cold          2.17 s median, 3.40 s p99, 3 times\n"),
            std::string::npos)
      << terminal.out;
  EXPECT_NE(terminal.out.find("hibernated not woken from yet, holds 8 MiB\n"), std::string::npos)
      << terminal.out;
  EXPECT_EQ(terminal.out.find("77"), std::string::npos);
}

TEST_F(ServicesTest, RevisionsAreListedAndDescribed) {
  const Json revision = parsed(R"({"kind": "Revision", "metadata": {"name": "hello-00001-xyz",
    "creationTimestamp": "2026-01-01T00:00:00Z", "labels": {"serving.knative.dev/service": "hello"},
    "annotations": {"autoscaling.knative.dev/maxScale": "3", "thaw.local/template": "module"}},
    "spec": {"containers": [{"image": "thaw.local/serve", "args": ["--task", "forecast"]}]},
    "status": {"conditions": [{"type": "Ready", "status": "True"},
      {"type": "Active", "status": "False", "reason": "NoTraffic",
       "message": "It gets none."}]}})");
  api.on_json(std::string("GET ") + kRevisions,
              Json::object({{"items", Json(Json::Array{revision})}}));
  api.on_json(std::string("GET ") + kRevisions + "/hello-00001-xyz", revision);
  ASSERT_EQ(thaw({"revisions", "list", "--service", "hello"}), 0);
  EXPECT_EQ(http::find(api.requests.back().query, "labelSelector"),
            "serving.knative.dev/service=hello");
  EXPECT_NE(terminal.out.find("hello-00001-xyz  hello    yes    no"), std::string::npos)
      << terminal.out;
  ASSERT_EQ(thaw({"revisions", "describe", "hello-00001-xyz"}), 0) << terminal.err;
  EXPECT_NE(terminal.out.find("Active       no: NoTraffic\n             It gets none.\n"),
            std::string::npos)
      << terminal.out;
  EXPECT_NE(terminal.out.find("Arguments    --task forecast\n"), std::string::npos);
  EXPECT_EQ(terminal.out.find("\nTemplate     ready"), std::string::npos) << "nobody said so";
  const std::pair<const char*, const char*> states[] = {
      {R"({"state": "ready", "sizeBytes": 1048576, "modules": 12, "leftOut": 1})",
       "\nTemplate     ready, 1 MiB, 12 modules (1 left to the program)\n"},
      {R"({"state": "refused", "why": "it shares memory"})",
       "\nTemplate     refused: it shares memory\n"}};
  for (const auto& [state, line] : states) {
    api.on_json("GET /thaw/v1/revisions/hello-00001-xyz/template", parsed(state));
    ASSERT_EQ(thaw({"revisions", "describe", "hello-00001-xyz"}), 0);
    EXPECT_NE(terminal.out.find(line), std::string::npos) << terminal.out;
  }
  ASSERT_EQ(thaw({"revisions", "list", "--json"}), 0);
  EXPECT_EQ(out_json(), Json(Json::Array{revision}));
}

}  // namespace
}  // namespace thaw::cli
