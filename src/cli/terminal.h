// Terminal: where a command's words go to and what the process was given besides its arguments.
//
// Not for formatting: table.h, style.h. Thread: the caller's. Owner: outlives run().
// Limits: read_input refuses more than its limit.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace thaw::cli {

class Terminal {
 public:
  virtual ~Terminal() = default;
  /// kCancelled: nobody reads any more (a closed pipe); others name the fault of the system.
  virtual Status write_out(std::string_view text) = 0;
  /// Messages and progress. A fault is ignored: there is nowhere left to tell it.
  virtual void write_err(std::string_view text) = 0;
  /// All of standard input.
  virtual Result<std::string> read_input(ByteCount limit) = 0;
  virtual bool out_is_tty() const = 0;
  virtual bool err_is_tty() const = 0;
  /// Columns of the terminal; 80 where there is none.
  virtual int width() const = 0;
  virtual std::optional<std::string> env(const char* name) const = 0;
};

/// The process's own standard streams and environment.
std::unique_ptr<Terminal> process_terminal();

}  // namespace thaw::cli
