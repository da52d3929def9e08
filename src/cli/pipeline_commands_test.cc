#include <gtest/gtest.h>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

constexpr char kFile[] =
    "apiVersion: thaw.local/v1\nkind: Pipeline\nmetadata: {name: demo}\n"
    "topics: [{name: landed}]\n";

/// An API with a topic that may be there and a record of what was applied.
class PipelineCommands : public ApiTest {
 protected:
  PipelineCommands() {
    terminal.input = kFile;
    api.on("GET /v1/projects/thaw/topics/landed", [this](const http::Request&) {
      return is_there ? http::Response::json(200, R"({"name":"projects/thaw/topics/landed"})")
                      : http::Response::json(404, R"({"error":{"status":"NOT_FOUND"}})");
    });
    api.on("PUT /v1/projects/thaw/topics/landed", [this](const http::Request&) {
      is_there = true;
      return http::Response::json(200, "{}");
    });
    api.on("DELETE /v1/projects/thaw/topics/landed", [this](const http::Request&) {
      is_there = false;
      return http::Response::json(200, "{}");
    });
    api.on("PUT /thaw/v1/pipelines/demo", [this](const http::Request& request) {
      record = request.body;
      return http::Response::json(200, record);
    });
    api.on("GET /thaw/v1/pipelines/demo", [this](const http::Request&) {
      return record.empty() ? http::Response::json(404, R"({"error":{"status":"NOT_FOUND"}})")
                            : http::Response::json(200, record);
    });
  }

  bool is_there = false;
  std::string record;
};

TEST_F(PipelineCommands, APlanIsShownAndNothingIsChanged) {
  EXPECT_EQ(thaw({"apply", "-f", "-", "--dry-run"}), 0);
  EXPECT_EQ(terminal.out,
            "  + topic landed\nPipeline [demo]: 1 to add, 0 to change, 0 to destroy\n");
  EXPECT_EQ(thaw({"apply", "-f", "-", "--dry-run", "--exit-code"}), 7);
  EXPECT_FALSE(is_there);
  EXPECT_EQ(record, "");
}

TEST_F(PipelineCommands, WithoutAYesNothingIsDone) {
  EXPECT_EQ(thaw({"apply", "-f", "-"}), 2);
  EXPECT_FALSE(is_there);
}

TEST_F(PipelineCommands, WhatIsAppliedIsRememberedBeforeItIsMade) {
  api.on("PUT /v1/projects/thaw/topics/landed", [this](const http::Request&) {
    EXPECT_NE(record.find("landed"), std::string::npos);
    is_there = true;
    return http::Response::json(200, "{}");
  });
  EXPECT_EQ(thaw({"apply", "-f", "-", "--yes"}), 0);
  EXPECT_TRUE(is_there);
  EXPECT_EQ(thaw({"apply", "-f", "-", "--dry-run", "--exit-code"}), 0);
  EXPECT_EQ(thaw({"destroy", "-f", "-", "--yes"}), 0);
  EXPECT_FALSE(is_there);
  EXPECT_NE(record.find(R"("resources":[])"), std::string::npos);
}

TEST_F(PipelineCommands, AFailureNamesTheResourceAndKeepsWhatWasMade) {
  api.on("PUT /v1/projects/thaw/topics/landed", [](const http::Request&) {
    return http::Response::json(429,
                                R"({"error":{"status":"RESOURCE_EXHAUSTED","message":"no room"}})");
  });
  EXPECT_EQ(thaw({"apply", "-f", "-", "--yes"}), 5);
  EXPECT_NE(terminal.err.find("topic landed"), std::string::npos) << terminal.err;
  EXPECT_NE(terminal.err.find("no room"), std::string::npos) << terminal.err;
}

}  // namespace
}  // namespace thaw::cli
