#include "spec/workers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spec/defaults.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::spec {
namespace {

using testing::HasSubstr;

constexpr std::string_view kPool = R"(apiVersion: run.googleapis.com/v1
kind: WorkerPool
metadata:
  name: papers
  annotations:
    run.googleapis.com/scalingMode: manual
    run.googleapis.com/manualInstanceCount: '3'
spec:
  instanceSplits:
  - latestRevision: true
    percent: 100
  template:
    spec:
      containers:
      - image: thaw.local/host
        command: [python3, worker.py]
)";

std::string with(std::string_view line) {
  std::string text(kPool);
  const size_t at = text.find("    spec:\n      containers");
  return text.insert(
      at, "    metadata:\n      annotations: " + std::string(line[0] == '{' ? line : "") +
              (line[0] == '{' ? "" : "\n        " + std::string(line)) + "\n");
}

TEST(WorkerPool, IsReadAsGcloudWritesIt) {
  const auto pool = parse_service(kPool, "pool.yaml");
  ASSERT_TRUE(pool) << pool.error().message();
  EXPECT_EQ(pool->kind, ServiceKind::kWorkerPool);
  EXPECT_EQ(pool->scaling.manual_instances, 3);
  ASSERT_EQ(pool->traffic.size(), 1u);
  EXPECT_TRUE(pool->traffic[0].latest_revision);
}

TEST(WorkerPool, IsWrittenWithoutWhatIsForRequestsAndReadsBack) {
  Service pool = *parse_service(kPool, "pool.yaml");
  apply_defaults(pool);
  EXPECT_TRUE(validate(pool));
  const std::string text = to_yaml(pool);
  for (const char* word : {"port", "robe", "timeoutSeconds", "traffic", "Concurrency"}) {
    EXPECT_THAT(text, testing::Not(HasSubstr(word)));
  }
  Service again = *parse_service(text, "again.yaml");
  apply_defaults(again);
  EXPECT_EQ(again, pool);
  EXPECT_EQ(service_from_store(to_json(pool))->kind, ServiceKind::kWorkerPool);
}

TEST(WorkerPool, WhatIsForRequestsIsRefusedByName) {
  const auto fault = [](std::string text, std::string_view from, std::string_view to) {
    text.replace(text.find(from), from.size(), to);
    const auto pool = parse_service(text, "pool.yaml");
    return pool ? std::string("it was taken") : pool.error().message();
  };
  const std::string text(kPool);
  EXPECT_THAT(fault(text, "instanceSplits", "traffic"), HasSubstr("write instanceSplits"));
  EXPECT_THAT(fault(text, "    spec:\n      c", "    spec:\n      timeoutSeconds: 3\n      c"),
              HasSubstr("timeoutSeconds: is refused: a WorkerPool gets no requests"));
  EXPECT_THAT(
      fault(text, "        command", "        ports: [{containerPort: 80}]\n        command"),
      HasSubstr("ports: is refused"));
  EXPECT_THAT(fault(text, "run.googleapis.com/v1", "serving.knative.dev/v1"),
              HasSubstr("is not run.googleapis.com/v1"));
  EXPECT_THAT(fault(text, "WorkerPool", "WorkrPool"), HasSubstr("neither Service nor WorkerPool"));
}

TEST(StreamTrigger, NamesWhatIsMissingAndKeepsPasswordsOut) {
  const auto fault = [](std::string_view notes) {
    const auto pool = parse_service(with(notes), "pool.yaml");
    return pool ? std::string("it was taken") : pool.error().message();
  };
  EXPECT_THAT(fault("thaw.local/stream: s"), HasSubstr("stream-address"));
  EXPECT_THAT(fault("{thaw.local/stream: s, thaw.local/stream-group: g, "
                    "thaw.local/stream-address: 'u:p@h:1'}"),
              HasSubstr("must be IP:PORT"));
  EXPECT_THAT(fault("thaw.local/steam: s"), HasSubstr("did you mean"));
  EXPECT_THAT(fault("thaw.local/stream-entries-per-instance: '0'"), HasSubstr("0"));
  EXPECT_THAT(fault("thaw.local/folders: /etc/x"), HasSubstr("'/etc/x' is part of /etc"));
  EXPECT_THAT(fault("thaw.local/folders: /a/../etc"), HasSubstr("has a '..'"));
}

TEST(StreamTrigger, IsReadFromAnnotations) {
  const auto pool = parse_service(
      with("{thaw.local/stream: s, thaw.local/stream-group: g, thaw.local/folders: '/a,/b', "
           "thaw.local/stream-address: '127.0.0.1:1', thaw.local/stream-window-seconds: '5', "
           "thaw.local/stream-entries-per-instance: '7'}"),
      "pool.yaml");
  ASSERT_TRUE(pool) << pool.error().message();
  const auto trigger = stream_trigger_of(pool->template_);
  ASSERT_TRUE(trigger);
  EXPECT_EQ(trigger->entries_per_instance, 7);
  EXPECT_EQ(trigger->window, seconds(5));
  EXPECT_THAT(folders_of(pool->template_), testing::ElementsAre("/a", "/b"));
}

TEST(ScalingTriggers, AreReadFromAnnotations) {
  const auto pool = parse_service(
      with("{thaw.local/subscription: projects/p/subscriptions/s, thaw.local/cpu-percent: '70', "
           "thaw.local/subscription-messages-per-instance: '3', "
           "thaw.local/scale-window-seconds: '9'}"),
      "pool.yaml");
  ASSERT_TRUE(pool) << pool.error().message();
  EXPECT_EQ(subscription_trigger_of(pool->template_),
            (SubscriptionTrigger{"projects/p/subscriptions/s", 3, seconds(9)}));
  EXPECT_EQ(cpu_trigger_of(pool->template_), (CpuTrigger{70, seconds(9)}));
  EXPECT_TRUE(has_trigger(pool->template_));
  const auto plain = parse_service(kPool, "pool.yaml");
  EXPECT_FALSE(has_trigger(plain->template_));
}

TEST(ScalingTriggers, WhatIsMissingOrMisspeltIsNamed) {
  const struct {
    const char* notes;
    const char* word;
  } rows[] = {
      {"thaw.local/subscription: jobs", "'jobs' is no subscription"},
      {"thaw.local/subscription: projects//subscriptions/s", "is no subscription"},
      {"thaw.local/subscription: projects/p/subscriptions/", "is no subscription"},
      {"thaw.local/subscription: projects/p/topics/t", "projects/local/subscriptions/jobs"},
      {"thaw.local/subscription-messages-per-instance: '3'",
       "thaw.local/subscription]: is missing"},
      {"thaw.local/scale-window-seconds: '3'", "nothing to scale by"},
      {"thaw.local/cpu-percent: '0'", "cpu-percent"},
      {"thaw.local/cpu-percent: '101'", "cpu-percent"},
      {"thaw.local/cpu-percent: much", "cpu-percent"},
  };
  for (const auto& row : rows) {
    const auto pool = parse_service(with(row.notes), "pool.yaml");
    ASSERT_FALSE(pool) << row.notes;
    EXPECT_THAT(pool.error().message(), HasSubstr(row.word)) << row.notes;
  }
}

}  // namespace
}  // namespace thaw::spec
