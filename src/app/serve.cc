#include <fcntl.h>
#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string_view>

#include "app/country_tables.h"
#include "app/programs.h"
#include "cli/api.h"
#include "cli/exit_code.h"
#include "inference/model_server.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/local_disk.h"
#include "io_linux/open_files.h"
#include "io_linux/signal_watch.h"
#include "io_linux/tcp_net.h"
#include "io_linux/thread_worker.h"
#include "predict/server.h"

namespace thaw::app {
namespace {

/// How long ago this process was executed, to a hundredth of a second (proc(5), stat, field 22).
Duration since_exec() {
  std::array<char, 1024> text{};
  const int fd = ::open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Duration(0);
  const ssize_t count = ::read(fd, text.data(), text.size() - 1);
  ::close(fd);
  std::string_view rest(text.data(), count > 0 ? static_cast<size_t>(count) : 0);
  rest.remove_prefix(std::min(rest.rfind(')') + 1, rest.size()));
  for (int field = 2; field < 22 && !rest.empty(); ++field) {
    rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  }
  const double ticks = std::strtod(std::string(rest.substr(0, rest.find(' '))).c_str(), nullptr);
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  const double since = static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9 -
                       ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
  return since > 0 && since < 3600 ? seconds(since) : Duration(0);
}

/// A file of a model that is cut short while it is mapped ends the process; it says so before.
void tell_of_bus_errors() {
  struct sigaction action {};
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // raised again, it ends the process
  action.sa_handler = [](int number) {
    constexpr std::string_view kLine =
        "error: a file of the model was cut short while it was in use, or its disk fails (SIGBUS): "
        "replace files of models by renaming others to their names, do not write into them\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
    ::raise(number);
  };
  ::sigaction(SIGBUS, &action, nullptr);
}

void tell_ready(cli::Terminal& terminal) {
  terminal.write_err(fmt::format("ready after {}\n", format_duration(since_exec())));
}

/// Listens, says so, calls `when_listening` if it is not null, and runs until a signal has drained
/// the server.
template <class Server>
int run_server(Server& server, io_linux::EpollLoop& loop, const cli::ServeOptions& options,
               std::string_view what, cli::Terminal& terminal,
               const std::function<void()>& when_listening = nullptr) {
  const auto address = server.listen({.ip = options.host, .port = options.port});
  if (!address) {
    terminal.write_err(fmt::format("error: {}\n", address.error().message()));
    return number(cli::ExitCode::kFailed);
  }
  terminal.write_err(fmt::format("serving {} on {}\n", what, address->str()));
  if (when_listening) when_listening();
  loop.run();
  return number(cli::ExitCode::kOk);
}

Result<std::vector<inference::ModelSpec>> specs_of(const cli::ServeOptions& options) {
  std::vector<inference::ModelSpec> specs;
  for (const auto& [name, folder] : options.models) {
    inference::ModelSpec spec{name, folder, {}};
    spec.options.threads = options.threads;
    if (options.dtype == "int8") spec.options.precision = encoder::Precision::kInt8;
    if (options.keeps_panels_beside) spec.options.panel_folders.push_back(folder);
    spec.options.panel_folders.insert(spec.options.panel_folders.end(),
                                      options.panel_folders.begin(), options.panel_folders.end());
    if (!options.task.empty()) {
      ASSIGN_OR_RETURN(spec.options.task, encoder::parse_task(options.task));
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

int serve_models(const cli::ServeOptions& options, cli::Terminal& terminal) {
  tell_of_bus_errors();
  const auto specs = specs_of(options);
  if (!specs) {
    terminal.write_err(fmt::format("error: {}\n", specs.error().message()));
    return number(cli::ExitCode::kFailed);
  }
  io_linux::EpollLoop loop;
  inference::ModelServer* running = nullptr;
  // Before the workers' threads, which must not get these signals.
  io_linux::SignalWatch signals(loop, {SIGTERM, SIGINT},
                                [&](int) { running->drain([&] { loop.stop(); }); });
  io_linux::TcpNet net(loop);
  io_linux::ThreadWorker worker(loop), reader(loop);
  inference::ModelServer server(net, loop, worker, reader, *specs, since_exec());
  running = &server;
  Status loaded;
  server.load([&](const Status& status) {
    loaded = status;
    if (status) return tell_ready(terminal);
    terminal.write_err(fmt::format("error: {}\n", status.error().message()));
    loop.stop();
  });
  const std::string what = options.models.size() == 1
                               ? options.models[0].first
                               : fmt::format("{} models", options.models.size());
  const int code = run_server(server, loop, options, what, terminal);
  return loaded ? code : number(cli::ExitCode::kFailed);
}

/// "http://127.0.0.1:8081" or without the scheme, as Google's clients read the variable.
Result<io::SocketAddress> store_address(const std::string& text) {
  const std::string url = text.find("://") == std::string::npos ? "http://" + text : text;
  auto address = cli::parse_address(url);
  if (!address) return std::move(address).error().with_context("STORAGE_EMULATOR_HOST");
  return address;
}

/// The fitted model of --task forecast --model FILE.json; null where none is named.
Result<std::shared_ptr<const predict::SavedModel>> fitted_model(const cli::ServeOptions& options) {
  constexpr ByteCount kLargestModel = mib(64);
  if (options.models.empty()) return nullptr;
  const std::string& path = options.models[0].second;
  ASSIGN_OR_RETURN(const std::string text, io_linux::LocalDisk().read_file(path, kLargestModel));
  auto saved = predict::parse_saved_model(text);
  if (!saved) return std::move(saved).error().with_context(path);
  return std::make_shared<const predict::SavedModel>(*std::move(saved));
}

Result<predict::BatchOptions> batch_options(const cli::ServeOptions& options) {
  predict::BatchOptions batch{.store = {}, .output_bucket = options.output_bucket};
  if (!options.object_store.empty()) {
    ASSIGN_OR_RETURN(batch.store, store_address(options.object_store));
  }
  return batch;
}

int serve_forecasts(const cli::ServeOptions& options, cli::Terminal& terminal) {
  predict::ServerStart start{.began = since_exec()};
  const auto fitted = fitted_model(options);
  const auto batch = batch_options(options);
  if (!fitted || !batch) {
    const Error& error = fitted ? batch.error() : fitted.error();
    terminal.write_err(fmt::format("error: {}\n", error.message()));
    return number(cli::ExitCode::kFailed);
  }
  io_linux::EpollLoop loop;
  predict::ForecastServer* running = nullptr;
  // Before the worker's thread, which must not get these signals.
  io_linux::SignalWatch signals(loop, {SIGTERM, SIGINT},
                                [&](int) { running->drain([&] { loop.stop(); }); });
  io_linux::TcpNet net(loop);
  io_linux::ThreadWorker worker(loop);
  const predict::CountryTable countries =
      country_tables(terminal.env("THAW_COUNTRY_HOLIDAYS").value_or(""));
  start.loaded = since_exec();
  predict::ForecastServer server(net, loop, worker, *fitted, *batch, countries, start);
  running = &server;
  return run_server(server, loop, options, "forecasts", terminal, [&] { tell_ready(terminal); });
}

}  // namespace

int run_serve(const cli::ServeOptions& options, cli::Terminal& terminal) {
  io_linux::raise_open_files();
  const bool serves_models = !options.models.empty() && options.task != "forecast";
  return serves_models ? serve_models(options, terminal) : serve_forecasts(options, terminal);
}

}  // namespace thaw::app
