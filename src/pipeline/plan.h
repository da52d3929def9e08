// plan(): what has to be done so that what is there becomes what a file says. Pure.
//
// A resource is the file's own once it was made or adopted by it; the record of that (catalog.h)
// keeps what was applied last. So a field that the file no longer has goes back to its default, a
// resource that it no longer has is destroyed, and what others changed since is told as drift.
// What is there and is not the file's own is left alone when it is as the file says, and refused
// otherwise, unless it is to be adopted.
//
// Thread: any. Owner: values. Limits: those of file.h.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/file.h"

namespace thaw::pipeline {

struct Facts {
  std::map<Key, Json> actual;   // what is there; a service's in normal form (file.h)
  std::map<Key, Json> applied;  // the file's own, as it was applied last
};

struct Change {
  std::string path;
  Json before;  // null: not set
  Json after;   // null: goes back to its default
  enum class Cause { kFile, kDrift } cause = Cause::kFile;
};

enum class Action {
  kKeep,     // it is as the file says
  kLeave,    // as the file says, and not its own
  kAdd,      //
  kAdopt,    // as the file says; becomes its own
  kChange,   //
  kReplace,  // a field that cannot be changed: destroyed, then made anew
  kDestroy,
};

struct Step {
  Action action = Action::kKeep;
  Key key;
  Json body;  // what is wanted; for kDestroy what there is
  Json send;  // kChange: the fields that differ, whole, null where one goes
  std::vector<Change> changes;
};

struct Plan {
  std::vector<Step> steps;  // destroyed ones first, in the order in which they are to be done

  struct Counts {
    int add = 0;
    int change = 0;
    int destroy = 0;
  };
  Counts counts() const;
  bool empty() const;  // nothing is to be done
};

enum class Adopt { kNo, kYes };

/// kFailedPrecondition names every resource that is there, differs and is not the file's own, and
/// every change that is not possible.
Result<Plan> make_plan(const File& file, const Facts& facts, Adopt adopt);

/// Everything of the file's own goes.
Plan make_destroy_plan(const Facts& facts);

/// Differences of what is said in `wanted` only; numbers equal their texts, "0.20s" equals "0.2s".
std::vector<Change> differences(const Json& wanted, const Json& actual);

}  // namespace thaw::pipeline
