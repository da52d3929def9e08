// ProcessSandbox: instances as plain child processes, for machines without root or crun.
//
// Each has a session and a port of 127.0.0.1 of its own, and its main process dies with us. It sees
// our user's files, processes and network. Memory is only looked at: every 100 ms, summed over
// the session's processes; CPU and numbers of processes are not limited.
//
// Thread: the loop's. Owner: ports outlive it. When it is destroyed its instances are killed.
// Limits: a process that leaves its session is not counted, but still found and killed at the end.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/disk.h"
#include "io/loop.h"
#include "io/process.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

struct ProcessSettings {
  std::string data_dir;           // absolute; tells our processes from another platform's
  std::string why_no_containers;  // for the notice, see machine.h
};

class ProcessSandbox final : public Sandbox {
 public:
  ProcessSandbox(io::Loop& loop, io::Disk& disk, io::Processes& processes,
                 ProcessSettings settings);
  ~ProcessSandbox() override;

  /// PORT in the environment is replaced by a port that is free now.
  std::unique_ptr<Instance> start(const InstanceId& id, const InstanceSpec& spec,
                                  InstanceObserver& observer) override;
  void keep_ready(const InstanceSpec&) override {}  // there is nothing to make ahead
  void forget(const RevisionId&) override {}
  /// Finds leftovers by THAW_INSTANCE in their environment. Blocks, at most 10 s.
  Result<int> recover() override;
  std::string isolation_notice() const override;
  void shut_down(std::function<void()> done) override;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace thaw::sandbox
