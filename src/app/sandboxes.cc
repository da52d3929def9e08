#include "app/sandboxes.h"

#include "io_linux/net_namespace.h"
#include "sandbox/crun_sandbox.h"
#include "sandbox/memory_pressure.h"
#include "sandbox/private_mounts.h"
#include "sandbox/process_sandbox.h"

namespace thaw::app {
namespace {

constexpr int kDefaultBudgetPercent = 75;  // as docs/reference/options.md says

}  // namespace

Result<SandboxChoice> choose_sandbox(const UpOptions& options, io::Disk& disk) {
  using Isolation = UpOptions::Isolation;
  ASSIGN_OR_RETURN(sandbox::Machine machine, sandbox::inspect_machine(disk));
  SandboxChoice choice{.machine = machine};
  if (options.isolation == Isolation::kProcess) {
    choice.why_no_containers = "--isolation process was asked for";
    return choice;
  }
  if (machine.root && !machine.crun.empty()) {
    std::vector<std::string> hidden = sandbox::host_secrets(disk);
    hidden.push_back(options.data_dir);
    RETURN_IF_ERROR(sandbox::enter_private_mounts(
        {.rootfs = sandbox::rootfs_path(options.data_dir), .hidden = std::move(hidden)}));
    ASSIGN_OR_RETURN(choice.machine, sandbox::inspect_machine(disk));
  }
  choice.why_no_containers = sandbox::why_no_containers(choice.machine);
  if (choice.why_no_containers.empty()) {
    choice.kind = SandboxChoice::Kind::kContainer;
  } else if (options.isolation == Isolation::kContainer) {
    return Error(Code::kFailedPrecondition, "--isolation container: " + choice.why_no_containers);
  }
  return choice;
}

Result<ByteCount> memory_budget(const UpOptions& options, io::Disk& disk) {
  if (options.memory_budget) return *options.memory_budget;
  ASSIGN_OR_RETURN(const std::string meminfo, disk.read_file("/proc/meminfo", mib(1)));
  return ByteCount{sandbox::machine_memory(meminfo).value / 100 * kDefaultBudgetPercent};
}

std::unique_ptr<sandbox::Sandbox> make_sandbox(const SandboxChoice& choice,
                                               const UpOptions& options, SandboxPorts ports) {
  if (choice.kind == SandboxChoice::Kind::kProcess) {
    return std::make_unique<sandbox::ProcessSandbox>(
        ports.loop, ports.disk, ports.processes,
        sandbox::ProcessSettings{.data_dir = options.data_dir,
                                 .why_no_containers = choice.why_no_containers});
  }
  return std::make_unique<sandbox::CrunSandbox>(
      ports.loop, ports.disk, ports.processes, choice.machine,
      sandbox::CrunSettings{.data_dir = options.data_dir,
                            .rootfs = sandbox::rootfs_path(options.data_dir),
                            .open_net_namespace = io_linux::open_net_namespace,
                            .own_program = std::move(ports.own_program),
                            .reader = ports.reader,
                            .max_ready = options.ready_sandboxes,
                            .hibernator = ports.hibernator});
}

}  // namespace thaw::app
