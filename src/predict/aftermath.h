// Aftermath: what lies beside an output from earlier deliveries, made to agree with how this one
// ended. A reason of a failure (NAME.error.json) does not stay beside an output that was made of
// the same input later, and a status (NAME.status.json) says how the last delivery ended, not
// RUNNING for ever, also where the server was killed in the middle of a large file.
//
// A step machine without I/O, the last part of BatchJob (batch_job.h). A redelivery that finds its
// work done goes through it too, so that whatever fails here is put right by the next one.
//
//   look at the reason -> delete it -> look at the status -> write it anew -> the end
//
// Objects that say of no input that they are of it are not ours and are left alone, and so is what
// a delivery of a newer input tells.
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: none of its own.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "predict/batch_step.h"

namespace thaw::predict {

class Aftermath {
 public:
  enum class Verdict {
    kMade,    // the output is of this input
    kFailed,  // no output can be made of it, and the reason is written
    kGone,    // the input went away, and no output is made of it
  };
  struct Facts {
    InputObject input;  // with the generation that the verdict is about
    OutputObject output;
    Json metadata;  // of the status
    Verdict verdict = Verdict::kMade;
    BatchEnd end;  // once all is done
  };
  explicit Aftermath(Facts facts) : facts_(std::move(facts)) {}

  BatchStep begin();
  BatchStep on_store(const Result<http::Response>& answer);

 private:
  enum class State { kReason, kDelete, kStatus, kTell };
  /// Whose an object is, and of which generation of it.
  enum class Owner { kNone, kOther, kOlder, kSame, kNewer };
  Owner owner_of(const Json& metadata) const;
  BatchStep after_reason(const http::Response& answer);
  BatchStep look_at_status();
  BatchStep after_status(const http::Response& answer);

  Facts facts_;
  State state_ = State::kReason;
};

/// The metadata of a status: `metadata` with the state, which is seen there without reading it.
Json status_metadata(Json metadata, std::string_view state);

}  // namespace thaw::predict
