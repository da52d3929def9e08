// Sessions: resumable uploads: begun by one request, filled by others, also after a cut or a
// restart.
//
// What arrived is in a file from the first byte on; a session's row tells what it will become.
// A new request for a session takes it over: the one before ends where it is.
// **Thread**: the loop's. **Owner**: the store outlives it.
// **Limits**: 256 sessions are kept in memory, others are opened again when asked for; a session
// lives a week.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "storage_api/call.h"
#include "storage_api/intake.h"
#include "storage_api/pump.h"
#include "storage_api/ranges.h"

namespace thaw::storage_api {

class Sessions {
 public:
  explicit Sessions(objects::ObjectStore& store) : store_(store) {}

  /// POST: answers where to send the bytes (Location).
  void start(const CallPtr& call, const Json& metadata);
  /// PUT with bytes or a question, DELETE to cancel.
  void go_on(const CallPtr& call);

 private:
  struct Session;
  using SessionPtr = std::shared_ptr<Session>;

  void load(const std::string& id, const CallPtr& call);
  void queue(const SessionPtr& session, const CallPtr& call);
  void serve(const SessionPtr& session, const CallPtr& call);
  void serve_open(const SessionPtr& session, const CallPtr& call);
  void receive(const SessionPtr& session, const CallPtr& call, const ContentRange& range);
  void received(const SessionPtr& session, const CallPtr& call, const ContentRange& range,
                const Status& status, Pump::End end);
  void answer_progress(const SessionPtr& session, const CallPtr& call);
  void finish(const SessionPtr& session, const CallPtr& call);
  void commit(const SessionPtr& session, const CallPtr& call, const objects::Content& content);
  void answer_finished(const objects::Upload& upload, const CallPtr& call);
  void cancel(const SessionPtr& session, const CallPtr& call);
  void refuse(const SessionPtr& session, const CallPtr& call, const Error& error);
  void rest(const SessionPtr& session);
  void forget(const SessionPtr& session);
  void let_go(const std::string& id);
  void make_room();

  objects::ObjectStore& store_;
  std::unordered_map<std::string, SessionPtr> sessions_;
  uint64_t uses_ = 0;
};

}  // namespace thaw::storage_api
