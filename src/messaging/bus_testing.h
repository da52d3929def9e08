// BusTesting: a bus on a real file, worker and loop, for the tests of what calls it.
// Thread: the test's. Owner: itself. Limits: none.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "io_linux/kernel_entropy.h"
#include "io_linux/loop_testing.h"
#include "io_linux/thread_worker.h"
#include "messaging/bus.h"
#include "store/state.h"

namespace thaw::messaging {

class BusTesting : public ::testing::Test {
 protected:
  BusTesting() {
    char path[] = "/tmp/thaw-pubsub-XXXXXX";
    folder_ = ::mkdtemp(path);
    database_ = *store::open_state(folder_ + "/state.db", "2026-01-01T00:00:00Z");
    journal_ = *store::open_state(folder_ + "/state.db", "2026-01-01T00:00:00Z");
    worker_.emplace(loop_);
    bus_.emplace(loop_, entropy_, *worker_, *database_, *journal_);
    EXPECT_TRUE(bus_->load());
  }
  ~BusTesting() override {
    bus_.reset();
    worker_.reset();
    journal_.reset();
    database_.reset();
    std::filesystem::remove_all(folder_);
  }

  Bus& bus() { return *bus_; }
  io::Loop& loop() { return loop_; }
  void wait_for(const std::function<bool()>& condition) { io_linux::run_until(loop_, condition); }

 private:
  std::string folder_;
  io_linux::EpollLoop loop_;
  io_linux::KernelEntropy entropy_;
  std::unique_ptr<store::Database> database_, journal_;
  std::optional<io_linux::ThreadWorker> worker_;
  std::optional<Bus> bus_;
};

}  // namespace thaw::messaging
