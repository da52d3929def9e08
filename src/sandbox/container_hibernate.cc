// Container hibernated: frozen, and its pages given back.
#include <fmt/format.h>

#include <utility>

#include "base/log.h"
#include "sandbox/container.h"

namespace thaw::sandbox {
namespace {

// Every so many times nothing is kept, so that pages which no wake needs any more are found out.
constexpr int kKeepsNothing = 8;

}  // namespace

void Container::end_boost() {
  if (main_ == nullptr || is_over()) return;
  if (const Status limited = env_.cgroups.limit_cpu(name_, spec_.cpu_millis); !limited) {
    log_warning("an instance keeps the CPU of its start",
                {{"container", name_}, {"error", limited.error().message()}});
  }
}

Status Container::hibernate() {
  if (state_ != State::kRunning || !frozen_) {
    return Error(Code::kFailedPrecondition, "it is not frozen");
  }
  if (!env_.hibernator.why_not().empty()) {
    return Error(Code::kUnavailable, env_.hibernator.why_not());
  }
  was_hibernated_ = true;
  env_.cgroups.allow(name_, Cgroups::Swap::kAllowed);
  const auto needed = ++times_hibernated_ % kKeepsNothing == 0 ? nullptr : wake_set_;
  hibernating_ = env_.hibernator.page_out(
      [this, needed](PageOut what, ByteCount piece) {
        const std::string group = env_.cgroups.reclaimable(name_);
        return group.empty() ? page_out_processes(env_.cgroups.processes(name_), what, piece,
                                                  env_.cgroups.squeeze_files(name_), needed)
                             : page_out_group(group, piece, needed);
      },
      [this](const std::string& left_because) { hibernated(left_because); });
  return {};
}

void Container::hibernated(const std::string& left_because) {
  hibernating_ = nullptr;
  if (observer_ != nullptr) observer_->on_hibernated(usage(), left_because);
}

/// Before it is thawed: what its last wake needed is wanted in memory again.
void Container::wake_memory() {
  hibernating_ = nullptr;
  if (!std::exchange(frozen_, false) || !was_hibernated_) return;
  env_.hibernator.read_ahead(wake_set_);
  env_.cgroups.allow(name_, Cgroups::Swap::kNone);
}

void Container::wake_served() {
  if (state_ != State::kRunning || !std::exchange(was_hibernated_, false)) return;
  env_.hibernator.look(env_.cgroups.processes(name_),
                       [weak = weak_from_this()](std::shared_ptr<const WakeSet> set) {
                         if (const auto self = weak.lock()) self->wake_set_ = std::move(set);
                       });
}

}  // namespace thaw::sandbox
