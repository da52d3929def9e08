// `thaw deploy FILE` and `thaw deploy NAME`.
#include <fmt/format.h>

#include <algorithm>

#include "cli/api.h"
#include "cli/deploy_flags.h"
#include "cli/deploy_wait.h"
#include "cli/handlers.h"
#include "spec/emit.h"
#include "spec/parse.h"

namespace thaw::cli {
namespace {

constexpr ByteCount kLargestFile = mib(1);  // spec/parse.h's own limit
constexpr int kMostAttempts = 5;            // when others change the service at the same time

/// Flags that say how to deploy, not what: they go with a FILE too.
constexpr std::string_view kHowFlags[] = {"--async", "--dry-run", "--region", "--project",
                                          "--platform"};

enum class Dry { kNo, kYes };

/// A service's name has neither dots nor slashes.
bool is_file(std::string_view argument) {
  return argument == "-" || argument.find_first_of("./") != std::string_view::npos;
}

Outcome<spec::Service> service_of_file(const Context& context, const Words& words) {
  for (const std::string& flag : words.given_own_flags()) {
    if (std::find(std::begin(kHowFlags), std::end(kHowFlags), flag) == std::end(kHowFlags)) {
      return usage_failure(
          fmt::format("{} goes with a NAME only; with a FILE, write it into the "
                      "file",
                      flag));
    }
  }
  const std::string file(words.arguments()[0]);
  auto text = file == "-" ? context.terminal.read_input(kLargestFile)
                          : context.ports.disk().read_file(file, kLargestFile);
  if (!text) return Failure(ExitCode::kFailed, std::move(text).error());
  ASSIGN_OR_RETURN(spec::Service service,
                   spec::parse_service(*text, file == "-" ? "standard input" : file));
  return service;
}

Outcome<std::optional<KeyValues>> variables_file(const Context& context, const Words& words) {
  const auto file = words.value("env-vars-file");
  if (!file) return std::optional<KeyValues>();
  auto text = *file == "-" ? context.terminal.read_input(kLargestFile)
                           : context.ports.disk().read_file(std::string(*file), kLargestFile);
  if (!text) return Failure(ExitCode::kFailed, std::move(text).error());
  ASSIGN_OR_RETURN(KeyValues pairs, parse_variables_file(*file, *text));
  return std::optional(std::move(pairs));
}

class Deploy {
 public:
  Deploy(Context& context, const Words& words, Api& api, spec::ServiceKind kind)
      : context_(context),
        words_(words),
        api_(api),
        kind_(kind),
        dry_(words.is_on("dry-run") ? Dry::kYes : Dry::kNo) {}

  Outcome<ExitCode> run() {
    if (is_file(words_.arguments()[0])) {
      ASSIGN_OR_RETURN(file_, service_of_file(context_, words_));
      name_ = file_->metadata.name;
      kind_ = file_->kind;
    } else {
      name_ = words_.arguments()[0];
      ASSIGN_OR_RETURN(variables_, variables_file(context_, words_));
      if (words_.given_own_flags().empty()) {
        return usage_failure(fmt::format(
            "nothing is said about {}: give flags (thaw deploy --help), or a FILE, which has a "
            "dot or a slash in its name",
            name_));
      }
    }
    ASSIGN_OR_RETURN(spec::Service service, store());
    if (dry_ == Dry::kYes) return report_dry_run(service);
    if (words_.is_on("async")) return report_stored(service);
    ASSIGN_OR_RETURN(service, wait_until_ready(context_, api_, std::move(service)));
    return report(service);
  }

 private:
  /// Reads what is deployed, puts the wish over it and stores that; again when somebody else
  /// changed it in between.
  Outcome<spec::Service> store() {
    for (int attempt = 1;; ++attempt) {
      auto stored = try_to_store();
      if (stored || attempt == kMostAttempts) return stored;
      const Code code = stored.error().error.code();
      if (code != Code::kAborted && code != Code::kAlreadyExists) return stored;
    }
  }

  Outcome<spec::Service> try_to_store() {
    before_.reset();
    auto known = api_.get(deployed_path(kind_, name_));
    if (known) {
      ASSIGN_OR_RETURN(before_, spec::service_from_json(*known));
    } else if (known.error().exit != ExitCode::kNotFound) {
      return std::move(known).error();
    }
    ASSIGN_OR_RETURN(spec::Service wished, wish());
    if (before_) wished.metadata.resource_version = before_->metadata.resource_version;
    // What gcloud exported is not deployed by gcloud now.
    if (!before_) wished.metadata.annotations.erase("run.googleapis.com/client-name");
    const std::string_view query = dry_ == Dry::kYes ? "?dryRun=all" : "";
    const Json body = spec::to_json(wished);
    ASSIGN_OR_RETURN(const Json stored,
                     before_ ? api_.put(deployed_path(kind_, name_) + std::string(query), body)
                             : api_.post(deployed_path(kind_) + std::string(query), body));
    ASSIGN_OR_RETURN(spec::Service service, spec::service_from_json(stored));
    return service;
  }

