#include "base/result.h"

#include <array>
#include <cerrno>
#include <cstring>

namespace thaw {
namespace {

struct CodeRow {
  Code code;
  std::string_view name;
  int http;
};

// google.rpc.Code, with the HTTP mapping its comments give.
constexpr std::array kCodes = {
    CodeRow{Code::kCancelled, "CANCELLED", 499},
    CodeRow{Code::kUnknown, "UNKNOWN", 500},
    CodeRow{Code::kInvalidArgument, "INVALID_ARGUMENT", 400},
    CodeRow{Code::kDeadlineExceeded, "DEADLINE_EXCEEDED", 504},
    CodeRow{Code::kNotFound, "NOT_FOUND", 404},
    CodeRow{Code::kAlreadyExists, "ALREADY_EXISTS", 409},
    CodeRow{Code::kPermissionDenied, "PERMISSION_DENIED", 403},
    CodeRow{Code::kResourceExhausted, "RESOURCE_EXHAUSTED", 429},
    CodeRow{Code::kFailedPrecondition, "FAILED_PRECONDITION", 400},
    CodeRow{Code::kAborted, "ABORTED", 409},
    CodeRow{Code::kOutOfRange, "OUT_OF_RANGE", 400},
    CodeRow{Code::kUnimplemented, "UNIMPLEMENTED", 501},
    CodeRow{Code::kInternal, "INTERNAL", 500},
    CodeRow{Code::kUnavailable, "UNAVAILABLE", 503},
    CodeRow{Code::kDataLoss, "DATA_LOSS", 500},
    CodeRow{Code::kUnauthenticated, "UNAUTHENTICATED", 401},
};

const CodeRow& row(Code code) { return kCodes.at(static_cast<size_t>(code)); }

Code code_of_errno(int value) {
  switch (value) {
    case ENOENT:
    case ESRCH:
      return Code::kNotFound;
    case EEXIST:
      return Code::kAlreadyExists;
    case EACCES:
    case EPERM:
      return Code::kPermissionDenied;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return Code::kResourceExhausted;
    case ETIMEDOUT:
      return Code::kDeadlineExceeded;
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case EAGAIN:
    case EBUSY:
      return Code::kUnavailable;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
      return Code::kInvalidArgument;
    default:
      return Code::kUnknown;
  }
}

}  // namespace

std::string_view code_name(Code code) { return row(code).name; }

int http_status(Code code) { return row(code).http; }

Code code_from_http_status(int status) {
  if (status == 409) return Code::kAborted;
  for (const CodeRow& candidate : kCodes) {
    if (candidate.http == status && candidate.code != Code::kUnknown) return candidate.code;
  }
  return Code::kUnknown;
}

Error Error::with_context(std::string_view what) && {
  return {code_, std::string(what) + ": " + message_};
}

Error errno_error(std::string_view what, int errno_value) {
  return {code_of_errno(errno_value), std::string(what) + ": " + std::strerror(errno_value)};
}

}  // namespace thaw
