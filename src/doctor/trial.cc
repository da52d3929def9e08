#include "doctor/trial.h"

#include <algorithm>
#include <utility>

namespace thaw::doctor {
namespace {

constexpr size_t kMostLines = 200;
constexpr size_t kLongestLine = 400;
constexpr Duration kEndLimit = seconds(30);

}  // namespace

Trial::Trial(Room room, sandbox::InstanceSpec spec, Trap trap)
    : room_(room), spec_(std::move(spec)), wants_trap_(trap) {
  // What is looked for is how it starts by itself.
  spec_.templates = sandbox::InstanceSpec::Templates::kOff;
  spec_.byte_code = sandbox::InstanceSpec::ByteCode::kOff;  // whether it is lacking is a finding
}

Trial::~Trial() = default;

void Trial::start() { instance_ = room_.sandbox.start(InstanceId("doctor"), spec_, *this); }

void Trial::finish() {
  if (instance_ == nullptr) return;
  if (!ended()) {
    instance_->kill();
    // Also when the user has given up: what was started must be gone.
    Patience to_the_end(room_.patience.loop(), [] { return false; });
    (void)to_the_end.until([this] { return ended(); }, kEndLimit);
  }
  trap_ = nullptr;
  instance_ = nullptr;
}

Duration Trial::age() const {
  return executed_at_ ? room_.patience.now() - *executed_at_ : Duration::zero();
}

io::SocketAddress Trial::address(uint16_t port) const {
  io::SocketAddress address = instance_->address();
  address.port = port;
  return address;
}

std::vector<pid_t> Trial::processes() const {
  if (main_ == 0 || ended()) return {};
  return processes_of(main_, room_.is_container ? Belongs::kPidNamespace : Belongs::kSession);
}

void Trial::on_main_process(pid_t pid) {
  main_ = pid;
  if (wants_trap_ == Trap::kNo || !room_.is_container) return;
  auto trap = NetworkTrap::open(pid, room_.patience.loop());
  if (trap) {
    trap_ = *std::move(trap);
  } else {
    trap_failure_ = trap.error().message();
  }
}

void Trial::on_output(sandbox::OutputStream, std::string_view line) {
  ++line_count_;
  if (on_line && on_line(line)) return;
  kept_.emplace_back(line.substr(0, kLongestLine));
  if (kept_.size() > kMostLines) kept_.pop_front();
}

void Trial::on_exit(const sandbox::ExitReport& report) {
  age_at_end_ = age();
  report_ = report;
}

std::vector<std::string> Trial::last_lines(size_t count) const {
  const size_t from = kept_.size() - std::min(count, kept_.size());
  return {kept_.begin() + static_cast<std::ptrdiff_t>(from), kept_.end()};
}

}  // namespace thaw::doctor
