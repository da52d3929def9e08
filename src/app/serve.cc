#include <fmt/format.h>

#include <csignal>

#include "app/programs.h"
#include "cli/exit_code.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/signal_watch.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "predict/server.h"

namespace thaw::app {

int run_serve(const cli::ServeOptions& options, cli::Terminal& terminal) {
  io_linux::EpollLoop loop;
  predict::ForecastServer* running = nullptr;
  // Before the worker's thread, which must not get these signals.
  io_linux::SignalWatch signals(loop, {SIGTERM, SIGINT},
                                [&](int) { running->drain([&] { loop.stop(); }); });
  io_linux::TcpNet net(loop);
  io_linux::ThreadWorker worker(loop);
  predict::ForecastServer server(net, loop, worker);
  running = &server;
  const auto address = server.listen({.ip = options.host, .port = options.port});
  if (!address) {
    terminal.write_err(fmt::format("error: {}\n", address.error().message()));
    return number(cli::ExitCode::kFailed);
  }
  terminal.write_err(fmt::format("serving forecasts on {}\n", address->str()));
  loop.run();
  return number(cli::ExitCode::kOk);
}

}  // namespace thaw::app
