// `thaw apply`, `thaw destroy` and `thaw pipelines list`.
#include <fmt/format.h>

#include <algorithm>

#include "cli/answer.h"
#include "cli/messaging_handlers.h"
#include "cli/pipeline_calls.h"
#include "cli/pipeline_page.h"
#include "cli/table.h"
#include "pipeline/loops.h"

namespace thaw::cli {
namespace {

using pipeline::Action;
using pipeline::Kind;

constexpr ByteCount kLargestFile = mib(1);  // spec/parse.h's own limit

Outcome<pipeline::File> read_file(const Context& context, const Words& words) {
  const auto given = words.value("file");
  if (!given) return usage_failure("-f FILE is wanted");
  const std::string file(*given);
  auto text = file == "-" ? context.terminal.read_input(kLargestFile)
                          : context.ports.disk().read_file(file, kLargestFile);
  if (!text) return Failure(ExitCode::kFailed, std::move(text).error());
  ASSIGN_OR_RETURN(pipeline::File parsed,
                   pipeline::parse(*text, file == "-" ? "standard input" : file));
  return parsed;
}

class Run {
 public:
  Run(Context& context, const Words& words, Api& api)
      : context_(context), words_(words), calls_(context, api) {}

  Outcome<ExitCode> apply() {
    ASSIGN_OR_RETURN(pipeline::File file, read_file(context_, words_));
    name_ = file.name;
    if (!words_.is_on("allow-loops")) RETURN_IF_ERROR(pipeline::check_loops(file));
    RETURN_IF_ERROR(look_at_own());
    for (pipeline::Resource& resource : file.resources) {
      RETURN_IF_ERROR(calls_.look(resource.key, resource.body, facts_));
    }
    for (pipeline::Resource& resource : file.resources) {
      ASSIGN_OR_RETURN(resource.body, calls_.resolved(resource.body));
    }
    const auto adopt = words_.is_on("adopt") ? pipeline::Adopt::kYes : pipeline::Adopt::kNo;
    ASSIGN_OR_RETURN(plan_, pipeline::make_plan(file, facts_, adopt));
    return carry_out("Apply");
  }

  Outcome<ExitCode> destroy() {
    ASSIGN_OR_RETURN(const pipeline::File file, read_file(context_, words_));
    name_ = file.name;
    RETURN_IF_ERROR(look_at_own());
    plan_ = pipeline::make_destroy_plan(facts_);
    return carry_out("Destroy");
  }

 private:
  Outcome<ExitCode> look_at_own() {
    ASSIGN_OR_RETURN(record_, calls_.record(name_));
    facts_.applied = record_.resources;
    for (const auto& [key, body] : facts_.applied) {
      RETURN_IF_ERROR(calls_.look(key, body, facts_));
    }
    return ExitCode::kOk;
  }

  Outcome<ExitCode> carry_out(std::string_view verb) {
    RETURN_IF_ERROR(check_buckets());
    const bool dry = words_.is_on("dry-run");
    if (context_.json() && (dry || plan_.empty())) {
      RETURN_IF_ERROR(context_.print_json(plan_json(name_, plan_)));
    } else if (!context_.json()) {
      RETURN_IF_ERROR(context_.print(plan_page(name_, plan_, context_.out)));
    }
    if (dry) {
      const bool tell = !plan_.empty() && words_.is_on("exit-code");
      return tell ? ExitCode::kFindings : ExitCode::kOk;
    }
    if (plan_.empty()) {
      forget_the_gone();
      return facts_.applied == record_.resources ? ExitCode::kOk : keep();
    }
    RETURN_IF_ERROR(ask(verb));
    RETURN_IF_ERROR(keep_intent());
    const auto done = do_steps();
    if (done) forget_the_gone();
    const auto kept = keep();
    if (!done) return done;
    if (!kept) return kept;
    if (context_.json()) return context_.print_json(plan_json(name_, plan_));
    const auto counts = plan_.counts();
    return context_.print(fmt::format("Done: {} added, {} changed, {} destroyed.\n", counts.add,
                                      counts.change, counts.destroy));
  }

  /// What a bucket holds is not in the file: it goes only when that is said.
  Outcome<ExitCode> check_buckets() {
    if (words_.is_on("with-objects")) return ExitCode::kOk;
    for (const pipeline::Step& step : plan_.steps) {
      if (step.action != Action::kDestroy || step.key.kind != Kind::kBucket) continue;
      ASSIGN_OR_RETURN(const bool full, calls_.has_objects(step.key.name));
      if (!full) continue;
      return Failure(Error(Code::kFailedPrecondition,
                           fmt::format("bucket {} is to be destroyed and holds objects; copy them "
                                       "away, or say --with-objects; nothing was changed",
                                       step.key.name)));
    }
    return ExitCode::kOk;
  }

