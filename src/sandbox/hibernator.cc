#include "sandbox/hibernator.h"

#include <utility>

namespace thaw::sandbox {

struct Hibernator::Job::State {
  std::function<std::unique_ptr<PageOutRun>(PageOut, ByteCount)> make;
  Done done;
  std::unique_ptr<PageOutRun> run;  // a worker's while it steps
  Result<PageOutRun::Step> outcome = PageOutRun::Step::kMore;
  bool dropped = false;
};

Hibernator::Job::~Job() {
  state_->dropped = true;
  state_->done = nullptr;
}

Hibernator::Hibernator(io::Loop& loop, io::Disk& disk, HibernatorSettings settings)
    : loop_(loop), disk_(disk), settings_(std::move(settings)) {
  why_not_ = settings_.out == nullptr ? "it was not asked for" : why_no_page_out();
}

Hibernator::~Hibernator() = default;

bool Hibernator::swap_is_on() const { return has_swap(pressure()); }

std::string Hibernator::notice() const {
  if (!why_not_.empty()) return "Instances cannot hibernate: " + why_not_ + ".";
  if (swap_is_on()) return "";
  return "The machine has no swap: a hibernated instance keeps all that it has written to memory "
         "and gives only file pages back; add a swap file (mkswap, swapon) for the rest.";
}

std::unique_ptr<Hibernator::Job> Hibernator::page_out(
    std::function<std::unique_ptr<PageOutRun>(PageOut, ByteCount piece)> make, Done done) {
  auto state = std::make_shared<Job::State>();
  state->make = std::move(make);
  state->done = std::move(done);
  waiting_.push_back(state);
  if (current_ == nullptr) pause_ = loop_.after(Duration::zero(), [this] { next(); });
  return std::unique_ptr<Job>(new Job(std::move(state)));
}

MemoryPressure Hibernator::pressure() const {
  return settings_.pressure ? settings_.pressure() : read_memory_pressure(disk_);
}

void Hibernator::next() {
  while (!waiting_.empty()) {
    const auto job = std::move(waiting_.front());
    waiting_.pop_front();
    if (!job->dropped) return begin(job);
  }
}

void Hibernator::begin(const std::shared_ptr<Job::State>& job) {
  current_ = job;
  const MemoryPressure now = pressure();
  if (!why_not_.empty()) return end(job, why_not_);
  job->run = job->make(has_swap(now) ? PageOut::kEverything : PageOut::kFilesOnly, settings_.piece);
  step(job);
}

void Hibernator::step(const std::shared_ptr<Job::State>& job) {
  if (job->dropped) return end(job, "");
  if (const std::string why = why_not_page_out(pressure()); !why.empty()) {
    return end(job, why);
  }
  const Status accepted = settings_.out->run(
      [job] {
        lower_own_priority();
        job->outcome = job->run->step();
      },
      [this, job, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) after_step(job);
      });
  if (!accepted) end(job, accepted.error().message());
}

void Hibernator::after_step(const std::shared_ptr<Job::State>& job) {
  if (job->dropped) return end(job, "");
  if (!job->outcome) return end(job, job->outcome.error().message());
  if (*job->outcome == PageOutRun::Step::kDone) return end(job, "");
  const double share = static_cast<double>(settings_.piece.value) /
                       static_cast<double>(settings_.bytes_per_second.value);
  pause_ = loop_.after(seconds(share), [this, job] { step(job); });
}

void Hibernator::end(const std::shared_ptr<Job::State>& job, const std::string& left_because) {
  current_ = nullptr;
  pause_ = loop_.after(Duration::zero(), [this] { next(); });
  if (const auto done = std::exchange(job->done, nullptr)) done(left_because);
}

void Hibernator::read_ahead(std::shared_ptr<const WakeSet> set) {
  if (settings_.in == nullptr || set == nullptr || set->empty()) return;
  (void)settings_.in->run([set = std::move(set)] { sandbox::read_ahead(*set); }, [] {});
}

void Hibernator::look(std::vector<pid_t> processes,
                      std::function<void(std::shared_ptr<const WakeSet>)> done) {
  if (settings_.in == nullptr) return;
  auto set = std::make_shared<WakeSet>();
  (void)settings_.in->run(
      [set, processes = std::move(processes)] { *set = present_pages(processes); },
      [set, done = std::move(done), alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired()) done(set);
      });
}

}  // namespace thaw::sandbox
