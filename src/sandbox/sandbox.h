// Sandbox: one instance of a revision, from its creation to the report of its end.
//
// The interface that serving/ uses; crun_sandbox.h (containers) and process_sandbox.h (plain
// child processes) implement it, and sim/ a third time. It decides nothing: how many instances,
// when, and what an exit means are serving's.
//
// Thread: the loop's; callbacks never come inside a call. Owner: the Sandbox outlives its
// instances; an InstanceObserver outlives the Instance it was given to. Dropping an Instance that
// has not ended kills it and everything in it.
// Limits: an output line over 64 KiB comes in pieces of that size; output is read no faster than
// observers take it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "io/net.h"

namespace thaw::sandbox {

/// A folder of the host that an instance sees somewhere, writable. Containers only.
struct Bind {
  std::string source;  // absolute
  std::string target;

  bool operator==(const Bind&) const = default;
};

/// What runs in an instance and what it may use.
struct InstanceSpec {
  ServiceId service;
  RevisionId revision;
  std::vector<std::string> argv;
  std::vector<std::string> env;  // "NAME=value", the user's and the contract's; all of it
  std::string working_dir;       // empty: "/"
  uint16_t port = 8080;          // what it listens on
  int cpu_millis = 1000;
  int boost_millis = 0;  // from its start until end_boost(), if more than cpu_millis
  ByteCount memory = mib(512);
  int pids = 1024;  // processes and threads together
  std::vector<Bind> binds;
  /// What may be done ahead of a start of a Python program: see python_template.h.
  enum class Templates { kOff, kLibraries, kModule } templates = Templates::kLibraries;

  /// Whether byte code that its modules lack is compiled ahead: see python_bytecode.h.
  enum class ByteCode { kOff, kOn } byte_code = ByteCode::kOn;

  bool operator==(const InstanceSpec&) const = default;
};

/// How an instance ended.
struct ExitReport {
  enum class Kind {
    kExited,       // by itself, with exit_code
    kSignalled,    // by a signal that was not ours, e.g. SIGSEGV
    kOutOfMemory,  // it or one of its processes was killed at memory_limit; the rest with it
    kStopped,      // after terminate() or kill(); exit_code and signal say how it took it
    kNotStarted,   // the program could not be executed: see detail
  };
  Kind kind = Kind::kExited;
  int exit_code = 0;
  int signal = 0;
  ByteCount memory_peak;   // 0: not known
  ByteCount memory_limit;  // 0: not limited
  Duration cpu{0};         // user and system time of all its processes
  std::string detail;      // for kNotStarted: what failed, on what
};

/// Held while it runs. CPU and memory of all its processes; zero where not known.
struct Usage {
  Duration cpu{0};
  ByteCount memory;  // in memory now
  ByteCount memory_peak;
  ByteCount swapped;  // given back to swap
};

/// What is kept of a revision for its next starts: see python_template.h.
struct TemplateState {
  enum class Phase {
    kNone,       // it has none and needs none
    kRecording,  // the next start is watched
    kRecorded,   // the snapshot will be made
    kReady,      // starts are restored from it
    kRefused,    // starts are cold: why
  };
  Phase phase = Phase::kNone;
  int modules = 0;   // imported in it
  int left_out = 0;  // not imported in it
  ByteCount size;
  std::string why;
};

enum class OutputStream { kStdout, kStderr };

class InstanceObserver {
 public:
  /// For those who look at it from outside: its first process. In a container nothing of the
  /// program has run yet. May come inside start().
  virtual void on_main_process(pid_t) {}
  /// It has a network of its own, where it will be reached at `address`. What the program is to
  /// find listening there must be when this returns: the program is executed next. At most once.
  /// May come inside start().
  virtual void on_network(const io::SocketAddress& /*address*/) {}
  /// Once per start of a program that templates are for: how it started, in words for its user.
  enum class Rung { kCold, kTemplated };
  virtual void on_rung(Rung, std::string_view) {}
  /// So much of the files that its start will touch was not in memory and is being read.
  virtual void on_read_ahead(ByteCount) {}
  /// The sandbox stands; the program is about to be executed. At most once.
  virtual void on_sandbox_ready() = 0;
  /// The program was executed. At most once, after on_sandbox_ready and before any output.
  virtual void on_executed() = 0;
  /// One line without its end.
  virtual void on_output(OutputStream stream, std::string_view line) = 0;
  /// After hibernate(): what could go has gone. `left_because`: why not all of it; empty: all.
  virtual void on_hibernated(const Usage&, std::string_view /*left_because*/) {}
  /// Last call; all output was delivered before. May destroy the Instance.
  virtual void on_exit(const ExitReport& report) = 0;

