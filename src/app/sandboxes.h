// Which sandbox this machine gets: containers where they work, else plain child processes.
//
// **Thread**: the main one, before any other thread is started: namespaces belong to threads.
// **Owner**: values; the ports outlive the sandbox. **Limits**: none.
#pragma once

#include <memory>
#include <string>

#include "app/options.h"
#include "base/result.h"
#include "io/disk.h"
#include "io/entropy.h"
#include "io/loop.h"
#include "io/net.h"
#include "io/process.h"
#include "io/worker.h"
#include "sandbox/hibernator.h"
#include "sandbox/machine.h"
#include "sandbox/sandbox.h"

namespace thaw::app {

struct SandboxChoice {
  enum class Kind { kContainer, kProcess } kind = Kind::kProcess;
  sandbox::Machine machine;
  std::string why_no_containers;  // empty: containers it is
};

/// Looks at the machine and, for containers, moves the process into mounts of its own.
/// kFailedPrecondition when containers were asked for and do not work here.
Result<SandboxChoice> choose_sandbox(const UpOptions& options, io::Disk& disk);

/// --memory-budget in bytes, its default a share of this machine's memory.
Result<ByteCount> memory_budget(const UpOptions& options, io::Disk& disk);

struct SandboxPorts {
  io::Loop& loop;
  io::Disk& disk;
  io::Processes& processes;
  std::string own_program;                      // the file of this program
  io::Worker* reader = nullptr;                 // reads files ahead; null: nobody
  sandbox::HibernatorSettings hibernator = {};  // without workers nothing hibernates
};
std::unique_ptr<sandbox::Sandbox> make_sandbox(const SandboxChoice& choice,
                                               const UpOptions& options, SandboxPorts ports);

}  // namespace thaw::app
