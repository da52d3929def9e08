// Pump: carries a request's body into content: the next pieces arrive while the last are written.
//
// **Thread**: the loop's. **Owner**: keeps itself until its end was told; drop nothing.
// **Limits**: 2 MiB are held. After a fault 64 MiB more are read and dropped, so that clients which
// send first and listen later get their answer.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/server.h"
#include "objects/content.h"

namespace thaw::storage_api {

class Pump : public std::enable_shared_from_this<Pump> {
 public:
  /// What of a piece is content. An error ends the pump.
  using Filter = std::function<Result<std::string>(std::string piece)>;
  enum class End {
    kWhole,
    kBroken,  // the client left, or stop() was called; what came before is written
  };
  using Done = std::function<void(Status status, End end)>;

  Pump(http::BodyStream body, std::shared_ptr<objects::ContentWriter> writer, Filter filter,
       Done done);
  void start() { go_on(); }
  /// Ends as if the client had left, in a later turn.
  void stop();

 private:
  void take(http::BodyStream::Got got, std::string content);
  void go_on();
  void finish();

  std::optional<http::BodyStream> body_;
  std::shared_ptr<objects::ContentWriter> writer_;
  Filter filter_;
  Done done_;
  std::string waiting_;
  Status fault_;
  std::optional<End> ended_;
  size_t dropped_ = 0;
  bool asking_ = false;
  bool appending_ = false;
};

}  // namespace thaw::storage_api
