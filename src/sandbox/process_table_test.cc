#include "sandbox/process_table.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "io_linux/local_disk.h"

namespace thaw::sandbox {
namespace {

TEST(ProcessTable, ReadsAStatLineWhateverTheNameContains) {
  const auto stat = parse_stat(
      "42 (a) (b) S) S 1 40 39 0 -1 4194560 100 0 0 0 150 25 20 5 20 0 1 0 12345 1000 10 1844",
      100);
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->pid, 42);
  EXPECT_EQ(stat->session, 39);
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->cpu, seconds(2));
}

TEST(ProcessTable, ATruncatedLineIsNoProcess) {
  for (const char* text : {"", "42", "42 (x", "42 (x)", "42 (x) S 1 40 39 0"}) {
    EXPECT_FALSE(parse_stat(text, 100)) << text;
  }
}

TEST(ProcessTable, MemoryIsWhatNoFileBacks) {
  EXPECT_EQ(own_memory("VmRSS:\t  9000 kB\nRssAnon:\t  1024 kB\nRssFile:\t 7000 kB\n"
                       "RssShmem:\t  1024 kB\n"),
            mib(2));
  EXPECT_EQ(shared_out_memory("Pss:  900 kB\nPss_Anon:   512 kB\nPss_File:  1 kB\n"
                              "Pss_Shmem:   512 kB\n"),
            mib(1));
  EXPECT_EQ(own_memory(""), ByteCount{0});
}

TEST(ProcessTable, FindsThisVeryProcessInItsSession) {
  io_linux::LocalDisk disk;
  auto sessions = read_sessions(disk);
  bool found = false;
  for (const ProcessStat& process : sessions[::getsid(0)]) found |= process.pid == ::getpid();
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace thaw::sandbox
