// Findings about files, about the end of an instance, and about weight.
#include <fmt/format.h>

#include <algorithm>

#include "doctor/finding_kinds.h"

namespace thaw::doctor {
namespace {

constexpr size_t kShownFiles = 5;
constexpr ByteCount kHeavy = mib(500);
constexpr ByteCount kNeedless = mib(50);

std::vector<std::string> names_of(const Facts& facts, WrittenFile::Kind kind) {
  std::vector<std::string> names;
  for (const WrittenFile& file : facts.written) {
    if (file.kind != kind) continue;
    names.push_back(fmt::format("{} ({})", file.path, format_bytes(file.size)));
  }
  if (names.size() > kShownFiles) {
    const size_t more = names.size() - kShownFiles;
    names.resize(kShownFiles);
    names.push_back(fmt::format("and {} more", more));
  }
  return names;
}

}  // namespace

std::optional<Finding> keeps_state(const Facts& facts) {
  std::vector<std::string> files = names_of(facts, WrittenFile::Kind::kDatabase);
  if (files.empty()) return std::nullopt;
  for (std::string& file : files) file.insert(0, "database: ");
  return Finding{
      .id = "local-state",
      .severity = Severity::kWarning,
      .what =
          "The program keeps a database in its own file system: each instance has another one, "
          "and it goes with the instance.",
      .evidence = std::move(files),
      .fix =
          "Keep state outside of the instance: a database server, a bucket, a mounted volume; "
          "read-only data belongs into the image.",
      .command = "env: [{name: DATABASE_URL, value: \"postgresql://...\"}]"};
}

std::optional<Finding> writes_outside_tmp(const Facts& facts) {
  std::vector<std::string> evidence = names_of(facts, WrittenFile::Kind::kPlain);
  for (std::string& file : evidence) file.insert(0, "written: ");
  for (const std::string& line : facts.refused_writes) evidence.push_back("output: " + line);
  if (evidence.empty()) return std::nullopt;
  const bool fatal =
      facts.end && facts.end->when == EndFacts::When::kStarting && !facts.refused_writes.empty();
  if (fatal) {
    evidence.push_back(fmt::format("then it exited with code {}", facts.end->report.exit_code));
  }
  return Finding{
      .id = "writes-outside-tmp",
      .severity = fatal ? Severity::kError : Severity::kWarning,
      .what =
          "The program writes files outside of /tmp: they take memory, grow without a bound and "
          "are gone with the instance.",
      .evidence = std::move(evidence),
      .fix =
          "Write scratch files below /tmp and delete them, print logs to standard output, and "
          "keep what must last in a bucket or a database.",
      .command = "path = os.path.join(tempfile.gettempdir(), \"cache.json\")"};
}

std::optional<Finding> ignores_sigterm(const Facts& facts) {
  const StopFacts& stop = facts.stop;
  if (!stop.tried || stop.ended || stop.child_serves) return std::nullopt;
  const bool ignored = stop.term == StopFacts::Signal::kIgnored;
  // Without a handler the kernel keeps the signal from a first process, in which nothing was meant.
  const bool meant =
      stop.term == StopFacts::Signal::kCaught && stop.term_after != StopFacts::Signal::kDefault;
  if (!ignored && !meant) return std::nullopt;
  return Finding{
      .id = "ignores-sigterm",
      .severity = Severity::kWarning,
      .what =
          "The program does not end on SIGTERM: each stop takes ten billed seconds, and then "
          "what it did not finish is cut off by SIGKILL.",
      .evidence = {ignored ? "it ignores SIGTERM (SigIgn of its first process)"
                           : fmt::format("still running {} after SIGTERM",
                                         format_duration(stop.after))},
      .fix = "End the server when SIGTERM comes: stop accepting, finish what is in flight, exit.",
      .command =
          "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))          # Python\n"
          "process.on('SIGTERM', () => server.close(() => process.exit(0)))  // Node"};
}

std::optional<Finding> does_not_forward_sigterm(const Facts& facts) {
  const StopFacts& stop = facts.stop;
  if (!stop.tried || !stop.child_serves) return std::nullopt;
  const bool lost = stop.term != StopFacts::Signal::kCaught || !stop.ended;
  if (!lost) return std::nullopt;
  return Finding{
      .id = "sigterm-not-forwarded",
      .severity = Severity::kWarning,
      .what =
          "SIGTERM goes to a wrapper that does not pass it on: the server never hears of it and "
          "is killed ten seconds later.",
      .evidence = {fmt::format("the first process is {}; a child of it serves", stop.main_program),
                   stop.term == StopFacts::Signal::kCaught
                       ? fmt::format("still running {} after SIGTERM", format_duration(stop.after))
                       : "it does not handle SIGTERM"},
      .fix =
          "Let the shell become the server: exec in front of the last command, or CMD as a list.",
      .command = "exec python3 app.py\nCMD [\"python3\", \"app.py\"]"};
}

std::optional<Finding> is_heavy(const Facts& facts) {
  const WeightFacts& weight = facts.weight;
  if (!weight.measured) return std::nullopt;
  const bool needless = weight.needless >= kNeedless;
  if (weight.total < kHeavy && !needless) return std::nullopt;
  Finding finding{
      .id = "heavy-directory",
      .severity = Severity::kWarning,
      .what = needless ? "The folder holds much that the program does not need; in an image it is "
                         "stored, scanned and pulled with it."
                       : "The folder is heavy: as an image it is slow to build, push and pull.",
      .evidence = {fmt::format("{} in {}{} files", format_bytes(weight.total),
                               weight.cut ? "more than " : "", weight.files)},
      .fix = "Leave out what is not needed at run time, and keep large data in a bucket.",
      .command = fmt::format("printf '%s\\n' {} >> .dockerignore",
                             weight.needless_names.empty()
                                 ? std::string("data/ .git/ .venv/")
                                 : fmt::format("{}", fmt::join(weight.needless_names, " ")))};
  for (const auto& [name, size] : weight.biggest) {
    finding.evidence.push_back(fmt::format("{}: {}", name, format_bytes(size)));
  }
  return finding;
}

}  // namespace thaw::doctor
