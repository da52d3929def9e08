// Helpers for this room's tests: an observer that writes everything down, and specs.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io_linux/epoll_loop.h"
#include "io_linux/loop_testing.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

class Recorder final : public InstanceObserver {
 public:
  void on_network(const io::SocketAddress& address) override {
    EXPECT_TRUE(events.empty()) << "the program may run";
    EXPECT_FALSE(network.has_value()) << "told twice";
    network = address;
    if (on_reached) on_reached(address);
  }
  void on_sandbox_ready() override { events.push_back("ready"); }
  void on_executed() override { events.push_back("executed"); }
  void on_output(OutputStream stream, std::string_view line) override {
    if (events.empty() || events.back() != "output") events.push_back("output");
    (stream == OutputStream::kStdout ? out : err) += std::string(line) + "\n";
    if (on_line) on_line(line);
  }
  void on_exit(const ExitReport& r) override {
    EXPECT_FALSE(report.has_value()) << "two ends";
    events.push_back("exit");
    report = r;
  }

  void on_rung(Rung reached, std::string_view words) override {
    rung = reached;
    rung_words = words;
  }

  void on_hibernated(const Usage& usage, std::string_view because) override {
    hibernated = usage;
    left_because = because;
  }

  bool executed() const {
    return std::find(events.begin(), events.end(), "executed") != events.end();
  }

  std::vector<std::string> events;
  std::optional<io::SocketAddress> network;
  std::string out;
  std::string err;
  std::optional<Rung> rung;
  std::string rung_words;
  std::optional<Usage> hibernated;
  std::string left_because;
  std::optional<ExitReport> report;
  std::function<void(std::string_view)> on_line;
  std::function<void(const io::SocketAddress&)> on_reached;
};

inline InstanceSpec spec_for(std::vector<std::string> argv) {
  InstanceSpec spec;
  spec.service = ServiceId("test");
  spec.revision = RevisionId("test-00001-abc");
  spec.argv = std::move(argv);
  spec.env = {"PATH=/usr/local/bin:/usr/bin:/bin", "PORT=8080"};
  spec.memory = mib(256);
  return spec;
}

inline InstanceSpec shell(const std::string& script) { return spec_for({"/bin/sh", "-c", script}); }
inline InstanceSpec python(const std::string& script) {
  return spec_for({"/usr/bin/python3", "-c", script});
}

}  // namespace thaw::sandbox
