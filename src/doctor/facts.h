// Facts: what an examination of a program saw, in numbers; findings.h says what they mean.
//
// Not for deciding: nothing here is judged. Thread: any. Owner: values.
// Limits: lists are cut by who fills them, see examiner.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "sandbox/sandbox.h"

namespace thaw::doctor {

/// What is examined, and what its service promises or asks for.
struct Target {
  enum class Kind { kService, kFile, kDirectory, kCommand };
  Kind kind = Kind::kCommand;
  std::string name;       // as the user named it
  std::string found_by;   // which rule chose the command: "Procfile: web"
  std::string directory;  // the program's own folder, absolute; empty: none is known
  /// What the command names elsewhere: folders, and files that lie where instances have folders of
  /// their own. Absolute, none below another.
  std::vector<std::string> elsewhere;
  sandbox::InstanceSpec instance;
  int concurrency = 80;
  bool throttled = true;     // CPU during requests only
  bool port_stated = false;  // the service file names its containerPort
  Duration probe_deadline = seconds(240);
  std::string probe_path;  // of an HTTP startup probe; empty: TCP
  std::string request_path = "/";
};

struct Listening {
  std::string ip;
  uint16_t port = 0;
  enum class Reach { kAnywhere, kLoopback, kOneAddress };
  Reach reach = Reach::kAnywhere;
  bool operator==(const Listening&) const = default;
};

struct StartFacts {
  uint16_t port = 0;                 // what PORT said
  std::vector<Listening> listening;  // when it settled
  Duration until_listening{0};       // when `listening` is empty: how long was waited
  Duration waited_for_cpu{0};        // of that: ready to run while this machine ran others
  Duration cpu{0};
  bool stood_still = false;  // given up because it had stopped working
};

struct EndFacts {
  enum class When { kStarting, kServing };
  When when = When::kStarting;
  sandbox::ExitReport report;
  Duration after{0};
};

/// A connection or a look-up of a name before it listened.
struct NetworkCall {
  std::string host;   // the name it asked for, else the number
  uint16_t port = 0;  // 0: the name was only looked up
  int tries = 0;
  bool operator==(const NetworkCall&) const = default;
};

struct RequestFacts {
  bool answered = false;
  int status = 0;
  std::string error;
  Duration latency{0};
  int most_running = 0;  // threads on a CPU, or ready for one, at once during one request
  int sent = 0;          // altogether
};

/// Whether requests overlap. Each test is repeated; `serial` needs every round to say so.
struct OverlapFacts {
  enum class Verdict { kNotTested, kOverlaps, kSerial };
  Verdict held = Verdict::kNotTested;   // a second request while the first is still being sent
  Verdict timed = Verdict::kNotTested;  // four slow requests at once: do they end one by one?
  std::vector<Duration> ends;           // of the last timed round
};

struct IdleThread {
  std::string name;
  pid_t pid = 0;
  bool is_main = false;  // the first thread of the instance's first process, or of one that serves
  enum class Waits { kOnTimer, kOnTimedLock, kElsewhere };
  Waits waits = Waits::kElsewhere;
  int64_t wakes = 0;
  Duration cpu{0};
};

/// The same length of time without requests, first running, then frozen.
struct IdleFacts {
  bool measured = false;
  Duration window{0};
  Duration cpu{0};
  int lines = 0;
  int processes_started = 0;
  std::vector<IdleThread> threads;  // those that woke or wait on a timer
  Duration frozen_window{0};
  Duration frozen_cpu{0};
  int frozen_lines = 0;
  std::string last_line;  // of those printed while idle
};

struct MemoryFacts {
  ByteCount idle;  // after the start
  ByteCount peak;  // after the requests; files in /tmp included
  ByteCount tmp;   // of that: files in /tmp
  int requests = 0;
  std::optional<ByteCount> needed;  // measured with more memory, after the limit was too small
};

struct WrittenFile {
  std::string path;
  ByteCount size;
  enum class Kind { kPlain, kDatabase };
  Kind kind = Kind::kPlain;
};

struct StopFacts {
  bool tried = false;
  enum class Signal { kDefault, kCaught, kIgnored };
  Signal term = Signal::kDefault;        // of the first process, before it was told to stop
  Signal term_after = Signal::kDefault;  // ten seconds later, when it still ran
  bool ended = false;
  Duration after{0};
  bool child_serves = false;  // the first process has no listening socket, a child has
  std::string main_program;
};

struct PoolFacts {
  int cpus = 1;                                        // the limit, rounded up
  std::vector<std::pair<std::string, int>> variables;  // OMP_NUM_THREADS and the like
  int workers = 0;                   // processes that accept on the same socket, the parent aside
  std::vector<std::string> compute;  // libraries with thread pools that are loaded
  int most_threads = 0;              // of a process that loaded one
  int most_in_all = 0;               // of any process
};

struct ImportedModule {
  std::string name;
  int depth = 0;
  Duration self{0};
  Duration total{0};
};

struct ImportFacts {
  bool measured = false;
  std::vector<ImportedModule> modules;  // in the order of printing: children first
  Duration total{0};                    // of the outermost
  double ran_share = 1;                 // the rest of that time the machine ran others
  int from_source = 0;                  // modules without usable byte code
  std::vector<std::string> source_files;
  Duration compile_cpu{0};
};

struct WeightFacts {
  bool measured = false;
  ByteCount total;
  int64_t files = 0;
  bool cut = false;                                        // too many files to count all
  std::vector<std::pair<std::string, ByteCount>> biggest;  // entries of the folder
  ByteCount needless;                                      // .git, virtual environments, caches
  std::vector<std::string> needless_names;
};

struct Facts {
  Target target;
  StartFacts start;
  std::optional<EndFacts> end;  // it ended by itself
  std::vector<std::string> last_lines;
  std::vector<NetworkCall> network;
  RequestFacts request;
  std::optional<int> probe_status;  // of an HTTP startup probe
  OverlapFacts overlap;
  IdleFacts idle;
  MemoryFacts memory;
  std::vector<WrittenFile> written;
  std::vector<std::string> refused_writes;  // lines that tell of a read-only file system
  StopFacts stop;
  PoolFacts pools;
  ImportFacts imports;
  WeightFacts weight;
  std::vector<std::string> not_seen;  // what could not be looked at here, and why
};

}  // namespace thaw::doctor
