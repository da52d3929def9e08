#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

constexpr char kYaml[] = R"(apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
spec:
  template:
    spec:
      containers:
        - image: thaw.local/host
          command: [/bin/server]
)";

/// An API that keeps one service and makes it ready, or not, after some questions.
class DeployTest : public ApiTest {
 protected:
  DeployTest() {
    const std::string one = std::string(kServices) + "/hello";
    api.on("GET " + one, [this](const http::Request&) { return get(); });
    api.on(std::string("POST ") + kServices, [this](const http::Request& r) { return store(r); });
    api.on("PUT " + one, [this](const http::Request& r) { return store(r); });
  }

  http::Response get() {
    if (stored_.is_null()) {
      return http::Response::json(
          404, R"({"error":{"code":404,"status":"NOT_FOUND","message":"no service hello"}})");
    }
    if (questions_ > 0 && --questions_ == 0) settle();
    return http::Response::json(200, stored_.dump());
  }

  http::Response store(const http::Request& request) {
    if (conflicts_ > 0) {
      --conflicts_;
      return http::Response::json(
          409, R"({"error":{"code":409,"status":"ABORTED","message":"it was changed"}})");
    }
    Json body = parsed(request.body);
    sent_ = body;
    Json metadata = body["metadata"];
    metadata.set("generation", ++generation_);
    metadata.set("resourceVersion", std::to_string(100 + generation_));
    body.set("metadata", metadata);
    body.set("status", status("Unknown", "", "Waiting for an instance."));
    if (http::find(request.query, "dryRun") == "all") return http::Response::json(200, body.dump());
    stored_ = body;
    questions_ = questions_to_settle_;
    if (questions_ == 0) settle();
    return http::Response::json(200, stored_.dump());
  }

  void settle() { stored_.set("status", status(outcome_, reason_, message_)); }

  Json status(const std::string& ready, const std::string& reason, const std::string& message) {
    const bool good = ready == "True";
    Json status = Json::object(
        {{"observedGeneration", generation_},
         {"latestCreatedRevisionName", "hello-0000" + std::to_string(generation_) + "-abc"},
         {"url", "http://hello.localhost:8080"},
         {"conditions", Json(Json::Array{Json::object({{"type", "Ready"},
                                                       {"status", ready},
                                                       {"reason", reason},
                                                       {"message", message}})})}});
    if (good) {
      const std::string revision = "hello-0000" + std::to_string(generation_) + "-abc";
      status.set("latestReadyRevisionName", revision);
      status.set("traffic",
                 Json(Json::Array{
                     Json::object(
                         {{"revisionName", revision}, {"latestRevision", true}, {"percent", 100}}),
                     Json::object({{"revisionName", revision},
                                   {"tag", "next"},
                                   {"url", "http://next---hello.localhost:8080"}})}));
    }
    return status;
  }

  Json stored_;
  Json sent_;
  int64_t generation_ = 0;
  int questions_ = 0;
  int questions_to_settle_ = 2;
  int conflicts_ = 0;
  std::string outcome_ = "True";
  std::string reason_;
  std::string message_;
};

TEST_F(DeployTest, AFileIsCreatedWaitedForAndToldAsGcloudDoes) {
  terminal.input = kYaml;
  ASSERT_EQ(thaw({"deploy", "-"}), 0) << terminal.err;
  EXPECT_EQ(terminal.out,
            "Service [hello] revision [hello-00001-abc] has been deployed and is serving 100 "
            "percent of traffic.\n"
            "Service URL: http://hello.localhost:8080\n");
  EXPECT_EQ(terminal.err, "Creating revision... Waiting for an instance.\n");
  EXPECT_EQ(api.asked()[1], std::string("POST ") + kServices);
  EXPECT_EQ(sent_["spec"]["template"]["spec"]["containers"].as_array()[0].string_or("image"),
            "thaw.local/host");
}

TEST_F(DeployTest, AFileReplacesWhatIsDeployedUnderItsName) {
  terminal.input = kYaml;
  ASSERT_EQ(thaw({"deploy", "-"}), 0);
  ASSERT_EQ(thaw({"deploy", "-"}), 0) << terminal.err;
  EXPECT_EQ(sent_["metadata"].string_or("resourceVersion"), "101");
  EXPECT_NE(terminal.out.find("hello-00002-abc"), std::string::npos);
}

