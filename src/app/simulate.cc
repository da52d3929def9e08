#include "simulate/simulate.h"

#include <fmt/format.h>

#include <algorithm>

#include "app/parallel_run.h"
#include "app/programs.h"
#include "cli/exit_code.h"
#include "predict/cairo_pen.h"
#include "spec/knative_scaling.h"
#include "spec/parse.h"
#include "spec/settings.h"

namespace thaw::app {
namespace {

constexpr ByteCount kLargestTrace = mib(2048);
constexpr ByteCount kLargestService = mib(1);

int failed(cli::Terminal& terminal, const Error& error) {
  terminal.write_err(fmt::format("error: {}\n", error.message()));
  return number(cli::exit_code_of(error.code()));
}

simulate::Pattern pattern_of(std::string_view name) {
  if (name == "diurnal") return simulate::Pattern::kDiurnal;
  if (name == "bursty") return simulate::Pattern::kBursty;
  return name == "spiky" ? simulate::Pattern::kSpiky : simulate::Pattern::kSteady;
}

std::vector<simulate::Policy> policies_of(const std::vector<std::string>& names,
                                          const spec::KnativeScaling& knative,
                                          const scaling::Resting& resting) {
  std::vector<simulate::Policy> chosen;
  for (simulate::Policy policy : {simulate::cloud_run_policy(), simulate::knative_policy(knative),
                                  simulate::thaw_policy(resting)}) {
    const bool named = std::find(names.begin(), names.end(), policy.name) != names.end();
    if (names.empty() || named) chosen.push_back(std::move(policy));
  }
  return chosen;
}

Result<spec::RevisionTemplate> revision_of(const std::string& file, io::Disk& disk) {
  if (file.empty()) return spec::RevisionTemplate{};
  ASSIGN_OR_RETURN(const std::string text, disk.read_file(file, kLargestService));
  ASSIGN_OR_RETURN(const spec::Service service, spec::parse_service(text, file));
  return service.template_;
}

Result<std::string> trace_text(const std::string& file, cli::Terminal& terminal, io::Disk& disk) {
  return file == "-" ? terminal.read_input(kLargestTrace) : disk.read_file(file, kLargestTrace);
}

Status write_picture(const cli::SimulateOptions& options,
                     const std::vector<simulate::PolicyResult>& results,
                     const simulate::Scene& scene, io::Disk& disk) {
  ASSIGN_OR_RETURN(const predict::PictureForm form, predict::picture_form(options.plot_file));
  ASSIGN_OR_RETURN(const std::string bytes,
                   predict::paint_picture(form, {1000, 650}, [&](predict::Pen& pen) {
                     simulate::draw_report(pen, results, scene);
                   }));
  return disk.write_file(options.plot_file, bytes);
}

}  // namespace

int run_simulate(const cli::SimulateOptions& options, cli::Terminal& terminal, io::Disk& disk) {
  if (!options.plot_file.empty()) {
    if (const auto form = predict::picture_form(options.plot_file); !form) {
      return failed(terminal, form.error());
    }
  }
  const auto revision = revision_of(options.service_file, disk);
  if (!revision) return failed(terminal, revision.error());
  const spec::RevisionSettings settings =
      options.service_file.empty() ? spec::RevisionSettings{} : spec::settings_of(*revision);

  simulate::Simulation simulation;
  simulation.services = options.services;
  simulation.pattern = {.pattern = pattern_of(options.pattern),
                        .span = to_seconds(options.span),
                        .shortest_gap = to_seconds(options.shortest_gap),
                        .longest_gap = to_seconds(options.longest_gap),
                        .takes = to_seconds(options.service_time),
                        .seed = options.seed};
  simulation.policies = policies_of(
      options.policies, spec::knative_scaling_of(*revision).value_or(spec::KnativeScaling{}),
      {.after = options.hibernate_after.value_or(Duration::max()),
       .share = options.hibernate_after ? options.hibernated_memory : 1,
       .wake = options.wake_time});
  serving::RevisionConfig& config = simulation.replay.config;
  config.container_concurrency = settings.concurrency;
  config.request_timeout = settings.timeout;
  config.min_instances = settings.min_instances;
  config.max_instances = settings.max_instances;
  config.initial_instances = 0;
  simulation.replay.start_time = options.start_time;
  simulation.replay.span = simulation.pattern.span;

  simulate::Trace trace;
  simulate::Scene scene;
  scene.title = fmt::format("{}, {} services, {}", options.pattern, options.services,
                            format_duration(options.span));
  if (!options.trace_file.empty()) {
    const auto text = trace_text(options.trace_file, terminal, disk);
    if (!text) return failed(terminal, text.error());
    const std::string name = options.trace_file == "-" ? "standard input" : options.trace_file;
    auto read = simulate::read_trace(*text, name, options.service_time);
    if (!read) return failed(terminal, read.error());
    trace = *std::move(read);
    simulation.trace = &trace;
    simulation.replay.span = trace.span;
    scene.title = fmt::format("{}, {} services, {}", name, trace.services.size(),
                              format_duration(seconds(trace.span)));
  }
  scene.span = simulation.replay.span;
  scene.cpu_millis = static_cast<int>(settings.cpu.millis);
  scene.memory = settings.memory;

  const auto results = simulate::simulate(
      simulation, parallel_run(terminal, options.quiet ? Progress::kHidden : Progress::kShown));
  if (!options.plot_file.empty()) {
    if (const Status status = write_picture(options, results, scene, disk); !status) {
      return failed(terminal, status.error());
    }
  }
  const std::string report =
      options.json ? simulate::report_json(results, scene).dump(Json::Style::kIndented) + "\n"
                   : simulate::report_text(results, scene);
  if (const Status status = terminal.write_out(report); !status) {
    return status.error().code() == Code::kCancelled ? 0 : number(cli::ExitCode::kFailed);
  }
  return 0;
}

}  // namespace thaw::app
