// Outcome: a Result whose error also says with which exit code the command ends.
//
// An Error of another room becomes a Failure with the exit code of its Code; what is wrong with the
// words is a usage_failure(). Thread: any. Owner: values.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "cli/exit_code.h"

namespace thaw::cli {

struct Failure {
  Failure(ExitCode exit_code, Error what) : exit(exit_code), error(std::move(what)) {}
  explicit Failure(Error what) : exit(exit_code_of(what.code())), error(std::move(what)) {}

  ExitCode exit;
  Error error;
};

inline Failure usage_failure(std::string message) {
  return {ExitCode::kUsage, Error(Code::kInvalidArgument, std::move(message))};
}

template <class T>
class [[nodiscard]] Outcome : public tl::expected<T, Failure> {
 public:
  using tl::expected<T, Failure>::expected;
  Outcome(Failure failure)  // NOLINT(google-explicit-constructor): as Result from Error
      : tl::expected<T, Failure>(tl::unexpect, std::move(failure)) {}
  Outcome(Error error)  // NOLINT(google-explicit-constructor)
      : tl::expected<T, Failure>(tl::unexpect, Failure(std::move(error))) {}
};

}  // namespace thaw::cli
