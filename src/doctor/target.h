// Target: a service, a folder or a command made into what is examined, with the contract's
// environment and limits. Pure but for reading the folder's files.
//
// Thread: any. Owner: values; the disk outlives the call. Limits: those of spec/parse.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "doctor/facts.h"
#include "io/disk.h"
#include "spec/service.h"

namespace thaw::doctor {

/// What the user asked for; exactly one of service, directory and command is there.
struct Request {
  std::optional<spec::Service> service;
  bool deployed = false;  // `service` came from the platform, not from a file
  std::string directory;  // absolute
  std::vector<std::string> command;
  std::string working_dir;  // of `command`, absolute
  std::optional<ByteCount> memory;
  std::optional<spec::Cpu> cpu;
  std::optional<int> concurrency;
  std::string request_path = "/";
};

/// kInvalidArgument and kNotFound name the file and what it lacks. `serve_argv` runs the native
/// model server.
Result<Target> target_of(const Request& request, io::Disk& disk,
                         const std::vector<std::string>& serve_argv);

}  // namespace thaw::doctor
