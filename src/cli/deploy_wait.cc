#include "cli/deploy_wait.h"

#include <fmt/format.h>

#include <algorithm>

#include "spec/parse.h"

namespace thaw::cli {
namespace {

// How often the API is asked: a native model is up in 20 ms, a large one in minutes.
constexpr Duration kFirstPause = milliseconds(4);
constexpr Duration kLongestPause = milliseconds(100);  // also a frame of the spinner
constexpr std::string_view kSpinner[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};

/// What is being waited for, in gcloud's words.
std::string stage_of(const spec::Service& service) {
  const spec::Condition* revision = condition(service, "ConfigurationsReady");
  const spec::Condition* ready = condition(service, "Ready");
  const bool revision_done =
      revision != nullptr && revision->status == spec::ConditionStatus::kTrue;
  std::string stage = revision_done ? "Routing traffic..." : "Creating revision...";
  if (ready != nullptr && !ready->message.empty()) stage += " " + ready->message;
  return stage;
}

/// One changing line on a terminal; elsewhere a line for each change. Nothing with --quiet.
class Progress {
 public:
  explicit Progress(const Context& context) : context_(context) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& stage) {
    if (context_.quiet()) return;
    if (!context_.terminal.err_is_tty()) {
      if (stage != last_) context_.note(stage);
      last_ = stage;
      return;
    }
    const auto width = static_cast<size_t>(std::max(context_.terminal.width() - 3, 10));
    const std::string safe = cut_to(escape_controls(stage, Keep::kNothing), width);
    context_.terminal.write_err(
        fmt::format("\r\x1b[K{} {}", kSpinner[frame_++ % std::size(kSpinner)], safe));
    drawn_ = true;
  }

 private:
  void clear() {
    if (drawn_) context_.terminal.write_err("\r\x1b[K");
  }

  const Context& context_;
  std::string last_;
  size_t frame_ = 0;
  bool drawn_ = false;
};

}  // namespace

const spec::Condition* condition(const spec::Service& service, std::string_view type) {
  for (const spec::Condition& each : service.status.conditions) {
    if (each.type == type) return &each;
  }
  return nullptr;
}

Readiness readiness_of(const spec::Service& service) {
  if (service.status.observed_generation != 0 &&
      service.status.observed_generation != service.metadata.generation) {
    return Readiness::kPending;
  }
  const spec::Condition* ready = condition(service, "Ready");
  if (ready == nullptr || ready->status == spec::ConditionStatus::kUnknown) {
    return Readiness::kPending;
  }
  return ready->status == spec::ConditionStatus::kTrue ? Readiness::kReady : Readiness::kFailed;
}

Outcome<spec::Service> wait_until_ready(Context& context, Api& api, spec::Service service) {
  const std::string path = deployed_path(service.kind, service.metadata.name);
  const Instant deadline = context.ports.loop().now() + kLongestWait;
  Progress progress(context);
  Duration pause = kFirstPause;
  while (readiness_of(service) == Readiness::kPending) {
    if (context.ports.loop().now() > deadline) {
      return Failure(ExitCode::kNotReady,
                     Error(Code::kDeadlineExceeded,
                           fmt::format("{} is deployed, but nothing was decided about it for 30 "
                                       "minutes; see 'thaw services describe {}'",
                                       service.metadata.name, service.metadata.name)));
    }
    progress.show(stage_of(service));
    pause_for(context.ports, pause);
    pause = std::min(pause * 2, kLongestPause);
    ASSIGN_OR_RETURN(const Json json, api.get(path));
    ASSIGN_OR_RETURN(service, spec::service_from_json(json));
  }
  return service;
}

}  // namespace thaw::cli
