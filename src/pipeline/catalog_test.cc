#include "pipeline/catalog.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "store/state.h"

namespace thaw::pipeline {
namespace {

class PipelineCatalog : public ::testing::Test {
 protected:
  PipelineCatalog() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    database_ = *store::open_state(path(), "2026-01-02T03:04:05Z");
  }
  ~PipelineCatalog() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return store::state_path(folder_); }

  std::string folder_ = ::testing::TempDir() + "pipelines_" +
                        ::testing::UnitTest::GetInstance()->current_test_info()->name();
  std::unique_ptr<store::Database> database_;
};

TEST_F(PipelineCatalog, WhatWasAppliedIsThereAfterARestart) {
  Record record{.name = "demo"};
  record.resources[{Kind::kWorkerPool, "w"}] = Json::object({{"a", 1}});
  const auto stored = Catalog(*database_).put(record);
  ASSERT_TRUE(stored) << stored.error().message();
  EXPECT_EQ(stored->version, 1);
  database_ = *store::open_state(path(), "2026-01-02T03:04:06Z");
  const auto found = Catalog(*database_).get("demo");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->version, 1);
  EXPECT_EQ(found->resources, record.resources);
}

TEST_F(PipelineCatalog, TwoWhoReadTheSameVersionDoNotBothWrite) {
  Catalog catalog(*database_);
  Record record{.name = "demo"};
  record.resources[{Kind::kTopic, "t"}] = Json::object();
  ASSERT_TRUE(catalog.put(record));
  const auto second = catalog.put(record);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::kAborted);
}

TEST_F(PipelineCatalog, APipelineWithoutResourcesIsForgotten) {
  Catalog catalog(*database_);
  Record record{.name = "demo"};
  record.resources[{Kind::kTopic, "t"}] = Json::object();
  record = *catalog.put(record);
  record.resources.clear();
  ASSERT_TRUE(catalog.put(record));
  EXPECT_EQ(catalog.get("demo").error().code(), Code::kNotFound);
}

TEST_F(PipelineCatalog, ARecordThatIsNoneIsRefused) {
  for (const char* text : {"{}", R"({"resources":[{}]})",
                           R"({"resources":[{"kind":"planet","name":"x","applied":{}}]})",
                           R"({"resources":[{"kind":"topic","name":"x"}]})"}) {
    EXPECT_FALSE(record_from_json(*Json::parse(text), "demo")) << text;
  }
  EXPECT_FALSE(record_from_json(*Json::parse(R"({"resources":[]})"), "../x"));
}

}  // namespace
}  // namespace thaw::pipeline