TEST_F(DeployTest, AllFaultsOfAFileAreShownWithTheirLinesAndNothingIsAsked) {
  terminal.input = std::string(kYaml) + "          workingDr: /x\n      timeoutSeconds: soon\n";
  EXPECT_EQ(thaw({"deploy", "-"}), 5);
  EXPECT_NE(terminal.err.find("standard input:11"), std::string::npos) << terminal.err;
  EXPECT_NE(terminal.err.find("workingDir"), std::string::npos) << terminal.err;
  EXPECT_NE(terminal.err.find("standard input:12"), std::string::npos) << terminal.err;
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(DeployTest, EmptyAndHugeInputIsRefusedWithoutAsking) {
  EXPECT_EQ(thaw({"deploy", "-"}), 5) << terminal.err;
  terminal.input = std::string((1 << 20) + 1, 'x');
  EXPECT_NE(thaw({"deploy", "-"}), 0);
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(DeployTest, AMissingFileIsNamed) {
  EXPECT_EQ(thaw({"deploy", "/nonexistent/service.yaml"}), 1);
  EXPECT_NE(terminal.err.find("/nonexistent/service.yaml: No such file"), std::string::npos)
      << terminal.err;
}

TEST_F(DeployTest, FlagsMakeANewServiceAndThenChangeOnlyWhatTheySay) {
  ASSERT_EQ(thaw({"deploy", "hello", "--command", "/bin/server", "--memory", "1Gi"}), 0)
      << terminal.err;
  ASSERT_EQ(thaw({"deploy", "hello", "--concurrency", "3"}), 0) << terminal.err;
  const Json& spec = sent_["spec"]["template"]["spec"];
  EXPECT_EQ(spec.int_or("containerConcurrency", 0), 3);
  const Json& container = spec["containers"].as_array()[0];
  EXPECT_EQ(container["command"].as_array()[0].as_string(), "/bin/server");
  EXPECT_EQ(container["resources"]["limits"].string_or("memory"), "1Gi");
}

TEST_F(DeployTest, WhatBreaksTheRulesIsRefusedBeforeAnythingIsStored) {
  EXPECT_EQ(thaw({"deploy", "hello", "--command", "x", "--concurrency", "5000", "--timeout", "2h"}),
            5);
  EXPECT_NE(terminal.err.find("5000"), std::string::npos) << terminal.err;
  EXPECT_NE(terminal.err.find("timeout"), std::string::npos) << terminal.err;
  EXPECT_EQ(api.asked().size(), 1u);  // what is deployed now
}

TEST_F(DeployTest, ARevisionThatDoesNotBecomeReadyEndsWithSixAndTheReason) {
  outcome_ = "False";
  reason_ = "HealthCheckContainerError";
  message_ = "The container failed to start.\nIt exited with code 3.";
  terminal.input = kYaml;
  EXPECT_EQ(thaw({"deploy", "-"}), 6);
  EXPECT_NE(terminal.err.find("HealthCheckContainerError: The container failed to start.\n"
                              "It exited with code 3."),
            std::string::npos)
      << terminal.err;
  EXPECT_EQ(terminal.out, "");
}

TEST_F(DeployTest, SomebodyElsesChangeInBetweenIsReadAndTriedAgain) {
  terminal.input = kYaml;
  conflicts_ = 2;
  EXPECT_EQ(thaw({"deploy", "-"}), 0) << terminal.err;
  conflicts_ = 100;
  EXPECT_EQ(thaw({"deploy", "-"}), 5);
  EXPECT_EQ(terminal.err, "thaw: it was changed\n");
}

TEST_F(DeployTest, AsyncDoesNotWait) {
  terminal.input = kYaml;
  questions_to_settle_ = 1000;
  EXPECT_EQ(thaw({"deploy", "-", "--async"}), 0);
  EXPECT_EQ(api.asked().size(), 2u);
  EXPECT_NE(terminal.out.find("is being deployed"), std::string::npos);
}

TEST_F(DeployTest, ADryRunStoresNothing) {
  terminal.input = kYaml;
  EXPECT_EQ(thaw({"deploy", "-", "--dry-run"}), 0) << terminal.err;
  EXPECT_EQ(api.asked()[1], std::string("POST ") + kServices + "?dryRun=all");
  EXPECT_TRUE(stored_.is_null());
  EXPECT_EQ(terminal.out, "Service [hello] would be created. Nothing was stored.\n");
}

TEST_F(DeployTest, WithJsonOnlyTheServiceIsOnStandardOutput) {
  terminal.input = kYaml;
  EXPECT_EQ(thaw({"deploy", "-", "--json", "-q"}), 0);
  EXPECT_EQ(out_json()["metadata"].string_or("name"), "hello");
  EXPECT_EQ(terminal.err, "");
  outcome_ = "False";
  reason_ = "Why";
  EXPECT_EQ(thaw({"deploy", "-", "--json", "-q"}), 6);
  EXPECT_EQ(out_json()["metadata"].string_or("name"), "hello");
  EXPECT_EQ(parsed(terminal.err)["error"].int_or("exitCode", 0), 6);
}

TEST_F(DeployTest, ATagsUrlIsTold) {
  EXPECT_EQ(thaw({"deploy", "hello", "--command", "x", "--tag", "next"}), 0) << terminal.err;
  EXPECT_NE(terminal.out.find("directly at http://next---hello.localhost:8080\n"),
            std::string::npos);
}

TEST_F(DeployTest, OnATerminalProgressIsOneLineThatGoesAway) {
  terminal.tty = true;
  terminal.input = kYaml;
  EXPECT_EQ(thaw({"deploy", "-", "--color", "never"}), 0);
  EXPECT_NE(terminal.err.find("\r\x1b[K⠋ Creating revision..."), std::string::npos);
  EXPECT_TRUE(terminal.err.ends_with("\r\x1b[K"));
  EXPECT_EQ(terminal.err.find('\n'), std::string::npos);
}

TEST_F(DeployTest, FlagsOfAServiceDoNotGoWithAFileNorANameAlone) {
  EXPECT_EQ(thaw({"deploy", "x.yaml", "--memory", "1Gi"}), 2);
  EXPECT_EQ(thaw({"deploy", "hello"}), 2);
  EXPECT_TRUE(api.requests.empty());
}

TEST_F(DeployTest, FieldsThatTheApiNamesAreShown) {
  api.on(std::string("POST ") + kServices, [](const http::Request&) {
    return http::Response::json(400, R"({"error":{"code":400,"status":"INVALID_ARGUMENT",
      "message":"invalid service","details":[{"@type":"type.googleapis.com/google.rpc.BadRequest",
      "fieldViolations":[{"field":"spec.a","description":"is wrong"},
                         {"field":"spec.b","description":"is worse"}]}]}})");
  });
  terminal.input = kYaml;
  EXPECT_EQ(thaw({"deploy", "-"}), 5);
  EXPECT_EQ(terminal.err, "thaw:\ninvalid service\nspec.a: is wrong\nspec.b: is worse\n");
}

TEST_F(DeployTest, APlatformThatIsNotThereIsNamedWithWhatToDo) {
  terminal.input = kYaml;
  terminal.variables.erase("THAW_API_ADDRESS");
  EXPECT_EQ(thaw({"deploy", "-", "--api-address", "127.0.0.1:1"}), 3);
  EXPECT_EQ(
      terminal.err,
      "thaw: cannot reach Thaw at 127.0.0.1:1: Connection refused; start it with 'thaw up'\n");
}

TEST_F(DeployTest, WhatGcloudExportedIsCreatedWithoutItsMark) {
  std::string marked = kYaml;
  const std::string name = "  name: hello\n";
  marked.insert(marked.find(name) + name.size(),
                "  annotations: {run.googleapis.com/client-name: gcloud, team: a}\n");
  terminal.input = marked;
  ASSERT_EQ(thaw({"deploy", "-"}), 0) << terminal.err;
  EXPECT_EQ(stored_["metadata"]["annotations"].string_or("team"), "a");
  EXPECT_EQ(stored_["metadata"]["annotations"].find("run.googleapis.com/client-name"), nullptr);
}

}  // namespace
}  // namespace thaw::cli
