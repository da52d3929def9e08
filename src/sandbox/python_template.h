// Templates of Python programs: what their starts have imported, and the snapshot that is restored.
//
// The first start of a revision records its imports (runtimes/python/sitecustomize.py). A sandbox
// of its own then does them and writes itself to a file (runtimes/python/template.py), which every
// later start maps instead of importing: docs/decisions/0070-snapshots.md.
// What is kept lies in a folder per revision and is found again after a restart.
//
// Thread: the loop's. Owner: `disk` outlives it.
// Limits: 256 KiB a record; a snapshot is no larger than its service's memory, all together no
// larger than `most`: then those of other revisions go, the longest unused first. A revision
// whose snapshot failed has none again until it is discarded; kMostRemakes in a row when its files
// change.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "io/disk.h"
#include "sandbox/python_command.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

/// The files of runtimes/, compiled in. The last two are empty where there can be no snapshots.
std::string_view python_template_source();
std::string_view python_recorder_source();
std::string_view python_snapshot_source();
std::string_view snapshot_restorer_program();
std::string_view snapshot_point_library();

constexpr char kTemplateFolder[] = "/run/thaw-python";  // in the instance, read-only
constexpr char kImportRecord[] = "/run/thaw-imports";   // written by the recorder
constexpr char kPreload[] = "/run/thaw-preload";        // what is to be imported
constexpr char kSnapshot[] = "/run/thaw-snapshot";
constexpr ByteCount kMaxImportRecord = kib(256);

/// What a template's sandbox has said of itself: "ready 211 3 190000000" and lines "left-out NAME
/// WHY", or "none WHY".
struct TemplateReport {
  int modules = 0;
  int left_out = 0;
  std::string none;  // why there is none; then its program starts as without
};
/// Nothing for text that a template would not write: it comes from inside a sandbox.
std::optional<TemplateReport> parse_template_report(std::string_view text);

/// What of it is a Python program's command, as the host's files tell.
std::optional<PythonCommand> command_of(io::Disk& disk, const InstanceSpec& spec);
/// The program's interpreter first runs what kTemplateFolder has for it.
void run_recorder(InstanceSpec& spec);

class PythonTemplates {
 public:
  /// `folder`: where everything is kept; made when needed.
  PythonTemplates(io::Disk& disk, std::string folder, ByteCount most)
      : disk_(disk), folder_(std::move(folder)), most_(most) {}

  /// How a sandbox runs its program: as it is, recording what it imports, from its snapshot, or not
  /// at all but making that snapshot, or byte code (python_bytecode.h).
  enum class Way { kPlain, kRecording, kRestoring, kMaking, kCompiling };
  /// Of a start now. Reads what an earlier run of the platform has left.
  Way way_of_start(const InstanceSpec& spec);
  /// A record is there and no snapshot yet, nor a reason against one.
  bool wants_snapshot(const InstanceSpec& spec);

  /// `spec` with the command and environment of that way.
  InstanceSpec apply(Way way, const InstanceSpec& spec) const;
  /// Files of the host that a sandbox of that way sees; empty: none.
  struct Files {
    std::string preload;   // at kPreload
    std::string snapshot;  // at kSnapshot; written by kMaking, read by kRestoring
    ByteCount limit;       // of what it may write to one file; 0: none
  };
  Files files(Way way, const InstanceSpec& spec) const;

  void record(const InstanceSpec& spec, std::string_view imports);
  /// Before and after a sandbox has made it. `why`: it did not end as it should; else empty.
  Status prepare(const InstanceSpec& spec);
  void made(const InstanceSpec& spec, std::string_view report, std::string why);
  /// A start could not be restored, or was: true when the snapshot is to be made anew.
  bool refused(const InstanceSpec& spec, std::string_view why);
  void restored(const RevisionId& revision);
  /// No snapshot for this revision any more.
  void distrust(const RevisionId& revision, std::string why);
  /// The revision is gone for good.
  void discard(const RevisionId& revision);

  TemplateState state(const RevisionId& revision) const;

 private:
  struct Known {
    std::string mark;  // of what the record was made with
    TemplateState state;
    uint64_t used = 0;
    int remakes = 0;
  };
  bool is_python(const InstanceSpec& spec) const;
  std::string place(const RevisionId& revision) const;
  Known* find(const InstanceSpec& spec);
  Known read(const InstanceSpec& spec) const;
  void settle(const RevisionId& revision, TemplateState state);
  void make_room(const RevisionId& revision);

  io::Disk& disk_;
  std::string folder_;
  ByteCount most_;
  uint64_t uses_ = 0;
  std::map<RevisionId, Known> known_;
};

}  // namespace thaw::sandbox
