#include "sandbox/process_sandbox.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "sandbox/leftovers.h"
#include "sandbox/plain_process.h"

namespace thaw::sandbox {
namespace {

constexpr Duration kLookEvery = milliseconds(100);
constexpr int kPortTries = 16;

class ProcessInstance final : public Instance {
 public:
  explicit ProcessInstance(std::shared_ptr<PlainProcess> process) : process_(std::move(process)) {}
  ~ProcessInstance() override { process_->detach(); }
  const io::SocketAddress& address() const override { return process_->address(); }
  void terminate() override { process_->terminate(); }
  void kill() override { process_->kill(); }
  Usage usage() const override { return process_->usage(); }

 private:
  std::shared_ptr<PlainProcess> process_;
};

}  // namespace

class ProcessSandbox::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(io::Loop& loop, io::Disk& disk, io::Net& net, io::Processes& processes,
       const std::string& data_dir, std::string why)
      : loop_(loop),
        disk_(disk),
        net_(net),
        processes_(processes),
        prefix_(data_dir_hash(data_dir) + "-"),
        why_(std::move(why)) {}

  std::unique_ptr<Instance> start(const InstanceId& id, const InstanceSpec& spec,
                                  InstanceObserver& observer) {
    const uint64_t number = ++last_number_;
    const uint16_t port = free_port();
    auto process = std::make_shared<PlainProcess>(
        loop_, disk_, spec, prefix_ + id.str(), port, observer,
        [weak = weak_from_this(), number] {
          if (const auto self = weak.lock()) self->forget(number);
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
        "times a second.",
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
  /// A port that the kernel has free and that no instance of ours was given.
  uint16_t free_port() {
    uint16_t port = 0;
    for (int i = 0; i < kPortTries; ++i) {
      const auto listener = net_.listen({.ip = "127.0.0.1", .port = 0}, [](auto) {});
      if (!listener) return 0;  // the program will say what it could not listen on
      port = (*listener)->address().port;
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
  io::Net& net_;
  io::Processes& processes_;
  const std::string prefix_;
  const std::string why_;
  std::map<uint64_t, std::shared_ptr<PlainProcess>> running_;
  uint64_t last_number_ = 0;
  io::Timer look_;
  bool stopping_ = false;
  std::function<void()> on_empty_;
};

ProcessSandbox::ProcessSandbox(io::Loop& loop, io::Disk& disk, io::Net& net,
                               io::Processes& processes, std::string data_dir, std::string why)
    : impl_(std::make_shared<Impl>(loop, disk, net, processes, data_dir, std::move(why))) {}
ProcessSandbox::~ProcessSandbox() = default;

std::unique_ptr<Instance> ProcessSandbox::start(const InstanceId& id, const InstanceSpec& spec,
                                                InstanceObserver& observer) {
  return impl_->start(id, spec, observer);
}

Result<int> ProcessSandbox::recover() { return impl_->recover(); }
std::string ProcessSandbox::isolation_notice() const { return impl_->notice(); }
void ProcessSandbox::shut_down(std::function<void()> done) { impl_->shut_down(std::move(done)); }

}  // namespace thaw::sandbox