 protected:
  ~InstanceObserver() = default;
};

class Instance {
 public:
  virtual ~Instance() = default;
  /// Where its port is reached; valid from on_executed on.
  virtual const io::SocketAddress& address() const = 0;
  /// Takes the CPU from all its processes; memory, connections and clocks go on. kill() works on a
  /// frozen one, terminate() needs thaw() first. An error: it runs on, and thaw() may follow.
  virtual Status freeze() = 0;
  /// Gives the CPU back; when it returns the processes may run. Nothing when not frozen.
  virtual void thaw() = 0;
  /// Gives the memory of a frozen one back, slowly and beside everything else; on_hibernated tells
  /// when. thaw() and the end break it off. An error: it stays frozen as it is.
  virtual Status hibernate() {
    return Error(Code::kUnimplemented, "this sandbox does not hibernate");
  }
  /// The first request since a thaw() was answered: when it was hibernated before, the pages that
  /// it has now are those that its next wake reads ahead.
  virtual void wake_served() {}
  /// It has started: from now on it has cpu_millis and not boost_millis.
  virtual void end_boost() {}
  /// SIGTERM to its main process. One that would not notice (as the first process of a container
  /// it must handle the signal) is killed at once; one that was not executed yet never is.
  virtual void terminate() = 0;
  /// SIGKILL to every process in it.
  virtual void kill() = 0;
  virtual Usage usage() const = 0;
};

class Sandbox {
 public:
  virtual ~Sandbox() = default;
  /// Starts an instance. Failures come as on_exit(kNotStarted).
  virtual std::unique_ptr<Instance> start(const InstanceId& id, const InstanceSpec& spec,
                                          InstanceObserver& observer) = 0;
  /// Says that an instance of this revision may be started soon: a sandbox may be made ahead.
  /// A new spec for the same revision replaces the old.
  virtual void keep_ready(const InstanceSpec& spec) = 0;
  virtual void forget(const RevisionId& revision) = 0;
  /// The revision is gone for good, and with it what was kept of it over restarts.
  virtual void discard(const RevisionId&) {}
  virtual TemplateState template_state(const RevisionId&) const { return {}; }
  /// Ends and removes whatever an earlier run of the program left: processes, cgroups, folders.
  /// Returns how many instances there were. Call once, before start().
  virtual Result<int> recover() = 0;
  /// What is not isolated here and why, one sentence; empty when everything is.
  virtual std::string isolation_notice() const = 0;
  /// What of a hibernated instance's memory this machine can do without, now.
  enum class Hibernation { kNot, kFilesOnly, kEverything };
  virtual Hibernation hibernation() const { return Hibernation::kNot; }
  /// Why no instance can hibernate here, or what of it only in part, one sentence; empty when all
  /// can.
  virtual std::string hibernation_notice() const {
    return "Instances cannot hibernate: they are plain processes, not containers.";
  }
  /// Kills what still runs, removes everything and then calls `done`, maybe inside this call. The
  /// last call: later starts end with kNotStarted. By default for those who leave nothing behind.
  virtual void shut_down(std::function<void()> done) { done(); }
};

}  // namespace thaw::sandbox
