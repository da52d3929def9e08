#include "app/run.h"

#include "app/programs.h"
#include "cli/cli.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/local_disk.h"
#include "io_linux/tcp_net.h"

namespace thaw::app {
namespace {

/// Made when first asked for: `serve` and `up` have loops of their own.
class LinuxPorts final : public cli::Ports {
 public:
  io::Loop& loop() override { return epoll(); }
  io::Net& net() override {
    if (!net_) net_.emplace(epoll());
    return *net_;
  }
  io::Disk& disk() override { return disk_; }

 private:
  io_linux::EpollLoop& epoll() {
    if (!loop_) loop_.emplace();
    return *loop_;
  }

  std::optional<io_linux::EpollLoop> loop_;
  std::optional<io_linux::TcpNet> net_;
  io_linux::LocalDisk disk_;
};

}  // namespace

int run(int argc, const char* const* argv) {
  const std::unique_ptr<cli::Terminal> terminal = cli::process_terminal();
  LinuxPorts ports;
  const cli::Programs programs{
      .up = [&](std::span<const std::string_view> words) { return run_up(words, *terminal); },
      .up_flags = up_flags,
      .serve = [&](const cli::ServeOptions& options) { return run_serve(options, *terminal); },
      .forecast =
          [&](const cli::ForecastOptions& options) {
            return run_forecast(options, *terminal, ports.disk());
          },
      .simulate =
          [&](const cli::SimulateOptions& options) {
            return run_simulate(options, *terminal, ports.disk());
          },
      .doctor = run_doctor,
      .version = THAW_VERSION,
  };
  return cli::run(argc, argv, programs, *terminal, ports);
}

}  // namespace thaw::app
