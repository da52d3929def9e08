// Container: one crun container, from `crun create` to its removal.
//
// Not the handle that serving holds: that is CrunInstance; a container outlives it until it is
// removed. It may be created ahead and given an observer later.
//
//   kWaiting -> kCreating -> kCreated -> kReleased -> kRunning -> kEnded -> kRemoving -> (gone)
//
// One that works ahead (Way::kMaking, kCompiling) has no observer: it begins by itself and reports
// by Hooks::on_made.
//
// Thread: the loop's. Owner: CrunSandbox, by shared_ptr, so that what was posted finds it gone.
// Limits: CrunSettings::create_limit; five minutes to work ahead; 30 s to delete; a second
// after the end for its output to end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/disk.h"
#include "io/loop.h"
#include "io/process.h"
#include "sandbox/cgroup.h"
#include "sandbox/crun_sandbox.h"
#include "sandbox/hibernator.h"
#include "sandbox/output_pump.h"
#include "sandbox/python_bytecode.h"
#include "sandbox/python_template.h"
#include "sandbox/read_ahead.h"
#include "sandbox/sandbox.h"
#include "sandbox/turnstile.h"

namespace thaw::sandbox {

/// What all containers of a sandbox share.
struct ContainerEnv {
  io::Loop& loop;
  io::Disk& disk;
  io::Processes& processes;
  const Machine& machine;
  const CrunSettings& settings;
  Cgroups cgroups;
  PythonTemplates templates;
  PythonByteCode byte_code;
  ReadAhead read_ahead;
  Turnstile creates;
  Turnstile removes;
  Hibernator hibernator;
  std::string bundles;     // folder of bundles
  std::string crun_state;  // crun's --root
  std::string python;      // folder that kTemplateFolder shows; written when it is first needed
  std::string hosts;       // file that /etc/hosts shows; written by recover()
};

class Container : public std::enable_shared_from_this<Container> {
 public:
  struct Hooks {
    std::function<void()> on_created;  // it stands and waits for an observer
    std::function<void()> on_executed;
    std::function<void(const std::string& imports)> on_recorded;  // at most once
    /// What it lacked byte code for, a path a line, maybe nothing. At most once.
    std::function<void(const std::string& sources)> on_lacked;
    /// Of a start by a snapshot; empty: it was restored, else why it went cold. At most once.
    std::function<void(const std::string& why_not)> on_restored;
    std::function<void(std::string why)> on_template_failed;
    /// What the one that makes a snapshot or compiles has said, and why it failed. At its end.
    std::function<void(const std::string& report, const std::string& why)> on_made;
    std::function<void()> on_gone;  // removed; may drop the last reference
  };

  Container(ContainerEnv& env, std::string name, InstanceSpec spec, PythonTemplates::Way way,
            Hooks hooks);
  ~Container();

  /// Begins to create it. Call once, right after construction.
  void create();
  /// Gives it to an instance: the program is executed as soon as it is created.
  void attach(InstanceObserver& observer);
  void read_ahead(ByteCount size);
  /// The instance was dropped: nobody is told any more, and it is killed.
  void detach();
  Status freeze();
  void thaw();
  Status hibernate();
  void wake_served();
  void end_boost();
  void terminate();
  void kill();

  const std::string& name() const { return name_; }
  const InstanceSpec& spec() const { return spec_; }
  const io::SocketAddress& address() const { return address_; }
  Usage usage() const;
  PythonTemplates::Way way() const { return way_; }
  bool is_over() const { return state_ >= State::kEnded; }

 private:
  enum class State { kWaiting, kCreating, kCreated, kReleased, kRunning, kEnded, kRemoving };
  struct HeldLine {
    OutputStream stream;
    std::string text;
  };

  void spawn_create();
  void leave_creates();
  void on_create_exit(io::ProcessExit exit);
  void kill_orphans();
  Status adopt_created();
  void begin();  // created and wanted: open the gate
  bool works_ahead() const;
  InstanceSpec choose_files(BundleOptions& options);
  Status write_python_folder();
  void tell_rung();
  bool take_report(OutputStream stream, std::string_view line);
  void limit_making();
  void tell_made();
  void take_record();
  void judge_template();
  void start_by_crun();
  void announce();
  void watch_exec(Duration next_look);
  bool look_for_exec();
  void executed();
  void watch_memory();
  void watch_frozen();
  void wake_memory();
  void hibernated(const std::string& left_because);
  void on_line(OutputStream stream, std::string_view line);
  void deliver(OutputStream stream, std::string_view line);
  void on_main_exit(io::ProcessExit exit);
  void on_output_end();
  void fail(std::string detail);
  void end();  // main process and output are over: report, remove
  void settle_exec();
  ExitReport make_report() const;
  void remove();
  void after_delete();
  void gone();
  void signal(int number);
  std::string folder() const { return env_.bundles + "/" + name_; }
  std::string state_folder() const { return env_.crun_state + "/" + name_; }
  std::string log_path() const { return folder() + "/log"; }
  std::vector<std::string> crun(std::initializer_list<const char*> words) const;
  void post(void (Container::*step)());

  ContainerEnv& env_;
  std::string name_;
  InstanceSpec spec_;
  PythonTemplates::Way way_;
  PythonByteCode::Use byte_code_;
  Hooks hooks_;
  State state_ = State::kWaiting;
  InstanceObserver* observer_ = nullptr;
  io::SocketAddress address_;
  std::unique_ptr<io::Process> helper_;  // crun create, start or delete
  std::unique_ptr<io::Process> main_;
  std::unique_ptr<OutputPump> out_;
  std::unique_ptr<OutputPump> err_;
  std::vector<HeldLine> held_;  // printed before exec was seen
  std::string program_before_;  // crun's own, see program_of()
  io::Timer timer_;             // create limit, look for exec, output limit
  io::Timer memory_timer_;
  io::Timer making_timer_;
  bool has_place_ = false;    // in env_.creates
  bool was_spawned_ = false;  // there may be something to remove
  bool announced_ = false;    // on_sandbox_ready was called
  bool stop_asked_ = false;
  bool was_executed_ = false;
  bool recorded_ = false;
  bool restored_ = false;
  bool saw_stderr_ = false;
  std::string report_;    // lines of the one that makes a snapshot
  int memory_looks_ = 0;  // since it was executed
  bool frozen_ = false;
  bool was_hibernated_ = false;  // in part at least; until its next wake was served
  std::unique_ptr<Hibernator::Job> hibernating_;
  std::shared_ptr<const WakeSet> wake_set_;
  int times_hibernated_ = 0;
  std::string failure_;  // why it did not start
  io::ProcessExit exit_;
  CgroupFacts facts_;  // read at the end
  int removal_tries_ = 0;
};

}  // namespace thaw::sandbox
