// Byte code of Python programs whose modules lack it, compiled ahead into a cache of the revision.
//
// A start notes what it had to compile (runtimes/python/bytecode.py). A sandbox of the service
// compiles that into one file, which later starts of the revision see read-only:
// docs/decisions/0078-byte-code.md. Kept in a folder per revision, found again after a restart.
//
// Thread: the loop's. Owner: `disk` outlives it.
// Limits: 1 MiB of noted paths; 64 MiB a cache, `most` all together: then those of other revisions
// go, the longest unused first; kMostCompiles per revision and run of the platform.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/disk.h"
#include "sandbox/bundle.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

std::string_view python_bytecode_source();
std::string_view python_compiler_source();

constexpr char kByteCode[] = "/run/thaw-bytecode";         // the cache, in an instance
constexpr char kSourceRecord[] = "/run/thaw-sources";      // what a start lacked
constexpr char kNewByteCode[] = "/run/thaw-bytecode-new";  // written by the one that compiles
constexpr char kSourceList[] = "/run/thaw-compile";        // what it is to compile
constexpr ByteCount kMaxSourceRecord = mib(1);
constexpr ByteCount kMaxByteCode = mib(64);

class PythonByteCode {
 public:
  /// `folder`: where everything is kept; made when needed.
  PythonByteCode(io::Disk& disk, std::string folder, ByteCount most)
      : disk_(disk), folder_(std::move(folder)), most_(most) {}

  /// Of a start that imports its modules itself.
  struct Use {
    bool is_watched = false;  // notes what it lacks, and uses the cache
    std::string cache;        // on the host; empty: there is none
    int modules = 0;          // in the cache
  };
  Use use(const InstanceSpec& spec);
  /// `spec` with what a watched start needs; `recorder_runs`: run_recorder() was applied.
  enum class Recorder { kRuns, kAbsent };
  static void watch(InstanceSpec& spec, Recorder recorder);

  /// What a watched start lacked, a path a line. True: it is to be compiled.
  bool record(const InstanceSpec& spec, std::string_view sources);
  /// Before the sandbox that compiles is made; its command and files.
  Status prepare(const InstanceSpec& spec);
  InstanceSpec compiler(const InstanceSpec& spec) const;
  std::vector<OwnFile> compiler_files(const InstanceSpec& spec) const;
  /// After it. `why`: it did not end as it should; else empty.
  void made(const InstanceSpec& spec, std::string_view report, std::string why);
  /// The revision is gone for good.
  void discard(const RevisionId& revision);

 private:
  struct Known {
    std::string mark;      // of what the cache was made with
    int modules = 0;       // in the cache; 0: there is none
    bool settled = false;  // starts without a cache are no longer watched
    std::string lacked;    // mark of what the last watched start lacked
    int compiles = 0;
    uint64_t used = 0;
  };
  std::string place(const RevisionId& revision) const;
  Known* find(const InstanceSpec& spec);
  void make_room(const RevisionId& revision);

  io::Disk& disk_;
  std::string folder_;
  ByteCount most_;
  uint64_t uses_ = 0;
  std::map<RevisionId, Known> known_;
};

}  // namespace thaw::sandbox
