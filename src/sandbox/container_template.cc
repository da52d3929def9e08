// Container as a template: what a Python program imports is imported before the program is wanted.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sandbox/container.h"
#include "sandbox/created_process.h"

namespace thaw::sandbox {
namespace {

constexpr Duration kWarmLook = milliseconds(20);
constexpr Duration kWarmLimit = seconds(300);
constexpr size_t kMaxStatus = 256 * 1024;
constexpr int kSettledLooks = 10;  // seconds a program has run well

}  // namespace

void Container::warm_up() {
  state_ = State::kWarming;
  if (const Status opened = open_exec_gate(state_folder()); !opened)
    return fail(opened.error().message());
  watch_warming(Duration::zero());
}

void Container::watch_warming(Duration waited) {
  if (state_ != State::kWarming) return;
  const auto text = read_in_container(main_->pid(), kTemplateStatus, kMaxStatus);
  if (const auto status = text ? parse_template_status(*text) : std::nullopt) {
    if (!status->none.empty()) {
      if (hooks_.on_template_failed) hooks_.on_template_failed(status->none);
      return kill();
    }
    template_ = *status;
    if (const Status frozen = env_.cgroups.freeze(name_); !frozen) {
      log_warning("a template waits unfrozen",
                  {{"container", name_}, {"error", frozen.error().message()}});
    }
    state_ = State::kWarm;
    if (hooks_.on_created) hooks_.on_created();
    return;
  }
  if (waited >= kWarmLimit) return fail("its imports took longer than five minutes");
  timer_ = env_.loop.after(kWarmLook, [this, waited] { watch_warming(waited + kWarmLook); });
}

/// The program begins: template.py waits for this signal, which it has blocked until then.
void Container::release_template() {
  state_ = State::kReleased;
  observer_->on_main_process(main_->pid());
  tell_rung();
  env_.cgroups.thaw(name_);
  (void)main_->signal(SIGUSR1);
  post(&Container::announce);
}

void Container::tell_rung() {
  using Rung = InstanceObserver::Rung;
  if (way_ == PythonTemplates::Way::kTemplate) {
    observer_->on_rung(Rung::kTemplated,
                       fmt::format("started from a template: {} modules were imported ahead, {} "
                                   "left to the program",
                                   template_.modules, template_.left_out));
  } else if (const std::string why = env_.templates.why_none(spec_.revision); !why.empty()) {
    observer_->on_rung(Rung::kCold, "started cold, without a template: " + why);
  }
}

/// What it has imported so far; asked when it has served a request or is to end.
void Container::take_record() {
  if (way_ != PythonTemplates::Way::kRecording || std::exchange(recorded_, true)) return;
  const auto text = read_in_container(main_->pid(), kImportRecord, kMaxImportRecord.value + 4096);
  if (text && !text->empty() && hooks_.on_recorded) hooks_.on_recorded(*text);
}

/// A program that fails soon after it began may fail because of the template: the next start is
/// without one.
void Container::judge_template() {
  if (way_ != PythonTemplates::Way::kTemplate || stop_asked_ || memory_looks_ >= kSettledLooks)
    return;
  const bool in_imports = !was_executed_;
  if (!in_imports && exit_.code == 0 && exit_.signal == 0) return;
  if (!hooks_.on_template_failed) return;
  hooks_.on_template_failed(in_imports
                                ? "importing its modules ahead ended the process"
                                : fmt::format("the program failed when started from one ({} {})",
                                              exit_.signal != 0 ? "signal" : "exit code",
                                              exit_.signal != 0 ? exit_.signal : exit_.code));
}

}  // namespace thaw::sandbox