  Outcome<ExitCode> ask(std::string_view verb) const {
    if (words_.is_on("yes")) return ExitCode::kOk;
    if (!context_.terminal.err_is_tty() || !is_asking_possible()) {
      return usage_failure(
          "nobody is there to be asked: say --yes, or --dry-run for the plan only");
    }
    context_.terminal.write_err(fmt::format("{} this? [y/N] ", verb));
    const std::string answer = read_answer();
    if (answer == "y" || answer == "Y" || answer == "yes") return ExitCode::kOk;
    return Failure(ExitCode::kRefused, Error(Code::kCancelled, "nothing was changed"));
  }

  /// Before anything is made it is known whose it will be: a crash in between leaves nothing that
  /// `thaw destroy` would not find.
  Outcome<ExitCode> keep_intent() {
    for (const pipeline::Step& step : plan_.steps) {
      const bool is_new = step.action == Action::kAdd || step.action == Action::kAdopt;
      if (is_new) record_.resources[step.key] = step.body;
    }
    return keep();
  }

  Outcome<ExitCode> keep() {
    ASSIGN_OR_RETURN(record_, calls_.keep(record_));
    return ExitCode::kOk;
  }

  /// Own resources that somebody else removed and the file does not want.
  void forget_the_gone() {
    std::erase_if(record_.resources, [&](const auto& each) {
      const auto is_it = [&](const pipeline::Step& step) { return step.key == each.first; };
      return std::ranges::none_of(plan_.steps, is_it);
    });
  }

  Outcome<ExitCode> do_steps() {
    for (const pipeline::Step& step : plan_.steps) {
      if (step.action == Action::kLeave) continue;
      auto done = do_step(step);
      if (!done) {
        return Failure(done.error().exit, Error(done.error().error).with_context(step.key.str()));
      }
      if (done->is_null()) {
        record_.resources.erase(step.key);
      } else {
        record_.resources[step.key] = *std::move(done);
      }
    }
    return ExitCode::kOk;
  }

  /// What counts as applied; null: it is gone.
  Outcome<Json> do_step(const pipeline::Step& step) {
    if (step.action == Action::kKeep || step.action == Action::kAdopt) {
      return calls_.resolved(step.body);
    }
    context_.note(fmt::format("{} {} ...",
                              step.action == Action::kDestroy ? "destroying"
                              : step.action == Action::kAdd   ? "adding"
                                                              : "changing",
                              step.key.str()));
    if (step.action == Action::kDestroy) {
      if (step.key.kind == Kind::kBucket) RETURN_IF_ERROR(calls_.empty(step.key.name));
      RETURN_IF_ERROR(calls_.destroy(step.key, step.body));
      return Json();
    }
    if (step.action == Action::kReplace) {
      RETURN_IF_ERROR(calls_.destroy(step.key, facts_.actual.at(step.key)));
    }
    return calls_.make(step);
  }

  Context& context_;
  const Words& words_;
  PipelineCalls calls_;
  std::string name_;
  pipeline::Record record_;
  pipeline::Facts facts_;
  pipeline::Plan plan_;
};

}  // namespace

Outcome<ExitCode> apply_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  return Run(context, words, api).apply();
}

Outcome<ExitCode> destroy_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  return Run(context, words, api).destroy();
}

Outcome<ExitCode> pipelines_list_command(Context& context, const Words&) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  ASSIGN_OR_RETURN(const Json all, api.get(thaw_path("pipelines")));
  const Json& items = all["pipelines"];
  if (context.json()) return context.print_json(items);
  if (!items.is_array() || items.as_array().empty()) return context.print("No pipelines.\n");
  Table table({{.title = "NAME"}, {.title = "RESOURCES"}, {.title = "WHAT", .may_shrink = true}});
  for (const Json& item : items.as_array()) {
    std::string what;
    for (const Json& each : item["resources"].as_array()) {
      what += (what.empty() ? "" : ", ") + each.string_or("kind") + " " + each.string_or("name");
    }
    table.add_row({item.string_or("name"), std::to_string(item["resources"].as_array().size()),
                   escape_controls(what, Keep::kNothing)});
  }
  return context.print(table.text(context.table_width(), context.out));
}

}  // namespace thaw::cli
