// PipelineCalls: what `thaw apply` and `thaw destroy` ask of the API: what is there, and one step.
//
// What is to be done is decided in pipeline/plan.h. Thread: the caller's of run(). Owner: the
// context outlives it. Limits: one call after the other; a service may take 30 minutes to be ready.
#pragma once

#include <map>
#include <string>

#include "cli/api.h"
#include "pipeline/catalog.h"
#include "pipeline/plan.h"

namespace thaw::cli {

class PipelineCalls {
 public:
  PipelineCalls(Context& context, Api& api) : context_(context), api_(api) {}

  /// Of the pipeline; with version 0 when there is none yet.
  Outcome<pipeline::Record> record(const std::string& name);
  Outcome<pipeline::Record> keep(const pipeline::Record& record);

  /// Fills in what is there of `key`, when it is. `body`: as the file or the record has it.
  Outcome<ExitCode> look(const pipeline::Key& key, const Json& body, pipeline::Facts& facts);
  /// The body with the address of the service that it pushes to, when that service is there.
  Outcome<Json> resolved(const Json& body);
  Outcome<bool> has_objects(const std::string& bucket);

  /// Does what the step says. Answers the body that counts as applied.
  Outcome<Json> make(const pipeline::Step& step);
  Outcome<ExitCode> destroy(const pipeline::Key& key, const Json& there);
  Outcome<ExitCode> empty(const std::string& bucket);

 private:
  Outcome<Json> there(const pipeline::Key& key, const Json& body);
  Outcome<Json> patch(const std::string& path, const Json& body);
  Outcome<ExitCode> deploy(const pipeline::Step& step);
  Outcome<ExitCode> set_invokers(const std::string& service, const Json& members);
  Outcome<Json> make_account(const pipeline::Step& step);

  Context& context_;
  Api& api_;
  std::map<std::string, std::string> urls_;  // of services
};

}  // namespace thaw::cli
