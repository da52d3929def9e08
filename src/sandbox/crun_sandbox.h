// CrunSandbox: instances as containers run by crun. Needs root and crun; see why_no_containers().
//
// A container can be made ahead (keep_ready) by `crun create`, so that a start only has to open
// the gate before exec. Not for images yet: every instance sees the host's tree, read-only.
//
// Thread: the loop's. Owner: ports outlive it. When it is destroyed its instances are killed, and
// what they leave on disk and in cgroups is removed by the next recover(); shut_down() removes it
// at once.
// Limits: `max_ready` containers ahead, the oldest is dropped; `max_creates` are made at a time,
// the others wait.
#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>

#include "io/disk.h"
#include "io/loop.h"
#include "io/process.h"
#include "io/worker.h"
#include "sandbox/hibernator.h"
#include "sandbox/machine.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

struct CrunSettings {
  std::string data_dir;  // absolute; everything of ours is below data_dir/run/sandbox
  std::string rootfs;    // made by enter_private_mounts()
  /// The network namespace of a process, for SocketAddress::in.
  std::function<Result<std::shared_ptr<const io::NetNamespace>>(pid_t)> open_net_namespace;
  std::string own_program;       // see bundle.h
  io::Worker* reader = nullptr;  // reads files ahead; null: none are, see read_ahead.h
  int max_ready = 16;
  int max_creates = 4;
  ByteCount max_templates = gib(8);     // of all snapshots together, on disk
  ByteCount max_byte_code = mib(512);   // of all caches together, on disk
  Duration create_limit = seconds(30);  // then crun is ended and the start has failed
  Duration frozen_look = seconds(5);    // how often a frozen one is looked at, see Container
  HibernatorSettings hibernator;        // without workers nothing hibernates
  int uid = 0;                          // whom programs run as
  int gid = 0;
};

/// Where enter_private_mounts() puts the root of instances for this data directory.
std::string rootfs_path(const std::string& data_dir);
/// The cgroup above all instances of this data directory: "thaw-" and a hash of its path.
std::string cgroup_parent(const std::string& data_dir);

class CrunSandbox final : public Sandbox {
 public:
  CrunSandbox(io::Loop& loop, io::Disk& disk, io::Processes& processes, Machine machine,
              CrunSettings settings);
  ~CrunSandbox() override;

  std::unique_ptr<Instance> start(const InstanceId& id, const InstanceSpec& spec,
                                  InstanceObserver& observer) override;
  void keep_ready(const InstanceSpec& spec) override;
  void forget(const RevisionId& revision) override;
  void discard(const RevisionId& revision) override;
  TemplateState template_state(const RevisionId& revision) const override;
  /// Blocks until leftovers are gone, at most 10 s; kUnavailable names what would not go.
  Result<int> recover() override;
  std::string isolation_notice() const override;
  Hibernation hibernation() const override;
  std::string hibernation_notice() const override;
  void shut_down(std::function<void()> done) override;

  /// Containers that stand ready; for tests and metrics.
  int ready_count() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace thaw::sandbox
