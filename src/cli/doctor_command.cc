// `thaw doctor`.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/api.h"
#include "cli/doctor_page.h"
#include "cli/handlers.h"
#include "doctor/import_times.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

namespace fs = std::filesystem;

constexpr ByteCount kLargestFile = mib(1);  // spec/parse.h's own limit
constexpr size_t kWidestPage = 100;

bool is_service_file(std::string_view word) {
  return word.ends_with(".yaml") || word.ends_with(".yml") || word.ends_with(".json");
}

/// The platform's own form of a deployed service.
Outcome<spec::Service> deployed_service(Context& context, std::string_view name) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json json, api.get(services_path(name)));
  ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(json));
  return service;
}

Outcome<ExitCode> set_what(Context& context, const Words& words, doctor::Request& request) {
  const auto& arguments = words.arguments();
  const std::string word(arguments[0]);
  std::error_code error;
  const fs::path here = fs::current_path(error);
  if (words.are_foreign() || arguments.size() > 1) {
    request.command.assign(arguments.begin(), arguments.end());
    request.working_dir = here;
    return ExitCode::kOk;
  }
  if (fs::is_directory(word, error)) {
    request.directory = fs::canonical(word, error);
    return ExitCode::kOk;
  }
  if (is_service_file(word)) {
    auto text = context.ports.disk().read_file(word, kLargestFile);
    if (!text) return Failure(ExitCode::kFailed, std::move(text).error());
    ASSIGN_OR_RETURN(request.service, spec::parse_service(*text, word));
    return ExitCode::kOk;
  }
  if (word.find('/') != std::string::npos) {
    return Failure(ExitCode::kNotFound,
                   Error(Code::kNotFound,
                         fmt::format("{} is neither a folder nor a service file (.yaml, .yml, "
                                     ".json); a program is given after --: thaw doctor -- {}",
                                     word, word)));
  }
  ASSIGN_OR_RETURN(request.service, deployed_service(context, word));
  request.deployed = true;
  return ExitCode::kOk;
}

Outcome<ExitCode> set_limits(const Words& words, DoctorOptions& options) {
  doctor::Request& request = options.request;
  if (const auto text = words.value("memory")) {
    auto memory = spec::parse_memory(*text);
    if (!memory) return usage_failure(fmt::format("--memory: {}", memory.error().message()));
    request.memory = *memory;
  }
  if (const auto text = words.value("cpu")) {
    auto cpu = spec::parse_cpu(*text);
    if (!cpu) return usage_failure(fmt::format("--cpu: {}", cpu.error().message()));
    request.cpu = *cpu;
  }
  ASSIGN_OR_RETURN(const auto concurrency, words.integer("concurrency", {1, 1000}));
  if (concurrency) request.concurrency = static_cast<int>(*concurrency);
  ASSIGN_OR_RETURN(options.max_wait, words.duration("timeout"));
  request.request_path = words.value("path").value_or("/");
  if (!request.request_path.starts_with('/')) {
    return usage_failure(fmt::format("--path: '{}' must begin with /", request.request_path));
  }
  return ExitCode::kOk;
}

/// On a terminal one line that changes; elsewhere a line a step.
std::function<void(std::string_view)> progress_of(const Context& context) {
  return [&context](std::string_view step) {
    if (context.quiet() || context.json()) return;
    if (context.terminal.err_is_tty()) {
      const auto width = static_cast<size_t>(std::max(context.terminal.width(), 20));
      context.terminal.write_err(
          step.empty() ? "\r\x1b[K"
                       : fmt::format("\r\x1b[K{}", context.err.dim(cut_to(
                                                       fmt::format("{} ...", step), width - 1))));
    } else if (!step.empty()) {
      context.terminal.write_err(fmt::format("{} ...\n", step));
    }
  };
}

Outcome<ExitCode> write_flame(Context& context, const doctor::Facts& facts, std::string_view file) {
  if (!facts.imports.measured) {
    context.note(fmt::format("{} {} was not written: no Python import was seen",
                             context.err.yellow("note:"), file));
    return ExitCode::kOk;
  }
  const std::string page =
      doctor::flame_page(facts.imports.modules, "Imports of " + facts.target.name);
  RETURN_IF_ERROR(context.ports.disk().write_file(std::string(file), page));
  context.note(fmt::format("The flame graph of its imports is in {}", file));
  return ExitCode::kOk;
}

}  // namespace

Outcome<ExitCode> doctor_command(Context& context, const Words& words) {
  DoctorOptions options;
  RETURN_IF_ERROR(set_limits(words, options));
  RETURN_IF_ERROR(set_what(context, words, options.request));
  options.progress = progress_of(context);
  auto facts = context.programs.doctor(options);
  options.progress("");
  if (!facts) {
    const Code code = facts.error().code();
    if (code == Code::kCancelled) {
      return Failure(ExitCode::kInterrupted, Error(Code::kAborted, "interrupted; nothing is left"));
    }
    return std::move(facts).error();
  }
  const std::vector<doctor::Finding> findings = doctor::find(*facts);
  if (const auto file = words.value("flame-graph")) {
    RETURN_IF_ERROR(write_flame(context, *facts, *file));
  }
  if (context.json()) {
    RETURN_IF_ERROR(context.print_json(doctor_json(*facts, findings)));
  } else {
    const size_t width = context.terminal.out_is_tty()
                             ? static_cast<size_t>(std::max(context.terminal.width(), 40))
                             : kWidestPage;
    RETURN_IF_ERROR(
        context.print(doctor_page(*facts, findings, {std::min(width, kWidestPage), context.out})));
  }
  const auto lowest = doctor::severity_from(words.value("fail-on").value_or("warning"));
  const bool fails = lowest && std::any_of(findings.begin(), findings.end(),
                                           [&](const auto& f) { return f.severity >= *lowest; });
  return fails ? ExitCode::kFindings : ExitCode::kOk;
}

}  // namespace thaw::cli
