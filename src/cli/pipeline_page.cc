#include "cli/pipeline_page.h"

#include <fmt/format.h>

namespace thaw::cli {
namespace {

using pipeline::Action;
using pipeline::Change;

constexpr size_t kWidestValue = 60;

std::string value_text(const Json& value, std::string_view otherwise) {
  if (value.is_null()) return std::string(otherwise);
  return cut_to(escape_controls(value.dump(), Keep::kNothing), kWidestValue);
}

std::string_view word_of(Action action) {
  switch (action) {
    case Action::kKeep:
      return "keep";
    case Action::kLeave:
      return "leave";
    case Action::kAdd:
      return "add";
    case Action::kAdopt:
      return "adopt";
    case Action::kChange:
      return "change";
    case Action::kReplace:
      return "replace";
    case Action::kDestroy:
      return "destroy";
  }
  return "";
}

std::string mark_of(Action action, const Style& style) {
  switch (action) {
    case Action::kAdd:
      return style.green("  +");
    case Action::kAdopt:
      return style.green("  @");
    case Action::kChange:
      return style.yellow("  ~");
    case Action::kReplace:
      return style.red("-/+");
    case Action::kDestroy:
      return style.red("  -");
    default:
      return "   ";
  }
}

std::string change_line(const Change& change, const Style& style) {
  const std::string cause = change.cause == Change::Cause::kDrift
                                ? style.yellow("  (drift: changed since the last apply)")
                                : "";
  return fmt::format("        {}: {} -> {}{}\n", escape_controls(change.path, Keep::kNothing),
                     value_text(change.before, "not set"), value_text(change.after, "default"),
                     cause);
}

}  // namespace

std::string counts_text(const pipeline::Plan& plan) {
  const auto counts = plan.counts();
  return fmt::format("{} to add, {} to change, {} to destroy", counts.add, counts.change,
                     counts.destroy);
}

std::string plan_page(const std::string& name, const pipeline::Plan& plan, const Style& style) {
  std::string page;
  for (const pipeline::Step& step : plan.steps) {
    if (step.action == Action::kKeep) continue;
    const std::string note =
        step.action == Action::kLeave     ? "  (is there already, not this pipeline's: left alone)"
        : step.action == Action::kAdopt   ? "  (is there already; becomes this pipeline's)"
        : step.action == Action::kReplace ? "  (cannot be changed: made anew)"
                                          : "";
    page += fmt::format("{} {}{}\n", mark_of(step.action, style), step.key.str(), note);
    for (const Change& change : step.changes) page += change_line(change, style);
  }
  return page + fmt::format("Pipeline [{}]: {}\n", style.bold(name),
                            plan.empty() ? "everything is as the file says" : counts_text(plan));
}

Json plan_json(const std::string& name, const pipeline::Plan& plan) {
  Json steps = Json::array();
  for (const pipeline::Step& step : plan.steps) {
    Json changes = Json::array();
    for (const Change& change : step.changes) {
      changes.push_back(Json::object({{"path", change.path},
                                      {"before", change.before},
                                      {"after", change.after},
                                      {"drift", change.cause == Change::Cause::kDrift}}));
    }
    steps.push_back(Json::object({{"action", word_of(step.action)},
                                  {"kind", kind_name(step.key.kind)},
                                  {"name", step.key.name},
                                  {"changes", std::move(changes)}}));
  }
  const auto counts = plan.counts();
  return Json::object({{"pipeline", name},
                       {"add", counts.add},
                       {"change", counts.change},
                       {"destroy", counts.destroy},
                       {"steps", std::move(steps)}});
}

}  // namespace thaw::cli
