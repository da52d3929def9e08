#include "serving/words.h"

#include <gtest/gtest.h>

#include <set>

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

sandbox::InstanceSpec spec() {
  sandbox::InstanceSpec spec;
  spec.service = ServiceId("demo");
  spec.revision = RevisionId("demo-00001-abc");
  return spec;
}

Ending ending(Phase phase, ExitReport::Kind kind) {
  Ending e;
  e.phase = phase;
  e.report.kind = kind;
  e.lived = milliseconds(120);
  return e;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Words, ListensLateNamesMeasuredTimeAndLimit) {
  const Words words = listens_late(seconds(5.25), spec(), Probe());
  EXPECT_EQ(words.severity, Severity::kWarning);
  EXPECT_EQ(words.message(),
            "The container listened on port 8080 only 5.25 s after it was started; 240 s are "
            "allowed. The first callers wait for that. Open the port before loading models, import "
            "less, give it more --cpu, or keep an instance ready with --min-instances=1.");
}

TEST(Words, NeverListensSaysWhatCloudRunSaysAndWhatToCheck) {
  Probe probe;
  probe.initial_delay = seconds(5);
  probe.period = seconds(10);
  probe.failure_threshold = 3;
  const Words words = never_listens(spec(), probe);
  EXPECT_EQ(words.reason, "HealthCheckContainerError");
  EXPECT_EQ(words.summary,
            "The container failed to start and listen on the port defined by the PORT environment "
            "variable (8080) within the allocated timeout of 35 s.");
  EXPECT_TRUE(has(words.advice, "0.0.0.0, not on 127.0.0.1"));
  EXPECT_TRUE(has(words.advice, "$PORT, not on another port"));
  EXPECT_TRUE(has(words.advice, "`thaw logs demo`"));
  probe.kind = Probe::Kind::kHttpGet;
  probe.path = "/ready";
  EXPECT_TRUE(has(never_listens(spec(), probe).summary, "GET /ready on port 8080"));
}

TEST(Words, ExitsAtOnceNamesTheCodeAndTheLastLine) {
  Ending e = ending(Phase::kStarting, ExitReport::Kind::kExited);
  e.report.exit_code = 3;
  e.last_stderr = "ModuleNotFoundError: No module named 'torch'";
  EXPECT_EQ(ended(e, spec()).message(),
            "The container exited by itself with code 3, 120 ms after it was started, before it "
            "listened on port 8080. Its last line on stderr: \"ModuleNotFoundError: No module "
            "named 'torch'\". All that it printed is in `thaw logs demo`.");
}

TEST(Words, ExitWithCodeZeroSaysThatItMustStay) {
  const Words words = ended(ending(Phase::kStarting, ExitReport::Kind::kExited), spec());
  EXPECT_TRUE(has(words.advice, "must stay up and serve HTTP on 0.0.0.0:$PORT (8080)"));
}

TEST(Words, OutOfMemoryNamesLimitPeakAndWhatToSet) {
  struct Row {
    ByteCount limit;
    ByteCount peak;
    std::string used;
    std::string advice;
  };
  const Row rows[] = {
      {mib(512), mib(512), "limit of 512 MiB (peak 512 MiB)", "--memory=1Gi"},
      {mib(512), {0}, "limit of 512 MiB and was", "--memory=1Gi"},
      {mib(128), mib(120), "limit of 128 MiB (peak 120 MiB)", "--memory=256Mi"},
      {gib(1), gib(3), "limit of 1 GiB (peak 3 GiB)", "--memory=4Gi"},
      {{0}, {0}, "limit of 512 MiB and was", "--memory=1Gi"},  // unknown: the spec's
      {gib(32), gib(32), "limit of 32 GiB", "--memory=32Gi"},
  };
  for (const Row& row : rows) {
    Ending e = ending(Phase::kServing, ExitReport::Kind::kOutOfMemory);
    e.report.memory_limit = row.limit;
    e.report.memory_peak = row.peak;
    const Words words = ended(e, spec());
    EXPECT_EQ(words.reason, "ContainerOutOfMemory");
    EXPECT_TRUE(has(words.summary, row.used)) << words.summary;
    EXPECT_TRUE(has(words.advice, row.advice)) << words.advice;
  }
}

TEST(Words, IgnoredSigtermSaysWhatToChange) {
  const Words words = ignores_sigterm(seconds(10));
  EXPECT_EQ(words.severity, Severity::kWarning);
  EXPECT_EQ(words.summary, "The container did not end within 10 s of SIGTERM and was killed.");
  EXPECT_TRUE(has(words.advice, "Handle SIGTERM"));
}

