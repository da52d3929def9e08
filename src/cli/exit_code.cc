#include "cli/exit_code.h"

namespace thaw::cli {
namespace {

constexpr ExitCodeMeaning kMeanings[] = {
    {ExitCode::kOk, "ok", "The command did what it was asked to.", ""},
    {ExitCode::kFailed, "failed",
     "It was tried and failed: an answer with an error status to `invoke`, a fault of the "
     "platform, a file that cannot be read, output that cannot be written.",
     "Read the message; nothing is known to be wrong with the words."},
    {ExitCode::kUsage, "usage",
     "The words were wrong: an unknown command or flag, a missing or unusable value. Nothing was "
     "tried.",
     "Read the message, or `thaw help COMMAND`."},
    {ExitCode::kUnreachable, "unreachable",
     "The platform does not answer: it is not running, the address is wrong, or it cannot answer "
     "now.",
     "Start it with `thaw up`, or name it with --api-address or THAW_API_ADDRESS. Retrying is "
     "safe."},
    {ExitCode::kNotFound, "not found",
     "The service, revision or instance that was named does not exist.",
     "Look with `thaw services list`."},
    {ExitCode::kRefused, "refused",
     "The platform, or the check before it is asked, refused: invalid input, or a state that does "
     "not allow it. Nothing was changed.",
     "Change what the message names."},
    {ExitCode::kNotReady, "not ready",
     "It was deployed, but the new revision did not become ready. The revision that served before "
     "goes on serving.",
     "Read the reason in the message, then `thaw logs NAME`."},
    {ExitCode::kFindings, "findings",
     "`doctor` found something at least as severe as --fail-on says, or `apply --dry-run "
     "--exit-code` something to add, change or destroy.",
     "Change what the findings name; --fail-on never only reports."},
    {ExitCode::kInterrupted, "interrupted",
     "Ended by Ctrl-C. What was sent before stays: a deploy goes on in the platform.", ""},
};

}  // namespace

std::span<const ExitCodeMeaning> exit_code_meanings() { return kMeanings; }

ExitCode exit_code_of(Code code) {
  switch (code) {
    case Code::kNotFound:
      return ExitCode::kNotFound;
    case Code::kInvalidArgument:
    case Code::kAlreadyExists:
    case Code::kPermissionDenied:
    case Code::kResourceExhausted:
    case Code::kFailedPrecondition:
    case Code::kAborted:
    case Code::kOutOfRange:
    case Code::kUnimplemented:
    case Code::kUnauthenticated:
      return ExitCode::kRefused;
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case Code::kCancelled:
    case Code::kUnknown:
    case Code::kInternal:
    case Code::kDataLoss:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

}  // namespace thaw::cli
