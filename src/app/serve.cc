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
  std::unique_ptr<predict::ForecastServer> server;
  io_linux::SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int) {
    server->drain([&] { loop.stop(); });
  });
  io_linux::TcpNet net(loop);
  io_linux::ThreadWorker worker(loop);
  server = std::make_unique<predict::ForecastServer>(net, loop, worker);
  const auto address = server->listen({.ip = options.host, .port = options.port});
  if (!address) {
    terminal.write_err(fmt::format("error: {}\n", address.error().message()));
    return number(cli::ExitCode::kFailed);
  }
  terminal.write_err(fmt::format("serving forecasts on {}\n", address->str()));
  loop.run();
  return number(cli::ExitCode::kOk);
}

}  // namespace thaw::app
