// Templates of Python programs: what their starts have imported, and what is run ahead of the next.
//
// The first start of a revision records its imports (runtimes/python/sitecustomize.py). From then
// on the sandbox that is kept ready for the next start holds a process that has them done
// (runtimes/python/template.py). Why there is one for each start, and none shared:
// docs/decisions/0020-templates.md.
//
// Thread: the loop's. Owner: `disk` outlives it.
// Limits: 256 KiB a record, one per revision; a revision whose template failed has none again until
// it is forgotten.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "io/disk.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

/// The text of the two files, compiled in.
std::string_view python_template_source();
std::string_view python_recorder_source();

constexpr char kTemplateFolder[] = "/run/thaw-python";  // in the instance, read-only
constexpr char kImportRecord[] = "/run/thaw-imports";   // written by the recorder
constexpr char kTemplateStatus[] = "/run/thaw-template";
constexpr ByteCount kMaxImportRecord = kib(256);

/// What a template has said of itself. "ready 211" and lines "left-out NAME WHY", or "none WHY".
struct TemplateStatus {
  int modules = 0;
  int left_out = 0;
  std::string none;  // why there is none; then its program starts as without
};
/// Nothing for text that a template would not write: it comes from inside the instance.
std::optional<TemplateStatus> parse_template_status(std::string_view text);

class PythonTemplates {
 public:
  explicit PythonTemplates(io::Disk& disk) : disk_(disk) {}

  /// How the program is to be run: as it is, recording, or ahead as a template.
  enum class Way { kPlain, kRecording, kTemplate };
  Way way_of_start(const InstanceSpec& spec) const;  // kPlain or kRecording
  Way way_of_ready(const InstanceSpec& spec) const;  // kPlain or kTemplate

  /// `spec` with the command and environment of that way.
  InstanceSpec apply(Way way, const InstanceSpec& spec) const;
  /// Writes what kTemplateFolder shows into `folder`, which is made.
  Status write_folder(const InstanceSpec& spec, const std::string& folder) const;

  void record(const RevisionId& revision, std::string imports);
  /// No template for this revision any more.
  void distrust(const RevisionId& revision, std::string why);
  /// Why there is none, in words; empty while nothing speaks against one.
  std::string why_none(const RevisionId& revision) const;
  void forget(const RevisionId& revision) { known_.erase(revision); }

 private:
  struct Known {
    std::string imports;
    std::string distrust;
  };
  bool is_python(const InstanceSpec& spec) const;

  io::Disk& disk_;
  std::map<RevisionId, Known> known_;
};

}  // namespace thaw::sandbox
