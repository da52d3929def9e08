// Result and Error: how every fallible call of Thaw answers.
//
// For input from outside and for expected faults. Not for mistakes of ours: those are CHECK
// (base/check.h). Nothing throws across a room's border.
//
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace thaw {

/// What the caller may do about an error. The closed list and its names are google.rpc.Code's;
/// the one table that maps it to HTTP is `http_status` below.
enum class Code {
  kCancelled,
  kUnknown,
  kInvalidArgument,     // never retry: the input is wrong
  kDeadlineExceeded,    // retry later
  kNotFound,            // never
  kAlreadyExists,       // never
  kPermissionDenied,    // never
  kResourceExhausted,   // retry later: a limit is reached
  kFailedPrecondition,  // after the state was changed by someone
  kAborted,             // retry now: a concurrent change won
  kOutOfRange,          // never
  kUnimplemented,       // never
  kInternal,            // a mistake of ours
  kUnavailable,         // retry now with backoff
  kDataLoss,            // never
  kUnauthenticated,     // after signing in
};

/// "INVALID_ARGUMENT" and so on, as google.rpc spells them.
std::string_view code_name(Code code);

/// The HTTP status of google.rpc.Code's documentation (e.g. kNotFound 404, kAborted 409).
int http_status(Code code);

/// The inverse for clients; statuses that no code names become kUnknown.
Code code_from_http_status(int status);

/// What failed, on what, and what to do next. `context` grows outermost first on the way up.
class Error {
 public:
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  /// The whole text: "deploy demo: service.yaml:4: unknown field 'contaners'".
  const std::string& message() const { return message_; }

  /// Puts "what: " before the message.
  Error with_context(std::string_view what) &&;

 private:
  Code code_;
  std::string message_;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error)  // NOLINT(google-explicit-constructor): `return Error(...)` is the point
      : tl::expected<T, Error>(tl::unexpect, std::move(error)) {}
  Result(tl::unexpected<Error> error)  // NOLINT(google-explicit-constructor)
      : tl::expected<T, Error>(std::move(error)) {}
};

using Status = Result<void>;

/// An Error about a failed system call: "open /x: No such file or directory", with the code that
/// errno means (ENOENT kNotFound, ENOSPC kResourceExhausted, ...).
Error errno_error(std::string_view what, int errno_value);

}  // namespace thaw

#define THAW_CONCAT_INNER(a, b) a##b
#define THAW_CONCAT(a, b) THAW_CONCAT_INNER(a, b)

/// Returns the error of `expression` from the enclosing function, or goes on.
#define RETURN_IF_ERROR(expression)            \
  do {                                         \
    if (auto status = (expression); !status) { \
      return std::move(status).error();        \
    }                                          \
  } while (false)

/// `ASSIGN_OR_RETURN(auto x, f());`: x is the value, or the enclosing function returns the error.
#define ASSIGN_OR_RETURN(target, expression) \
  ASSIGN_OR_RETURN_INNER(THAW_CONCAT(result_, __LINE__), target, expression)
#define ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                              \
  if (!result) return std::move(result).error();           \
  target = *std::move(result)