TEST(Words, CrashNamesTheSignal) {
  Ending e = ending(Phase::kServing, ExitReport::Kind::kSignalled);
  e.report.signal = 11;
  EXPECT_TRUE(has(ended(e, spec()).summary,
                  "signal 11 (SIGSEGV), 120 ms after it was started, "
                  "while it served: it crashed"));
  e.report.signal = 62;
  EXPECT_TRUE(has(ended(e, spec()).summary, "signal 62,"));
}

TEST(Words, ProgramNotFoundNamesIt) {
  Ending e = ending(Phase::kStarting, ExitReport::Kind::kNotStarted);
  e.report.detail = "exec /app/server: No such file or directory";
  const Words words = ended(e, spec());
  EXPECT_EQ(words.reason, "ContainerMissing");
  EXPECT_TRUE(has(words.summary, "exec /app/server: No such file or directory"));
  e.report.detail.clear();
  EXPECT_TRUE(has(ended(e, spec()).summary, "no reason known"));
}

TEST(Words, EveryKindOfFailureHasAMessageOfItsOwn) {
  std::set<std::string> messages;
  for (const auto kind : {ExitReport::Kind::kExited, ExitReport::Kind::kSignalled,
                          ExitReport::Kind::kOutOfMemory, ExitReport::Kind::kNotStarted}) {
    messages.insert(ended(ending(Phase::kServing, kind), spec()).message());
  }
  messages.insert(listens_late(seconds(5), spec(), Probe()).message());
  messages.insert(never_listens(spec(), Probe()).message());
  messages.insert(ignores_sigterm(seconds(10)).message());
  EXPECT_EQ(messages.size(), 7U);
}

TEST(Words, QuotedLinesAreCutAndHaveNoControlCharacters) {
  Ending e = ending(Phase::kStarting, ExitReport::Kind::kExited);
  const std::string hostile = "\x1b[31mred\n" + std::string(1000, 'x');
  e.last_stderr = hostile;
  const Words words = ended(e, spec());
  EXPECT_FALSE(has(words.advice, "\x1b"));
  EXPECT_FALSE(has(words.advice, "\n"));
  EXPECT_LT(words.advice.size(), 400U);
}

TEST(Refusals, HaveTheContractsStatus) {
  ExitReport oom;
  oom.kind = ExitReport::Kind::kOutOfMemory;
  ExitReport exited;
  const Words words = ended(ending(Phase::kServing, ExitReport::Kind::kOutOfMemory), spec());
  struct Row {
    Refusal refusal;
    Refusal::Reason reason;
    int status;
  };
  const Row rows[] = {
      {queue_is_full(10), Refusal::Reason::kQueueFull, 429},
      {no_free_instance(seconds(10), 3), Refusal::Reason::kNoInstance, 429},
      {past_deadline(), Refusal::Reason::kDeadline, 504},
      {unknown_revision(), Refusal::Reason::kUnknownRevision, 404},
      {shutting_down(), Refusal::Reason::kShuttingDown, 503},
      {cannot_start(words, seconds(2)), Refusal::Reason::kStartFailed, 503},
      {instance_died(&oom, &words), Refusal::Reason::kOutOfMemory, 500},
      {instance_died(&exited, &words), Refusal::Reason::kInstanceDied, 503},
      {instance_died(nullptr, nullptr), Refusal::Reason::kInstanceDied, 503},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(row.refusal.reason, row.reason) << row.refusal.message;
    EXPECT_EQ(row.refusal.http_status, row.status) << row.refusal.message;
    EXPECT_FALSE(row.refusal.message.empty());
  }
}

TEST(Refusals, DoNotShowCallersWhatTheContainerPrinted) {
  Ending e = ending(Phase::kStarting, ExitReport::Kind::kExited);
  e.last_stderr = "password=hunter2";
  const Words words = ended(e, spec());
  EXPECT_TRUE(has(words.message(), "hunter2"));
  EXPECT_FALSE(has(cannot_start(words, seconds(1)).message, "hunter2"));
  EXPECT_FALSE(has(instance_died(&e.report, &words).message, "hunter2"));
}

TEST(Refusals, RetryAfterIsInWholeSecondsRoundedUp) {
  const Words words = never_listens(spec(), Probe());
  EXPECT_EQ(cannot_start(words, milliseconds(1)).retry_after, seconds(1));
  EXPECT_EQ(cannot_start(words, seconds(1.2)).retry_after, seconds(2));
  EXPECT_EQ(cannot_start(words, Duration(0)).retry_after, seconds(1));
}

}  // namespace
}  // namespace thaw::serving
