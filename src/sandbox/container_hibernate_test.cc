// Instances of CrunSandbox that hibernate.
#include <signal.h>

#include "io_linux/thread_worker.h"
#include "sandbox/crun_testing.h"
#include "sandbox/swap_testing.h"

namespace thaw::sandbox {
namespace {

/// Holds 64 MiB that cannot be packed; prints a sum of it when it gets SIGUSR1.
constexpr const char* kHolder =
    "import os, signal, zlib\n"
    "wanted = {signal.SIGUSR1}\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, wanted)\n"
    "held = os.urandom(64 << 20)\n"
    "while True:\n"
    "    print('sum', zlib.crc32(held), flush=True)\n"
    "    signal.sigwait(wanted)\n";

/// Holds 64 MiB, of which it reads one page of 32, 2 MiB in all, when it gets SIGUSR1.
constexpr const char* kScattered =
    "import os, signal, zlib\n"
    "wanted = {signal.SIGUSR1}\n"
    "signal.pthread_sigmask(signal.SIG_BLOCK, wanted)\n"
    "held = os.urandom(64 << 20)\n"
    "while True:\n"
    "    print('sum', sum(held[at] for at in range(0, len(held), 32 * 4096)), flush=True)\n"
    "    signal.sigwait(wanted)\n";

class HibernateTest : public CrunTest {
 protected:
  void SetUp() override {
    CrunTest::SetUp();
    if (IsSkipped()) return;
    if (const std::string why = why_no_page_out(); !why.empty()) GTEST_SKIP() << why;
    if (!swap_.why_not.empty()) GTEST_SKIP() << "no swap here: " << swap_.why_not;
    CrunSettings settings = settings_for_test();
    settings.hibernator.out = &out_;
    settings.hibernator.in = &in_;
    settings.hibernator.pressure = [this] { return pressure_; };
    settings.hibernator.piece = mib(16);
    settings.hibernator.bytes_per_second = gib(4);
    make_sandbox(settings);
  }

  /// Started, and it has printed once.
  std::unique_ptr<Instance> start_holder(Recorder& r, const char* program = kHolder) {
    InstanceSpec spec = python(program);
    spec.templates = InstanceSpec::Templates::kOff;
    auto instance = start(spec, r);
    run_until(loop_, [&] { return r.out.ends_with("\n"); });
    return instance;
  }
  /// Asks a running one to print once more.
  std::string print_again(Recorder& r) {
    const std::string before = std::exchange(r.out, "");
    const std::string name = cgroups().list().at(0);
    for (pid_t pid : cgroups().processes(name)) ::kill(pid, SIGUSR1);
    run_until(loop_, [&] { return r.out.ends_with("\n") || r.report; });
    if (r.report) ADD_FAILURE() << "it ended: signal " << r.report->signal << r.err;
    return before;
  }
  void hibernate(Instance& instance, Recorder& r) {
    ASSERT_TRUE(instance.freeze());
    r.hibernated.reset();
    const Status asked = instance.hibernate();
    ASSERT_TRUE(asked) << asked.error().message();
    run_until(loop_, [&] { return r.hibernated.has_value(); });
  }