  Outcome<spec::Service> wish() const {
    if (file_) return *file_;
    spec::Service base = before_.value_or(spec::Service());
    base.kind = kind_;
    base.metadata.name = name_;
    ASSIGN_OR_RETURN(spec::Service wished,
                     apply_flags(words_, std::move(base),
                                 before_ ? Deployed::kBefore : Deployed::kNotYet, variables_));
    RETURN_IF_ERROR(spec::validate(wished));
    return wished;
  }

  Outcome<ExitCode> report_dry_run(const spec::Service& service) const {
    if (context_.json()) return context_.print_json(spec::to_json(service));
    return context_.print(fmt::format("Service [{}] would be {}. Nothing was stored.\n", name_,
                                      before_ ? "changed" : "created"));
  }

  Outcome<ExitCode> report_stored(const spec::Service& service) const {
    if (context_.json()) return context_.print_json(spec::to_json(service));
    return context_.print(
        fmt::format("Service [{}] is being deployed; see 'thaw services describe "
                    "{}'.\n",
                    name_, name_));
  }

  /// How many percent of the traffic `revision` gets.
  static int share_of(const spec::Service& service, const std::string& revision) {
    int percent = 0;
    for (const spec::TrafficTarget& target : service.status.traffic) {
      const bool is_it = target.revision_name == revision ||
                         (target.revision_name.empty() && target.latest_revision);
      if (is_it) percent += target.percent.value_or(0);
    }
    return percent;
  }

  Outcome<ExitCode> report(const spec::Service& service) const {
    const bool ready = readiness_of(service) == Readiness::kReady;
    if (context_.json()) {
      RETURN_IF_ERROR(context_.print_json(spec::to_json(service)));
    }
    if (!ready) {
      const spec::Condition* why = condition(service, "Ready");
      return Failure(
          ExitCode::kNotReady,
          Error(Code::kFailedPrecondition,
                fmt::format("{} is deployed, but revision {} did not become ready: {}: {}\nSee "
                            "'thaw logs {}'{}",
                            name_, service.status.latest_created_revision_name, why->reason,
                            why->message, name_, still_serving(service))));
    }
    if (context_.json()) return ExitCode::kOk;
    return context_.print(success_text(service));
  }

  static std::string still_serving(const spec::Service& service) {
    const std::string& ready = service.status.latest_ready_revision_name;
    if (ready.empty()) return ".";
    return fmt::format("; revision {} goes on serving.", ready);
  }

  std::string success_text(const spec::Service& service) const {
    const std::string& revision = service.status.latest_ready_revision_name;
    if (kind_ == spec::ServiceKind::kWorkerPool) {
      return fmt::format("Worker pool [{}] revision [{}] has been deployed.\n", name_, revision);
    }
    const bool same = before_ && before_->status.latest_created_revision_name == revision;
    std::string text =
        fmt::format("Service [{}] revision [{}] {} and is serving {} percent of traffic.\n",
                    context_.out.bold(name_), context_.out.bold(revision),
                    same ? "is unchanged" : "has been deployed", share_of(service, revision));
    if (!service.status.url.empty()) text += fmt::format("Service URL: {}\n", service.status.url);
    const std::string tag(words_.value("tag").value_or(""));
    for (const spec::TrafficTarget& target : service.status.traffic) {
      if (!tag.empty() && target.tag == tag && !target.url.empty()) {
        text += fmt::format("The revision can be reached directly at {}\n", target.url);
      }
    }
    return text;
  }

  Context& context_;
  const Words& words_;
  Api& api_;
  spec::ServiceKind kind_;
  Dry dry_;
  std::string name_;
  std::optional<spec::Service> file_;
  std::optional<spec::Service> before_;
  std::optional<KeyValues> variables_;
};

}  // namespace

Outcome<ExitCode> deploy_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  return Deploy(context, words, api, spec::ServiceKind::kService).run();
}

Outcome<ExitCode> worker_pools_deploy_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  return Deploy(context, words, api, spec::ServiceKind::kWorkerPool).run();
}

}  // namespace thaw::cli
