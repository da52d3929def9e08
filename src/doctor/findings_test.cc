#include "doctor/findings.h"

#include <gtest/gtest.h>

#include <functional>

namespace thaw::doctor {
namespace {

using Reach = Listening::Reach;

/// What a program without faults gives.
Facts good() {
  Facts facts;
  facts.target.instance.argv = {"python3", "app.py"};
  facts.start.port = 28080;
  facts.start.listening = {{"0.0.0.0", 28080, Reach::kAnywhere}};
  facts.start.until_listening = milliseconds(80);
  facts.start.cpu = milliseconds(70);
  facts.request = {.answered = true, .status = 200, .latency = milliseconds(1), .sent = 20};
  facts.overlap.held = OverlapFacts::Verdict::kOverlaps;
  facts.idle = {
      .measured = true, .window = seconds(3), .cpu = milliseconds(1), .frozen_window = seconds(2)};
  facts.memory = {.idle = mib(20), .peak = mib(24), .requests = 20};
  facts.stop = {.tried = true, .term = StopFacts::Signal::kCaught, .ended = true};
  return facts;
}

EndFacts end_of(sandbox::ExitReport::Kind kind, EndFacts::When when, int code = 0) {
  EndFacts end{.when = when};
  end.report.kind = kind;
  end.report.exit_code = code;
  end.report.memory_limit = mib(512);
  return end;
}

std::string ids_of(const Facts& facts) {
  std::string ids;
  for (const Finding& finding : find(facts)) {
    ids +=
        (ids.empty() ? "" : " ") + finding.id + ":" + std::string(severity_name(finding.severity));
    EXPECT_FALSE(finding.what.empty());
    EXPECT_FALSE(finding.evidence.empty()) << finding.id;
    EXPECT_FALSE(finding.fix.empty()) << finding.id;
    EXPECT_FALSE(finding.command.empty()) << finding.id;
  }
  return ids;
}

struct Case {
  const char* name;
  const char* ids;
  std::function<void(Facts&)> change;
};

void hold(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    Facts facts = good();
    one.change(facts);
    EXPECT_EQ(ids_of(facts), one.ids);
  }
}

IdleThread thread_on(IdleThread::Waits waits, int64_t wakes, Duration cpu = milliseconds(1)) {
  return {
      .name = "python3", .pid = 7, .is_main = false, .waits = waits, .wakes = wakes, .cpu = cpu};
}

TEST(Findings, AGoodProgramHasNone) { EXPECT_EQ(ids_of(good()), ""); }

TEST(Findings, OfTheStart) {
  using Kind = sandbox::ExitReport::Kind;
  using When = EndFacts::When;
  const auto ends = [](Facts& facts, Kind kind, int code) {
    facts.start.listening.clear();
    facts.request = {};
    facts.memory = {};
    facts.end = end_of(kind, When::kStarting, code);
  };
  hold({
      {"no such program", "not-started:error",
       [&](Facts& f) {
         ends(f, Kind::kNotStarted, 0);
         f.end->report.detail = "exec python: not found";
       }},
      {"ends with a failure", "exits-early:error", [&](Facts& f) { ends(f, Kind::kExited, 3); }},
      {"ends well", "exits-early:error", [&](Facts& f) { ends(f, Kind::kExited, 0); }},
      {"ends because a write was refused", "writes-outside-tmp:error",
       [&](Facts& f) {
         ends(f, Kind::kExited, 1);
         f.refused_writes = {"OSError: [Errno 30] Read-only file system: '/data'"};
       }},
      {"ends because nobody answered", "network-at-start:error",
       [&](Facts& f) {
         ends(f, Kind::kExited, 1);
         f.network = {{"db.example.com", 5432, 1}};
       }},
      {"takes too much at once", "out-of-memory:error",
       [&](Facts& f) { ends(f, Kind::kOutOfMemory, 0); }},
      {"goes on without listening", "never-listens:error",
       [](Facts& f) {
         f.start.listening.clear();
         f.request = {};
       }},
      {"calls and goes on", "network-at-start:warning",
       [](Facts& f) {
         f.network = {{"example.com", 443, 2}};
       }},
      {"late, with a tenth to spare", "listens-late:warning",
       [](Facts& f) { f.start.until_listening = seconds(216); }},
      {"too late", "listens-late:error", [](Facts& f) { f.start.until_listening = seconds(250); }},
      {"late only because the machine was busy", "",
       [](Facts& f) {
         f.start.until_listening = seconds(250);
         f.start.waited_for_cpu = seconds(200);
       }},
      {"its probe's path is not there", "fails-probe:error",
       [](Facts& f) { f.probe_status = 404; }},
  });
}

TEST(Findings, OfWhereItListens) {
  hold({
      {"loopback", "listens-on-loopback:error",
       [](Facts& f) {
         f.start.listening = {{"127.0.0.1", 28080, Reach::kLoopback}};
       }},
      {"loopback beside the public port", "",
       [](Facts& f) {
         f.start.listening.push_back({"127.0.0.1", 6000, Reach::kLoopback});
       }},
      {"public elsewhere, loopback on PORT", "listens-on-loopback:error",
       [](Facts& f) {
         f.start.listening = {{"127.0.0.1", 28080, Reach::kLoopback},
                              {"0.0.0.0", 9090, Reach::kAnywhere}};
       }},
      {"IPv6 and IPv4 alike", "",
       [](Facts& f) {
         f.start.listening = {{"::", 28080, Reach::kAnywhere}};
       }},
      {"another port", "ignores-port:error",
       [](Facts& f) {
         f.start.listening = {{"0.0.0.0", 5000, Reach::kAnywhere}};
       }},
      {"8080 whatever PORT says", "ignores-port:warning",
       [](Facts& f) {
         f.start.listening = {{"0.0.0.0", 8080, Reach::kAnywhere}};
       }},
      {"the port that the service file states", "ignores-port:info",
       [](Facts& f) {
         f.target.port_stated = true;
         f.start.listening = {{"0.0.0.0", 8080, Reach::kAnywhere}};
       }},
      {"both wrong", "listens-on-loopback:error ignores-port:error",
       [](Facts& f) {
         f.start.listening = {{"127.0.0.1", 5000, Reach::kLoopback}};
       }},
  });
}

TEST(Findings, OfImports) {
  hold({
      {"a second and a half", "slow-imports:warning",
       [](Facts& f) {
         f.imports = {.measured = true,
                      .modules = {{"heavy", 0, seconds(1.5), seconds(1.5)}},
                      .total = seconds(1.5)};
       }},
      {"the same, mostly waiting for a CPU", "",
       [](Facts& f) {
         f.imports = {.measured = true,
                      .modules = {{"heavy", 0, seconds(1.5), seconds(1.5)}},
                      .total = seconds(1.5),
                      .ran_share = 0.3};
       }},
      {"compiled each time", "no-byte-code:warning",
       [](Facts& f) {
         f.imports = {.measured = true, .from_source = 9, .compile_cpu = milliseconds(300)};
       }},
      {"one small module", "",
       [](Facts& f) {
         f.imports = {.measured = true, .from_source = 1, .compile_cpu = milliseconds(3)};
       }},
  });
}

TEST(Findings, OfWorkBetweenRequests) {
  using Waits = IdleThread::Waits;
  const auto with = [](IdleThread thread) {
    return [thread](Facts& f) { f.idle.threads = {thread}; };
  };
  IdleThread main_sleeps = thread_on(Waits::kOnTimer, 3);
  main_sleeps.is_main = true;
  IdleThread main_works = thread_on(Waits::kOnTimer, 3, milliseconds(100));
  main_works.is_main = true;
  IdleThread of_java = thread_on(Waits::kOnTimedLock, 60);
  of_java.name = "VM Periodic Tas";
  const char* const starved = "starved-between-requests:warning";
  hold({
      {"a thread that sleeps and works", starved, with(thread_on(Waits::kOnTimer, 15))},
      {"one that will wake later", starved, with(thread_on(Waits::kOnTimer, 0))},
      {"one that waits with a limit and wakes", starved, with(thread_on(Waits::kOnTimedLock, 3))},
      {"a pool's thread that waits", "", with(thread_on(Waits::kOnTimedLock, 0))},
      {"a server's loop that ticks", "", with(thread_on(Waits::kElsewhere, 30))},
      {"a first thread that only keeps the others", "", with(main_sleeps)},
      {"a first thread that works", starved, with(main_works)},
      {"a runtime's own clock", "", with(of_java)},
      {"a busy loop", starved, [](Facts& f) { f.idle.cpu = seconds(1); }},
      {"lines printed", starved, [](Facts& f) { f.idle.lines = 3; }},
      {"programs started", starved, [](Facts& f) { f.idle.processes_started = 3; }},
      {"all of it with CPU outside of requests", "",
       [](Facts& f) {
         f.target.throttled = false;
         f.idle.cpu = seconds(1);
       }},
  });
}

TEST(Findings, OfServing) {
  using Verdict = OverlapFacts::Verdict;
  hold({
      {"one by one", "one-at-a-time:warning", [](Facts& f) { f.overlap.held = Verdict::kSerial; }},
      {"one by one, as it asked for", "",
       [](Facts& f) {
         f.target.concurrency = 1;
         f.overlap.held = Verdict::kSerial;
       }},
      {"a blocked loop", "one-at-a-time:warning",
       [](Facts& f) { f.overlap.timed = Verdict::kSerial; }},
      {"an error", "no-answer:error", [](Facts& f) { f.request.status = 500; }},
      {"not found is an answer", "", [](Facts& f) { f.request.status = 404; }},
      {"a method that it does not serve", "", [](Facts& f) { f.request.status = 501; }},
      {"nothing", "no-answer:error",
       [](Facts& f) { f.request = {.error = "no answer", .sent = 1}; }},
      {"a crash", "ends-while-serving:error",
       [](Facts& f) {
         f.stop = {};
         f.end = end_of(sandbox::ExitReport::Kind::kSignalled, EndFacts::When::kServing);
         f.end->report.signal = 11;
       }},
      {"little memory left", "memory-tight:warning", [](Facts& f) { f.memory.peak = mib(480); }},
      {"a pool for another machine", "too-many-threads:warning",
       [](Facts& f) {
         f.pools.variables = {{"OMP_NUM_THREADS", 16}};
       }},
      {"a pool of the limit's size", "",
       [](Facts& f) {
         f.pools.variables = {{"OMP_NUM_THREADS", 1}};
       }},
      {"nine workers", "too-many-threads:warning", [](Facts& f) { f.pools.workers = 9; }},
      {"three workers", "", [](Facts& f) { f.pools.workers = 3; }},
  });
}

TEST(Findings, OfFilesAndTheEnd) {
  using Signal = StopFacts::Signal;
  hold({
      {"a database", "local-state:warning",
       [](Facts& f) {
         f.written = {{"/app/x.db", kib(8), WrittenFile::Kind::kDatabase}};
       }},
      {"a file", "writes-outside-tmp:warning",
       [](Facts& f) {
         f.written = {{"/app/x", kib(8)}};
       }},
      {"a write that it could do without", "writes-outside-tmp:warning",
       [](Facts& f) { f.refused_writes = {"Read-only file system: /data"}; }},
      {"ignores the signal", "ignores-sigterm:warning",
       [](Facts& f) { f.stop = {.tried = true, .term = Signal::kIgnored}; }},
      {"does nothing about it", "ignores-sigterm:warning",
       [](Facts& f) {
         f.stop = {.tried = true, .term = Signal::kCaught, .term_after = Signal::kCaught};
       }},
      {"a runtime that would end, were it not the first process", "",
       [](Facts& f) {
         f.stop = {.tried = true, .term = Signal::kCaught, .term_after = Signal::kDefault};
       }},
      {"has no handler", "", [](Facts& f) { f.stop = {.tried = true, .term = Signal::kDefault}; }},
      {"a shell in between", "sigterm-not-forwarded:warning",
       [](Facts& f) { f.stop = {.tried = true, .child_serves = true, .main_program = "dash"}; }},
      {"a wrapper that passes it on", "",
       [](Facts& f) {
         f.stop = {.tried = true, .term = Signal::kCaught, .ended = true, .child_serves = true};
       }},
      {"600 MiB", "heavy-directory:warning",
       [](Facts& f) { f.weight = {.measured = true, .total = mib(600), .files = 3}; }},
      {"a repository in it", "heavy-directory:warning",
       [](Facts& f) {
         f.weight = {.measured = true, .total = mib(90), .files = 3, .needless = mib(80)};
         f.weight.needless_names = {".git"};
       }},
  });
}

TEST(Findings, TheWorstComesFirst) {
  Facts facts = good();
  facts.network = {{"example.com", 443, 1}};
  facts.request.status = 503;
  EXPECT_EQ(ids_of(facts), "no-answer:error network-at-start:warning");
}

TEST(RecommendedMemory, LeavesAQuarterAndIsAUsualSize) {
  EXPECT_EQ(recommended_memory(mib(10)), mib(128));
  EXPECT_EQ(recommended_memory(mib(103)), mib(256));
  EXPECT_EQ(recommended_memory(mib(480)), mib(1024));
  EXPECT_EQ(recommended_memory(gib(40)), gib(32));
}

}  // namespace
}  // namespace thaw::doctor