  TestSwap swap_{mib(256)};
  MemoryPressure pressure_{.swap_total = mib(256), .swap_free = mib(256)};  // a quiet machine
  io_linux::ThreadWorker out_{loop_};
  io_linux::ThreadWorker in_{loop_};
};

TEST_F(HibernateTest, AFrozenInstanceGivesItsMemoryBackAndLosesNothing) {
  Recorder r;
  const auto instance = start_holder(r);
  const std::string sum = r.out;
  const Usage before = instance->usage();
  EXPECT_GE(before.memory, mib(64));
  hibernate(*instance, r);
  EXPECT_EQ(r.left_because, "");
  const Usage after = instance->usage();
  EXPECT_LT(after.memory.value, before.memory.value / 10);
  EXPECT_GE(after.swapped, mib(48));
  instance->thaw();
  print_again(r);
  EXPECT_EQ(r.out, sum);
}

TEST_F(HibernateTest, AWakeBreaksItOffAndTheInstanceRuns) {
  Recorder r;
  const auto instance = start_holder(r);
  const std::string sum = r.out;
  for (int turns = 0; turns < 8; ++turns) {
    ASSERT_TRUE(instance->freeze());
    ASSERT_TRUE(instance->hibernate());
    for (int i = 0; i < turns; ++i) loop_.turn(milliseconds(5));
    instance->thaw();
    print_again(r);
    EXPECT_EQ(r.out, sum);
    instance->wake_served();
  }
  EXPECT_FALSE(r.report.has_value());
}

TEST_F(HibernateTest, ItHibernatesAgainAfterEachWake) {
  Recorder r;
  const auto instance = start_holder(r);
  const std::string sum = r.out;
  for (int i = 0; i < 3; ++i) {
    hibernate(*instance, r);
    EXPECT_LT(instance->usage().memory, mib(16));
    instance->thaw();
    print_again(r);
    EXPECT_EQ(r.out, sum);
    instance->wake_served();
  }
}

TEST_F(HibernateTest, AWakeReadsAheadWhatTheWakeBeforeItNeeded) {
  Recorder r;
  const auto instance = start_holder(r);
  hibernate(*instance, r);
  instance->thaw();
  print_again(r);  // needs all of it
  instance->wake_served();
  for (int i = 0; i < 20; ++i) loop_.turn(milliseconds(10));  // it is looked at
  hibernate(*instance, r);
  EXPECT_LT(instance->usage().memory, mib(16));
  instance->thaw();  // and now it only sleeps
  run_until(loop_, [&] { return instance->usage().memory > mib(48); });
}

TEST_F(HibernateTest, ScatteredPagesThatAWakeNeededStay) {
  Recorder r;
  const auto instance = start_holder(r, kScattered);
  const std::string sum = r.out;
  const Usage before = instance->usage();
  hibernate(*instance, r);
  const Usage first = instance->usage();
  instance->thaw();
  print_again(r);
  instance->wake_served();
  for (int i = 0; i < 20; ++i) loop_.turn(milliseconds(10));  // it is looked at
  hibernate(*instance, r);
  const Usage second = instance->usage();
  EXPECT_GE(second.memory.value, first.memory.value + mib(1).value);
  EXPECT_LT(second.memory.value, before.memory.value / 10);
  instance->thaw();
  print_again(r);
  EXPECT_EQ(r.out, sum);
}

TEST_F(HibernateTest, AHibernatedInstanceCanBeKilledAndStopped) {
  Recorder killed;
  auto instance = start_holder(killed);
  hibernate(*instance, killed);
  instance->kill();
  wait_end(killed);
  EXPECT_EQ(killed.report->kind, ExitReport::Kind::kStopped);
  Recorder dropped;
  instance = start_holder(dropped);
  ASSERT_TRUE(instance->freeze());
  ASSERT_TRUE(instance->hibernate());
  instance = nullptr;
}

TEST_F(HibernateTest, AMachineInNeedIsLeftAlone) {
  Recorder r;
  const auto instance = start_holder(r);
  pressure_.memory_some = kMostMemoryPressure + 1;
  hibernate(*instance, r);
  EXPECT_NE(r.left_because, "");
  EXPECT_GE(instance->usage().memory, mib(64));
}

TEST_F(HibernateTest, OneThatRunsIsNotTouched) {
  Recorder r;
  const auto instance = start_holder(r);
  EXPECT_FALSE(instance->hibernate());
  ASSERT_TRUE(instance->freeze());
  instance->thaw();
  EXPECT_FALSE(instance->hibernate());
}

using NoHibernateTest = CrunTest;

TEST_F(NoHibernateTest, WithoutWorkersTheReasonIsTold) {
  EXPECT_NE(sandbox_->hibernation_notice(), "");
  Recorder r;
  const auto instance = start(shell("echo up; exec sleep 1000"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  ASSERT_TRUE(instance->freeze());
  const Status asked = instance->hibernate();
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace thaw::sandbox
