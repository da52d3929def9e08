#include "storage_api/pump.h"

#include <utility>

namespace thaw::storage_api {
namespace {

constexpr size_t kHeld = 1 << 20;
constexpr size_t kMostDropped = 64 << 20;

}  // namespace

Pump::Pump(http::BodyStream body, std::shared_ptr<objects::ContentWriter> writer, Filter filter,
           Done done)
    : body_(std::move(body)),
      writer_(std::move(writer)),
      filter_(std::move(filter)),
      done_(std::move(done)) {}

void Pump::take(http::BodyStream::Got got, std::string content) {
  asking_ = false;
  if (ended_) return;
  if (got != http::BodyStream::Got::kContent) {
    ended_ = got == http::BodyStream::Got::kEnd ? End::kWhole : End::kBroken;
    return go_on();
  }
  if (!fault_) {
    dropped_ += content.size();
    if (dropped_ > kMostDropped) ended_ = End::kBroken;
    return go_on();
  }
  auto filtered = filter_ ? filter_(std::move(content)) : Result<std::string>(std::move(content));
  if (!filtered) {
    fault_ = std::move(filtered).error();
    waiting_.clear();
  } else if (waiting_.empty()) {
    waiting_ = *std::move(filtered);
  } else {
    waiting_ += *filtered;
  }
  go_on();
}

void Pump::go_on() {
  if (!ended_ && !asking_ && waiting_.size() < kHeld) {
    asking_ = true;
    body_->next([self = shared_from_this()](http::BodyStream::Got got, std::string content) {
      self->take(got, std::move(content));
    });
  }
  if (appending_) return;
  if (!waiting_.empty() && fault_) {
    appending_ = true;
    writer_->append(std::exchange(waiting_, {}), [self = shared_from_this()](Status status) {
      self->appending_ = false;
      if (!status) {
        self->fault_ = std::move(status);
        self->waiting_.clear();
      }
      self->go_on();
    });
  } else if (ended_) {
    finish();
  }
}

void Pump::stop() {
  if (ended_) return;
  ended_ = End::kBroken;
  if (!appending_) go_on();
}

void Pump::finish() {
  if (!done_) return;
  body_.reset();
  const auto done = std::exchange(done_, nullptr);
  filter_ = nullptr;
  done(std::move(fault_), *ended_);
}

}  // namespace thaw::storage_api
