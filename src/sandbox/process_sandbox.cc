#include "sandbox/process_sandbox.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "base/check.h"
#include "sandbox/leftovers.h"
#include "sandbox/own_fd.h"
#include "sandbox/plain_process.h"

namespace thaw::sandbox {
namespace {

constexpr Duration kLookEvery = milliseconds(100);
constexpr int kPortTries = 16;

/// 0 when there is none; the program will say what it could not listen on.
uint16_t free_loopback_port() {
  const OwnFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const name = reinterpret_cast<sockaddr*>(&address);
  if (!socket || ::bind(socket.get(), name, size) != 0) return 0;
  if (::getsockname(socket.get(), name, &size) != 0) return 0;
  return ntohs(address.sin_port);
}

class ProcessInstance final : public Instance {
 public:
  explicit ProcessInstance(std::shared_ptr<PlainProcess> process) : process_(std::move(process)) {}
  ~ProcessInstance() override { process_->detach(); }
  const io::SocketAddress& address() const override { return process_->address(); }
  Status freeze() override { return process_->signal(SIGSTOP); }
  void thaw() override { (void)process_->signal(SIGCONT); }
  void terminate() override { process_->terminate(); }
  void kill() override { process_->kill(); }
  Usage usage() const override { return process_->usage(); }

 private:
  std::shared_ptr<PlainProcess> process_;
};

}  // namespace

class ProcessSandbox::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(io::Loop& loop, io::Disk& disk, io::Processes& processes, ProcessSettings settings)
      : loop_(loop),
        disk_(disk),
        processes_(processes),
        prefix_(data_dir_hash(settings.data_dir) + "-"),
        why_(std::move(settings.why_no_containers)) {
    // What leaves its parent is the machine's to reap, not ours.
    CHECK(::prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
  }

  std::unique_ptr<Instance> start(const InstanceId& id, const InstanceSpec& spec,
                                  InstanceObserver& observer) {
    const uint64_t number = ++last_number_;
    const uint16_t port = free_port();
    auto process = std::make_shared<PlainProcess>(loop_, disk_, spec, prefix_ + id.str(), port,
                                                  observer, [weak = weak_from_this(), number] {
                                                    if (const auto self = weak.lock())
                                                      self->forget(number);
                                                  });
    running_.emplace(number, process);
    process->spawn(processes_);
    if (stopping_) process->kill();
    if (running_.size() == 1) look_later();
    return std::make_unique<ProcessInstance>(std::move(process));
  }

  Result<int> recover() { return kill_marked_processes(disk_, prefix_); }

  std::string notice() const {
    return fmt::format(
        "Instances are plain processes of uid {} ({}): they see this user's files, processes and "
        "network, CPU and numbers of processes are not limited, and memory is only checked ten "
        "times a second. Of the temperatures they have hot, frozen and cold; hibernated and "
        "templated need containers.",
        ::getuid(), why_);
  }

  void shut_down(std::function<void()> done) {
    stopping_ = true;
    on_empty_ = std::move(done);
    const auto all = running_;
    for (const auto& [number, process] : all) process->kill();
    if (running_.empty()) std::exchange(on_empty_, nullptr)();
  }

 private:
  /// A port that the kernel has free now and that no instance of ours was given.
  uint16_t free_port() {
    uint16_t port = 0;
    for (int i = 0; i < kPortTries; ++i) {
      port = free_loopback_port();
      bool taken = false;
      for (const auto& [number, process] : running_) taken |= process->address().port == port;
      if (!taken) break;
    }
    return port;
  }

  void look_later() {
    look_ = loop_.after(kLookEvery, [this] {
      const auto sessions = read_sessions(disk_);
      for (const auto& [number, process] : running_) {
        const auto found = sessions.find(process->pid());
        if (found != sessions.end()) process->look(found->second);
      }
      if (!running_.empty()) look_later();
    });
  }

  void forget(uint64_t number) {
    running_.erase(number);
    if (!running_.empty()) return;
    look_.cancel();
    if (on_empty_) std::exchange(on_empty_, nullptr)();
  }

  io::Loop& loop_;
  io::Disk& disk_;
  io::Processes& processes_;
  const std::string prefix_;
  const std::string why_;
  std::map<uint64_t, std::shared_ptr<PlainProcess>> running_;
  uint64_t last_number_ = 0;
  io::Timer look_;
  bool stopping_ = false;
  std::function<void()> on_empty_;
};

ProcessSandbox::ProcessSandbox(io::Loop& loop, io::Disk& disk, io::Processes& processes,
                               ProcessSettings settings)
    : impl_(std::make_shared<Impl>(loop, disk, processes, std::move(settings))) {}
ProcessSandbox::~ProcessSandbox() = default;

std::unique_ptr<Instance> ProcessSandbox::start(const InstanceId& id, const InstanceSpec& spec,
                                                InstanceObserver& observer) {
  return impl_->start(id, spec, observer);
}

Result<int> ProcessSandbox::recover() { return impl_->recover(); }
std::string ProcessSandbox::isolation_notice() const { return impl_->notice(); }
void ProcessSandbox::shut_down(std::function<void()> done) { impl_->shut_down(std::move(done)); }

}  // namespace thaw::sandbox
