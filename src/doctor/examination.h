// Examination: the state of one examine() call and its steps; for examiner*.cc alone.
//
// Thread: the loop's. Owner: as examine(). Limits: as examine().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doctor/examiner.h"
#include "doctor/requests.h"
#include "doctor/trial.h"
#include "doctor/writable_view.h"

namespace thaw::doctor {

class Examination {
 public:
  Examination(const Target& target, const Limits& limits, Ports ports)
      : ports_(std::move(ports)), limits_(limits) {
    facts_.target = target;
  }

  void run();
  Facts facts() && { return std::move(facts_); }

 private:
  Room room() { return {ports_.patience, ports_.sandbox, ports_.is_container}; }
  void open_views(sandbox::InstanceSpec& spec, const std::string& name);
  void open_view(sandbox::InstanceSpec& spec, const std::string& folder, const std::string& name);
  void watch_start();
  void note_network();
  void note_end();
  void note_files(WallTime began);
  void stop();
  // examiner_serving.cc
  void serve(Trial& trial);
  void ask(Trial& trial, Requests& requests);
  void overlap(Requests& requests);
  void note_memory(Trial& trial);
  void note_pools(Trial& trial);
  void leave_alone(Trial& trial);
  // examiner_again.cc
  void measure_need();
  void measure_imports();
  void measure_compiling();

  Ports ports_;
  Limits limits_;
  Facts facts_;
  std::vector<WritableView> views_;
  std::optional<Trial> trial_;
  std::string python_;  // the interpreter that serves, or empty
};

sandbox::InstanceSpec spec_on(const Target& target, uint16_t port);

}  // namespace thaw::doctor
